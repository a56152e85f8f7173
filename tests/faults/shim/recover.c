/* needs: orphan.c aside.c source.c writer_dir.c segment.c segment_reader.c crc32c.c descriptor.c disk.c status.c utf8.c
 * thread.c buf.c */
/* Reads the outboxes that are named on standard input, one a line, as a process does that takes over what a dead one
 * left, and removes what it has read. For each it writes the rows (u32 length, bytes), then the length 0xffffffff, or
 * 0xfffffffe when something failed. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "descriptor.h"
#include "orphan.h"
#include "source.h"

static void put_length(uint32_t len)
{
    (void)fwrite(&len, sizeof(len), 1, stdout);
}

static bool read_segment(struct gch_segment_reader *reader)
{
    static struct gch_source source;
    struct gch_frame frame;
    enum gch_status status = gch_source_init(&source, reader, reader->size, NULL);
    while (status == GCH_OK) {
        status = gch_source_next(&source, source.reader.size, &frame, NULL);
        if (status != GCH_OK)
            break;
        put_length((uint32_t)frame.len);
        (void)fwrite(frame.payload, 1, frame.len, stdout);
    }
    gch_source_deinit(&source);
    return status == GCH_ERR_AGAIN;
}

static bool read_root(const char *path)
{
    struct gch_scan scan = {0};
    struct gch_orphan orphan;
    struct gch_segment_reader reader;
    int root_fd = gch_descriptor_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY);
    if (root_fd < 0)
        return true; /* Its name was lost; so is all in it. */
    bool good = gch_scan_run(&scan, root_fd, "", NULL) == GCH_OK;
    while (good && gch_orphan_take(&orphan, &scan, root_fd, UINT64_MAX / 2) == GCH_OK) {
        while (good && gch_orphan_open(&orphan, root_fd, UINT64_MAX / 2, &reader) == GCH_OK) {
            good = read_segment(&reader);
            gch_orphan_finish_segment(&orphan);
        }
        gch_orphan_release(&orphan, root_fd);
    }
    gch_scan_deinit(&scan);
    gch_descriptor_close(root_fd);
    return good;
}

int main(void)
{
    char path[4096];
    while (fgets(path, sizeof(path), stdin) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        put_length(read_root(path) ? UINT32_MAX : UINT32_MAX - 1);
        (void)fflush(stdout);
    }
    return 0;
}
