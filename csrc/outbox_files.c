#include "outbox_files.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"
#include "disk.h"
#include "thread.h"

static enum gch_status open_writer(struct gch_outbox *outbox, struct gch_err *err)
{
    if (outbox->writer.dir_fd >= 0)
        return GCH_OK;
    struct gch_writer_dir made;
    enum gch_status status = gch_outbox_open_root(outbox, err);
    if (status == GCH_OK)
        status = gch_writer_dir_create(&made, outbox->root_fd, err);
    if (status != GCH_OK)
        return status;
    status = gch_writer_dir_publish(&made, outbox->root_fd, err);
    if (status != GCH_OK) {
        gch_writer_dir_remove(&made, outbox->root_fd);
        gch_writer_dir_close(&made);
        return status;
    }
    pthread_mutex_lock(&outbox->lock);
    outbox->writer = made;
    pthread_mutex_unlock(&outbox->lock);
    return GCH_OK;
}

/* A number that grows with every segment of this writer and starts from the clock, so that segments sort by it. */
static uint64_t next_id(struct gch_outbox *outbox)
{
    uint64_t now = gch_realtime_us();
    pthread_mutex_lock(&outbox->lock);
    outbox->last_id = now > outbox->last_id ? now : outbox->last_id + 1;
    uint64_t id = outbox->last_id;
    pthread_mutex_unlock(&outbox->lock);
    return id;
}

static bool take_spare(struct gch_outbox *outbox, size_t size, char name[40])
{
    pthread_mutex_lock(&outbox->lock);
    bool found = size == outbox->segment_size && outbox->spare[0] != '\0';
    if (found) {
        memcpy(name, outbox->spare, sizeof(outbox->spare));
        outbox->spare[0] = '\0';
    } else {
        (void)snprintf(name, 40, "%06u.seg", ++outbox->file_count);
    }
    pthread_mutex_unlock(&outbox->lock);
    return found;
}

/* The keeper and a caller may ask at the same time: what at_cap told both is settled here, where the bytes are taken.
 */
static enum gch_status claim_file(struct gch_outbox *outbox, size_t size, char name[40], bool *spare)
{
    *spare = take_spare(outbox, size, name);
    if (*spare)
        return GCH_OK;
    pthread_mutex_lock(&outbox->lock);
    uint64_t used = gch_counted(&outbox->own_bytes) + gch_counted(&outbox->other_bytes);
    outbox->full = used + size > outbox->max_bytes;
    bool full = outbox->full;
    if (!full)
        gch_count(&outbox->own_bytes, size);
    pthread_mutex_unlock(&outbox->lock);
    return full ? GCH_ERR_FULL : GCH_OK;
}

static enum gch_status make_file(struct gch_outbox *outbox, size_t size, bool fault_in, struct gch_segment **segment,
                                 struct gch_err *err)
{
    enum gch_status status = open_writer(outbox, err);
    if (status != GCH_OK)
        return status;
    char name[40];
    bool spare;
    int dir_fd = outbox->writer.dir_fd;
    status = claim_file(outbox, size, name, &spare);
    if (status != GCH_OK)
        return status;
    if (spare) {
        status = gch_segment_recycle(segment, dir_fd, name, next_id(outbox), size, fault_in, err);
        if (status == GCH_OK) {
            gch_count(&outbox->counters->segments_recycled, 1);
            return GCH_OK;
        }
        (void)unlinkat(dir_fd, name, 0);
        (void)take_spare(outbox, 0, name);
    }
    status = gch_segment_create(segment, dir_fd, name, next_id(outbox), size, fault_in, err);
    if (status == GCH_OK) {
        gch_count(&outbox->names_made, 1);
        gch_count(&outbox->counters->segments_created, 1);
    } else {
        atomic_fetch_sub(&outbox->own_bytes, size);
    }
    return status;
}

static void say_memory_full(struct gch_outbox *outbox)
{
    struct gch_err err;
    (void)gch_err_set(&err, GCH_ERR_FULL,
                      "the outbox %s cannot be written and its %u MiB of memory are used up: new rows are refused and "
                      "counted as dropped; "
                      "free disk space or set GENESIS_CH_HOME to a directory that can be written",
                      outbox->root, GCH_OUTBOX_MEMORY_MAX >> 20);
    gch_notice_post(outbox->notices, GCH_CAUSE_OUTBOX_FULL, err.text);
}

