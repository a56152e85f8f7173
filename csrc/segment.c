#include "segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crc32c.h"
#include "descriptor.h"
#include "segment_format.h"

#if defined(__linux__) && !defined(MADV_POPULATE_WRITE)
#define MADV_POPULATE_WRITE 23
#endif

static enum gch_status allocate_file(int fd, size_t size, struct gch_err *err)
{
#ifdef __APPLE__
    fstore_t store = {F_ALLOCATEALL, F_PEOFPOSMODE, 0, (off_t)size, 0};
    int failed = fcntl(fd, F_PREALLOCATE, &store) == -1 ? errno : 0;
    if (failed == 0 && ftruncate(fd, (off_t)size) != 0)
        failed = errno;
#else
    int failed = posix_fallocate(fd, 0, (off_t)size);
#endif
    if (failed != 0)
        return gch_err_set(err, GCH_ERR_IO, "cannot allocate %zu bytes for the outbox: %s", size, strerror(failed));
    return GCH_OK;
}

static void fault_in_pages(uint8_t *map, size_t size)
{
#ifdef __linux__
    if (madvise(map, size, MADV_POPULATE_WRITE) == 0)
        return;
#endif
    for (size_t at = GCH_SEGMENT_HEADER; at < size; at += 4096) {
        volatile uint8_t *page = map + at;
        *page = *page;
    }
}

static enum gch_status new_segment(struct gch_segment **segment, uint8_t *map, int fd, uint64_t id, size_t size)
{
    struct gch_segment *made = calloc(1, sizeof(*made));
    if (made == NULL)
        return GCH_ERR_NOMEM;
    made->map = map;
    made->size = size;
    made->id = id;
    made->fd = fd;
    atomic_init(&made->acked, GCH_SEGMENT_HEADER);
    atomic_init(&made->end, GCH_SEGMENT_HEADER);
    *segment = made;
    return GCH_OK;
}

/* Writes the header through the descriptor before the map exists, so that a crash never leaves a file whose old header
 * still vouches for frames that are being overwritten. */
static enum gch_status start_file(struct gch_segment **segment, int fd, const char *name, uint64_t id, size_t size,
                                  bool fault_in, struct gch_err *err)
{
    uint8_t header[GCH_SEGMENT_HEADER + GCH_FRAME_ALIGN] = {0};
    segment_header_put(header, id, size);
    if (pwrite(fd, header, sizeof(header), 0) != (ssize_t)sizeof(header))
        return gch_err_set(err, GCH_ERR_IO, "cannot write to the outbox: %s", strerror(errno));
    uint8_t *map = gch_descriptor_map(fd, size);
    if ((void *)map == MAP_FAILED)
        return gch_err_set(err, GCH_ERR_IO, "cannot map a segment of the outbox: %s", strerror(errno));
    if (fault_in)
        fault_in_pages(map, size);
    enum gch_status status = new_segment(segment, map, fd, id, size);
    if (status != GCH_OK) {
        munmap(map, size);
        return status;
    }
    strncpy((*segment)->name, name, sizeof((*segment)->name) - 1);
    return GCH_OK;
}

enum gch_status gch_segment_create(struct gch_segment **segment, int dir_fd, const char *name, uint64_t id, size_t size,
                                   bool fault_in, struct gch_err *err)
{
    int fd = gch_descriptor_open(dir_fd, name, O_RDWR | O_CREAT | O_EXCL);
    if (fd < 0)
        return gch_err_set(err, GCH_ERR_IO, "cannot create a segment of the outbox: %s", strerror(errno));
    enum gch_status status = allocate_file(fd, size, err);
    if (status == GCH_OK)
        status = start_file(segment, fd, name, id, size, fault_in, err);
    if (status != GCH_OK) {
        gch_descriptor_close(fd);
        (void)unlinkat(dir_fd, name, 0);
    }
    return status;
}

enum gch_status gch_segment_recycle(struct gch_segment **segment, int dir_fd, const char *name, uint64_t id,
                                    size_t size, bool fault_in, struct gch_err *err)
{
    int fd = gch_descriptor_open(dir_fd, name, O_RDWR);
    if (fd < 0)
        return gch_err_set(err, GCH_ERR_IO, "cannot reopen a segment of the outbox: %s", strerror(errno));
    struct stat found;
    enum gch_status status = GCH_ERR_INVALID;
    if (fstat(fd, &found) == 0 && found.st_size == (off_t)size)
        status = start_file(segment, fd, name, id, size, fault_in, err);
    if (status != GCH_OK)
        gch_descriptor_close(fd);
    return status;
}

enum gch_status gch_segment_create_memory(struct gch_segment **segment, uint64_t id, size_t size)
{
    uint8_t *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return GCH_ERR_NOMEM;
    segment_header_put(map, id, size);
    enum gch_status status = new_segment(segment, map, -1, id, size);
    if (status != GCH_OK) {
        munmap(map, size);
        return status;
    }
    (*segment)->memory = true;
    return GCH_OK;
}

void gch_segment_free(struct gch_segment *segment)
{
    if (segment == NULL)
        return;
    if (segment->map != NULL)
        munmap(segment->map, segment->size);
    gch_descriptor_close(segment->fd);
    free(segment);
}

enum gch_status gch_segment_append(struct gch_segment *segment, enum gch_frame_kind kind, uint8_t table,
                                   const void *payload, size_t len)
{
    uint64_t at = atomic_load_explicit(&segment->end, memory_order_relaxed);
    size_t room = segment->size - (size_t)at;
    if (len > GCH_PAYLOAD_MAX || gch_frame_size(len) > room)
        return GCH_ERR_FULL;
    uint8_t *frame = segment->map + at;
    uint64_t next = at + gch_frame_size(len);
    memcpy(frame + GCH_FRAME_HEADER, payload, len);
    if (next < segment->size)
        put_u32(segment->map + next, 0);
    frame_header_put(frame, segment->id, at, kind, table, payload, (uint32_t)len);
    segment->rows += kind != GCH_FRAME_SCHEMA;
    atomic_store_explicit(&segment->end, next, memory_order_release);
    return GCH_OK;
}

void gch_segment_seal(struct gch_segment *segment)
{
    segment->sealed = true;
    segment_mark_put(segment->map + SEGMENT_SEALED_AT, segment->id, gch_segment_end(segment));
}

void gch_segment_retire(struct gch_segment *segment)
{
    if (segment->memory || segment->map == NULL)
        return;
    munmap(segment->map, segment->size);
    segment->map = NULL;
#ifdef __linux__
    (void)sync_file_range(segment->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
    gch_descriptor_close(segment->fd);
    segment->fd = -1;
}
