#include "aside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "descriptor.h"
#include "disk.h"
#include "segment_reader.h"
#include "thread.h"
#include "writer_dir.h"

static size_t size_for(const struct gch_aside *frames, size_t count)
{
    size_t size = GCH_SEGMENT_HEADER + gch_frame_size(frames[0].schema_len);
    for (size_t i = 0; i < count; i++)
        size += gch_frame_size(frames[i].len);
    return (size + 4095) & ~(size_t)4095;
}

static enum gch_status fill_segment(struct gch_segment *segment, const struct gch_aside *frames, size_t count,
                                    uint64_t not_before_us, struct gch_err *err)
{
    enum gch_status status = GCH_OK;
    if (frames[0].schema_len > 0)
        status = gch_segment_append(segment, GCH_FRAME_SCHEMA, frames[0].table, frames[0].schema, frames[0].schema_len);
    for (size_t i = 0; i < count && status == GCH_OK; i++)
        status = gch_segment_append(segment, frames[i].kind, frames[i].table, frames[i].payload, frames[i].len);
    if (status == GCH_OK && not_before_us != 0)
        status = gch_segment_set_not_before(segment->fd, not_before_us, err);
    if (status == GCH_OK)
        gch_segment_seal(segment);
    return status;
}

/* The words for a copy that stays although the disk did not sync it. */
static enum gch_status unsynced(struct gch_err *err)
{
    return gch_err_set(err, GCH_ERR_AGAIN, "the disk did not sync rows that were put aside: %s", strerror(errno));
}

static enum gch_status sync_copy(int dir_fd, struct gch_segment *segment, struct gch_err *err)
{
    if (gch_disk_sync_map(segment->map, 0, gch_segment_end(segment)) != GCH_OK || gch_disk_sync_dir(dir_fd) != GCH_OK)
        return unsynced(err);
    return GCH_OK;
}

static enum gch_status write_segment(int dir_fd, const char *name, const struct gch_aside *frames, size_t count,
                                     uint64_t not_before_us, bool sync, struct gch_err *err)
{
    struct gch_segment *segment;
    enum gch_status status =
        gch_segment_create(&segment, dir_fd, name, gch_realtime_us(), size_for(frames, count), false, err);
    if (status != GCH_OK)
        return status;
    status = fill_segment(segment, frames, count, not_before_us, err);
    if (status != GCH_OK)
        (void)unlinkat(dir_fd, name, 0);
    else if (sync)
        status = sync_copy(dir_fd, segment, err);
    gch_segment_free(segment);
    return status;
}

static bool is_copy(enum gch_status status)
{
    return status == GCH_OK || status == GCH_ERR_AGAIN;
}

/* Makes a directory with the frames in it, which counts from the first moment that anybody sees it. */
static enum gch_status write_dir(int root_fd, const struct gch_aside *frames, size_t count, uint64_t not_before_us,
                                 bool sync, struct gch_writer_dir *dir, struct gch_err *err)
{
    enum gch_status status = gch_writer_dir_create(dir, root_fd, err);
    if (status != GCH_OK)
        return status;
    status = write_segment(dir->dir_fd, "000001.seg", frames, count, not_before_us, sync, err);
    enum gch_status published = is_copy(status) ? gch_writer_dir_publish(dir, root_fd, err) : status;
    if (!is_copy(published)) {
        (void)unlinkat(dir->dir_fd, "000001.seg", 0);
        gch_writer_dir_remove(dir, root_fd);
        gch_writer_dir_close(dir);
        return published;
    }
    if (status == GCH_OK && sync && gch_disk_sync_dir(root_fd) != GCH_OK)
        status = unsynced(err);
    return status;
}

enum gch_status gch_aside_park(int root_fd, const struct gch_aside *frames, size_t count, uint64_t not_before_us,
                               bool sync, struct gch_err *err)
{
    struct gch_writer_dir dir;
    enum gch_status status = write_dir(root_fd, frames, count, not_before_us, sync, &dir, err);
    if (is_copy(status))
        gch_writer_dir_close(&dir);
    return status;
}