static enum gch_status make_memory(struct gch_outbox *outbox, size_t size, struct gch_segment **segment)
{
    pthread_mutex_lock(&outbox->lock);
    bool fits = outbox->memory_bytes + size <= GCH_OUTBOX_MEMORY_MAX;
    if (fits)
        outbox->memory_bytes += size;
    pthread_mutex_unlock(&outbox->lock);
    if (!fits) {
        say_memory_full(outbox);
        return GCH_ERR_FULL;
    }
    enum gch_status status = gch_segment_create_memory(segment, next_id(outbox), size);
    if (status != GCH_OK) {
        pthread_mutex_lock(&outbox->lock);
        outbox->memory_bytes -= size;
        pthread_mutex_unlock(&outbox->lock);
    }
    return status;
}

static bool at_cap(struct gch_outbox *outbox, size_t size)
{
    uint64_t used = gch_counted(&outbox->own_bytes) + gch_counted(&outbox->other_bytes);
    pthread_mutex_lock(&outbox->lock);
    bool was = outbox->full;
    bool spare = size == outbox->segment_size && outbox->spare[0] != '\0';
    outbox->full = !spare && used + size > outbox->max_bytes;
    bool full = outbox->full;
    pthread_mutex_unlock(&outbox->lock);
    if (was && !full)
        gch_notice_resolve(outbox->notices, GCH_CAUSE_OUTBOX_FULL);
    return full;
}

static void say_full(struct gch_outbox *outbox)
{
    struct gch_err err;
    (void)gch_err_set(&err, GCH_ERR_FULL,
                      "the outbox %s is at its cap of %" PRIu64
                      " bytes: new rows are refused and counted as dropped until the "
                      "server takes some; run `genesis-ch doctor`, or raise GENESIS_CH_OUTBOX_MAX_BYTES",
                      outbox->root, outbox->max_bytes);
    gch_notice_post(outbox->notices, GCH_CAUSE_OUTBOX_FULL, err.text);
}

/* A disk that refused is not asked again at every call; no caller waits for it while the keeper asks, which it does as
 * long as there is a current segment. */
static bool disk_rests(struct gch_outbox *outbox, bool is_keeper)
{
    pthread_mutex_lock(&outbox->lock);
    bool asked = outbox->kept && outbox->current != NULL && !is_keeper;
    bool rests = outbox->disk_failed && (asked || gch_monotonic_ms() < outbox->disk_retry_at);
    pthread_mutex_unlock(&outbox->lock);
    return rests;
}

static void note_disk(struct gch_outbox *outbox, bool failed, const char *reason)
{
    pthread_mutex_lock(&outbox->lock);
    uint64_t now = gch_monotonic_ms();
    outbox->disk_failed = failed;
    if (failed)
        outbox->disk_retry_at = now + GCH_DISK_RETRY_MS;
    bool calm = outbox->disk_retry_at != 0 && now > outbox->disk_retry_at + GCH_DISK_CALM_MS;
    if (calm)
        outbox->disk_retry_at = 0;
    pthread_mutex_unlock(&outbox->lock);
    if (calm)
        gch_notice_resolve(outbox->notices, GCH_CAUSE_OUTBOX_DISK);
    if (!failed)
        return;
    struct gch_err err;
    (void)gch_err_set(
        &err, GCH_ERR_IO,
        "durability is off: %s. Rows are kept in memory (at most %u MiB) and are lost if this process dies; "
        "free disk space or set GENESIS_CH_HOME to a directory that can be written",
        reason, GCH_OUTBOX_MEMORY_MAX >> 20);
    gch_notice_post(outbox->notices, GCH_CAUSE_OUTBOX_DISK, err.text);
}

enum gch_status gch_outbox_make_segment(struct gch_outbox *outbox, size_t size, bool fault_in,
                                        struct gch_segment **segment)
{
    struct gch_err err;
    err.text[0] = '\0';
    bool full = at_cap(outbox, size);
    if (!full && disk_rests(outbox, fault_in))
        return fault_in ? GCH_ERR_IO : make_memory(outbox, size, segment);
    enum gch_status status = full ? GCH_ERR_FULL : make_file(outbox, size, fault_in, segment, &err);
    if (status == GCH_ERR_FULL) {
        if (!fault_in) /* The keeper only prepares: no row is refused yet. */
            say_full(outbox);
        return status;
    }
    note_disk(outbox, status != GCH_OK, err.text);
    return status == GCH_OK || fault_in ? status : make_memory(outbox, size, segment);
}

