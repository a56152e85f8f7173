#include "orphan.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "aside.h"
#include "descriptor.h"
#include "thread.h"

#define SUFFIX      ".seg"
#define ABANDONED_S 60

static bool is_segment_name(const char *name)
{
    size_t len = strlen(name);
    return len > strlen(SUFFIX) && len < 40 && strcmp(name + len - strlen(SUFFIX), SUFFIX) == 0;
}

static uint64_t segment_bytes(int dir_fd)
{
    uint64_t bytes = 0;
    DIR *listing = gch_descriptor_list(dir_fd);
    if (listing == NULL)
        return 0;
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        struct stat found;
        if (is_segment_name(entry->d_name) && fstatat(dir_fd, entry->d_name, &found, AT_SYMLINK_NOFOLLOW) == 0)
            bytes += (uint64_t)found.st_size;
    }
    gch_descriptor_end_list(listing);
    return bytes;
}

static void remove_segments(int dir_fd)
{
    DIR *listing = gch_descriptor_list(dir_fd);
    if (listing == NULL)
        return;
    for (const struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        if (is_segment_name(entry->d_name))
            (void)unlinkat(dir_fd, entry->d_name, 0);
    }
    gch_descriptor_end_list(listing);
}

/* A ".new-" directory with a free lock was abandoned before it counted; nothing in it was ever acknowledged to a
 * caller. */
static void remove_abandoned(int root_fd, const char *name)
{
    struct gch_writer_dir dir;
    struct stat found;
    if (fstatat(root_fd, name, &found, AT_SYMLINK_NOFOLLOW) != 0 || time(NULL) - found.st_mtime < ABANDONED_S)
        return;
    if (gch_writer_dir_adopt(&dir, root_fd, name) != GCH_OK)
        return;
    remove_segments(dir.dir_fd);
    gch_writer_dir_remove(&dir, root_fd);
    gch_writer_dir_close(&dir);
}

static enum gch_status add_name(struct gch_scan *scan, int root_fd, const char *name)
{
    if (scan->count >= GCH_SCAN_MAX)
        return GCH_OK;
    void *names = realloc(scan->names, (scan->count + 1) * sizeof(scan->names[0]));
    if (names == NULL)
        return GCH_ERR_NOMEM;
    scan->names = names;
    (void)snprintf(scan->names[scan->count], GCH_DIR_NAME_MAX, "%.*s", GCH_DIR_NAME_MAX - 1, name);
    scan->count += 1;
    int dir_fd = gch_descriptor_open(root_fd, name, O_RDONLY | O_DIRECTORY);
    if (dir_fd >= 0) {
        scan->bytes += segment_bytes(dir_fd);
        gch_descriptor_close(dir_fd);
    }
    return GCH_OK;
}

enum gch_status gch_scan_run(struct gch_scan *scan, int root_fd, const char *own_name, struct gch_err *err)
{
    gch_scan_deinit(scan);
    DIR *listing = gch_descriptor_list(root_fd);
    if (listing == NULL)
        return gch_err_set(err, GCH_ERR_IO, "cannot list the outbox");
    enum gch_status status = GCH_OK;
    for (const struct dirent *entry = readdir(listing); entry != NULL && status == GCH_OK; entry = readdir(listing)) {
        if (strncmp(entry->d_name, ".new-", 5) == 0)
            remove_abandoned(root_fd, entry->d_name);
        else if (strncmp(entry->d_name, GCH_DIR_PREFIX, strlen(GCH_DIR_PREFIX)) == 0 &&
                 strcmp(entry->d_name, own_name) != 0)
            status = add_name(scan, root_fd, entry->d_name);
    }
    gch_descriptor_end_list(listing);
    return status;
}

void gch_scan_deinit(struct gch_scan *scan)
{
    free(scan->names);
    memset(scan, 0, sizeof(*scan));
}

static int by_id(const void *a, const void *b)
{
    const struct gch_orphan_segment *left = a;
    const struct gch_orphan_segment *right = b;
    return (left->id > right->id) - (left->id < right->id);
}

/* True for a file whose maker died before it wrote the header: no row was ever in it. With anything but zeros behind a
 * header of zeros it is a damaged one. */
static bool is_blank(int fd)
{
    uint8_t bytes[4096];
    ssize_t got = 1;
    for (off_t at = 0; got > 0; at += got) {
        got = pread(fd, bytes, sizeof(bytes), at);
        for (ssize_t i = 0; i < got; i++) {
            if (bytes[i] != 0)
                return false;
        }
    }
    return got == 0;
}

/* Looks at the header only. A damaged one sorts first, so that it is dealt with and never stands in the way. */
static void inspect(int dir_fd, struct gch_orphan_segment *segment)
{
    struct gch_segment_reader reader;
    segment->status = GCH_ERR_IO;
    int fd = gch_descriptor_open(dir_fd, segment->name, O_RDWR);
    if (fd < 0)
        return;
    if (is_blank(fd)) {
        segment->status = GCH_ERR_AGAIN;
        gch_descriptor_close(fd);
        return;
    }
    segment->status = gch_segment_reader_open(&reader, fd, NULL);
    if (segment->status != GCH_OK)
        return;
    segment->id = reader.id;
    segment->not_before_us = reader.not_before_us;
    gch_segment_reader_close(&reader);
}