enum gch_status gch_aside_put_off(int root_fd, const struct gch_aside *frames, size_t count, bool sync,
                                  struct gch_writer_dir *dir, struct gch_err *err)
{
    return write_dir(root_fd, frames, count, 0, sync, dir, err);
}

static enum gch_status open_subdir(int root_fd, const char *name, int *fd, struct gch_err *err)
{
    bool made = mkdirat(root_fd, name, 0700) == 0;
    *fd = gch_descriptor_open(root_fd, name, O_RDONLY | O_DIRECTORY);
    if (*fd < 0)
        return gch_err_set(err, GCH_ERR_IO, "cannot use the outbox's %s directory: %s", name, strerror(errno));
    /* One that cannot be synced is found out with the first file in it. */
    if (made && gch_disk_sync_dir(root_fd) != GCH_OK)
        (void)gch_err_set(err, GCH_OK, "cannot sync the outbox: %s", strerror(errno));
    return GCH_OK;
}

uint64_t gch_aside_quarantine_bytes(int root_fd)
{
    uint64_t bytes = 0;
    int dir_fd = gch_descriptor_open(root_fd, "quarantine", O_RDONLY | O_DIRECTORY);
    DIR *listing = dir_fd < 0 ? NULL : gch_descriptor_list(dir_fd);
    if (listing != NULL) {
        struct stat found;
        for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
            if (entry->d_name[0] != '.' && fstatat(dir_fd, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0)
                bytes += (uint64_t)found.st_blocks * 512;
        }
        gch_descriptor_end_list(listing);
    }
    gch_descriptor_close(dir_fd);
    return bytes;
}

enum gch_status gch_aside_quarantine(int root_fd, const struct gch_aside *frame, const char *reason, bool sync,
                                     struct gch_err *err)
{
    int dir_fd;
    enum gch_status status = open_subdir(root_fd, "quarantine", &dir_fd, err);
    if (status != GCH_OK)
        return status;
    uint32_t random;
    char text[GCH_DIR_NAME_MAX];
    char name[GCH_DIR_NAME_MAX];
    gch_random(&random, sizeof(random));
    uint64_t now = gch_realtime_us();
    (void)snprintf(text, sizeof(text), "%016" PRIx64 "-%08" PRIx32 ".txt", now, random);
    (void)snprintf(name, sizeof(name), "%016" PRIx64 "-%08" PRIx32 ".seg", now, random);
    int fd = gch_descriptor_open(dir_fd, text, O_WRONLY | O_CREAT | O_EXCL);
    if (fd < 0) {
        status = gch_err_set(err, GCH_ERR_IO, "cannot write to the outbox's quarantine: %s", strerror(errno));
    } else {
        (void)!write(fd, reason, strlen(reason));
        bool synced = !sync || gch_disk_sync_file(fd) == GCH_OK;
        gch_descriptor_close(fd);
        status = write_segment(dir_fd, name, frame, 1, 0, sync, err);
        if (status == GCH_OK && !synced)
            status = unsynced(err);
        if (!is_copy(status))
            (void)unlinkat(dir_fd, text, 0);
    }
    gch_descriptor_close(dir_fd);
    return status;
}

enum gch_status gch_aside_keep_damaged(int root_fd, int dir_fd, const char *name, uint64_t id)
{
    int damaged_fd;
    enum gch_status status = open_subdir(root_fd, "damaged", &damaged_fd, NULL);
    if (status != GCH_OK)
        return status;
    char kept[GCH_DIR_NAME_MAX];
    (void)snprintf(kept, sizeof(kept), "%016" PRIx64 ".seg", id);
    status = linkat(dir_fd, name, damaged_fd, kept, 0) == 0 || errno == EEXIST ? GCH_OK : GCH_ERR_IO;
    if (status == GCH_OK)
        status = gch_disk_sync_dir(damaged_fd); /* The caller removes the first name next. */
    gch_descriptor_close(damaged_fd);
    return status;
}