void gch_outbox_dispose(struct gch_outbox *outbox, struct gch_segment *segment, bool may_recycle)
{
    pthread_mutex_lock(&outbox->lock);
    bool keep = may_recycle && outbox->spare[0] == '\0' && !segment->memory && !segment->damaged &&
                segment->size == outbox->segment_size;
    if (keep)
        memcpy(outbox->spare, segment->name, sizeof(outbox->spare));
    if (segment->memory)
        outbox->memory_bytes -= segment->size;
    pthread_mutex_unlock(&outbox->lock);
    if (!segment->memory && !keep) {
        (void)unlinkat(outbox->writer.dir_fd, segment->name, 0);
        atomic_fetch_sub(&outbox->own_bytes, segment->size);
    }
    gch_segment_free(segment);
}

/* Saved is better than lost also when the disk does not sync. */
static void sync_saved(const struct gch_outbox *outbox, int fd)
{
    enum gch_status status = gch_disk_sync_file(fd);
    if (status == GCH_OK)
        status = gch_disk_sync_dir(outbox->writer.dir_fd);
    if (status == GCH_OK)
        status = gch_disk_sync_path(outbox->root_fd);
    if (status != GCH_OK)
        gch_count(&outbox->counters->syncs_failed, 1);
}

enum gch_status gch_outbox_save(struct gch_outbox *outbox, struct gch_segment *segment)
{
    struct gch_err err;
    char name[40];
    enum gch_status status = open_writer(outbox, &err);
    if (status != GCH_OK)
        return status;
    (void)take_spare(outbox, 0, name);
    int fd = gch_descriptor_open(outbox->writer.dir_fd, name, O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0)
        return GCH_ERR_IO;
    size_t end = (size_t)gch_segment_end(segment);
    gch_segment_seal(segment); /* The file is shorter than the segment: its end has to be in it. */
    bool written = write(fd, segment->map, end) == (ssize_t)end;
    if (written)
        gch_segment_ack(fd, segment->id, segment->acked);
    else
        (void)unlinkat(outbox->writer.dir_fd, name, 0);
    if (written && outbox->syncs)
        sync_saved(outbox, fd);
    gch_descriptor_close(fd);
    return written ? GCH_OK : GCH_ERR_IO;
}

/* The file of a segment in use has lost its name, and is there for as long as we hold it open: its rows can be
 * delivered. The keeper closes only sealed ones. -1: it is sealed. */
static int open_nameless(struct gch_outbox *outbox, const struct gch_segment *segment)
{
    pthread_mutex_lock(&outbox->lock);
    int fd = segment->sealed ? -1 : gch_descriptor_duplicate(segment->fd);
    pthread_mutex_unlock(&outbox->lock);
    if (fd < 0)
        return -1;
    struct gch_err err;
    (void)gch_err_set(&err, GCH_OK,
                      "the outbox %s was removed while this program runs; what it logs is delivered as long as it "
                      "lives, and is lost if it dies",
                      outbox->root);
    gch_notice_post(outbox->notices, GCH_CAUSE_OUTBOX_DAMAGED, err.text);
    return fd;
}

enum gch_status gch_outbox_open_reader(struct gch_outbox *outbox, const struct gch_segment *segment,
                                       struct gch_segment_reader *reader, struct gch_err *err)
{
    if (segment->memory) {
        gch_segment_reader_open_memory(reader, segment);
        return GCH_OK;
    }
    int fd = gch_descriptor_open(outbox->writer.dir_fd, segment->name, O_RDWR);
    int failed = errno;
    if (fd < 0 && failed == ENOENT)
        fd = open_nameless(outbox, segment);
    if (fd < 0)
        return gch_err_set(err, failed == ENOENT ? GCH_ERR_INVALID : GCH_ERR_IO,
                           "cannot open a segment of the outbox: %s", strerror(failed));
    enum gch_status status = gch_segment_reader_open(reader, fd, err);
    reader->live = true;
    return status;
}