static enum gch_status list_segments(struct gch_orphan *orphan)
{
    DIR *listing = gch_descriptor_list(orphan->dir.dir_fd);
    if (listing == NULL)
        return GCH_ERR_IO;
    enum gch_status status = GCH_OK;
    for (const struct dirent *entry = readdir(listing); entry != NULL && status == GCH_OK; entry = readdir(listing)) {
        if (!is_segment_name(entry->d_name))
            continue;
        void *grown = realloc(orphan->segments, (orphan->count + 1) * sizeof(orphan->segments[0]));
        if (grown == NULL) {
            status = GCH_ERR_NOMEM;
            break;
        }
        orphan->segments = grown;
        struct gch_orphan_segment *segment = &orphan->segments[orphan->count++];
        memset(segment, 0, sizeof(*segment));
        (void)snprintf(segment->name, sizeof(segment->name), "%.39s", entry->d_name);
        inspect(orphan->dir.dir_fd, segment);
    }
    gch_descriptor_end_list(listing);
    if (status == GCH_OK && orphan->count > 1)
        qsort(orphan->segments, orphan->count, sizeof(orphan->segments[0]), by_id);
    return status;
}

/* A time further off than rows are ever parked was written by a clock that has been set back since. */
static bool is_due(const struct gch_orphan_segment *segment, uint64_t now_us)
{
    return segment->not_before_us <= now_us || segment->not_before_us > now_us + GCH_PARK_MS * UINT64_C(1000);
}

static bool anything_due(const struct gch_orphan *orphan, uint64_t now_us)
{
    for (size_t i = 0; i < orphan->count; i++) {
        if (is_due(&orphan->segments[i], now_us))
            return true;
    }
    return orphan->count == 0;
}

enum gch_status gch_orphan_take(struct gch_orphan *orphan, struct gch_scan *scan, int root_fd, uint64_t now_us)
{
    while (scan->at < scan->count) {
        memset(orphan, 0, sizeof(*orphan));
        const char *name = scan->names[scan->at++];
        if (gch_writer_dir_adopt(&orphan->dir, root_fd, name) != GCH_OK)
            continue;
        if (list_segments(orphan) == GCH_OK && anything_due(orphan, now_us))
            return GCH_OK;
        free(orphan->segments);
        gch_writer_dir_close(&orphan->dir);
    }
    return GCH_ERR_AGAIN;
}

enum gch_status gch_orphan_take_dir(struct gch_orphan *orphan, const struct gch_writer_dir *dir)
{
    memset(orphan, 0, sizeof(*orphan));
    orphan->dir = *dir;
    enum gch_status status = list_segments(orphan);
    if (status == GCH_OK)
        return GCH_OK;
    free(orphan->segments);
    gch_writer_dir_close(&orphan->dir);
    return status;
}

enum gch_status gch_orphan_open(struct gch_orphan *orphan, int root_fd, uint64_t now_us,
                                struct gch_segment_reader *reader)
{
    for (; orphan->at < orphan->count; orphan->at++) {
        const struct gch_orphan_segment *segment = &orphan->segments[orphan->at];
        if (!is_due(segment, now_us))
            continue;
        bool blank = segment->status == GCH_ERR_AGAIN;
        bool kept = segment->status == GCH_ERR_INVALID &&
                    gch_aside_keep_damaged(root_fd, orphan->dir.dir_fd, segment->name, gch_realtime_us()) == GCH_OK;
        if (blank || kept)
            (void)unlinkat(orphan->dir.dir_fd, segment->name, 0);
        if (segment->status != GCH_OK)
            continue;
        int fd = gch_descriptor_open(orphan->dir.dir_fd, segment->name, O_RDWR);
        if (fd >= 0 && gch_segment_reader_open(reader, fd, NULL) == GCH_OK)
            return GCH_OK;
    }
    return GCH_ERR_AGAIN;
}

void gch_orphan_finish_segment(struct gch_orphan *orphan)
{
    (void)unlinkat(orphan->dir.dir_fd, orphan->segments[orphan->at].name, 0);
    orphan->at += 1;
}

void gch_orphan_skip_segment(struct gch_orphan *orphan)
{
    orphan->at += 1;
}

static bool holds_segments(int dir_fd)
{
    bool found = false;
    DIR *listing = gch_descriptor_list(dir_fd);
    if (listing == NULL)
        return true;
    for (const struct dirent *entry = readdir(listing); entry != NULL && !found; entry = readdir(listing))
        found = is_segment_name(entry->d_name);
    gch_descriptor_end_list(listing);
    return found;
}

void gch_orphan_release(struct gch_orphan *orphan, int root_fd)
{
    if (!holds_segments(orphan->dir.dir_fd))
        gch_writer_dir_remove(&orphan->dir, root_fd);
    gch_writer_dir_close(&orphan->dir);
    free(orphan->segments);
    orphan->segments = NULL;
    orphan->count = 0;
}
