/* needs: orphan.c writer_dir.c aside.c segment.c segment_reader.c crc32c.c descriptor.c disk.c status.c utf8.c thread.c
 * buf.c
 */
#include "orphan.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "aside.h"
#include "check.h"
#include "scratch.h"

#define LATE UINT64_MAX

/* A published directory whose writer has died, with segments of these ids. */
static void leave(int root_fd, const uint64_t *ids, size_t count)
{
    struct gch_writer_dir dir;
    CHECK_INT(gch_writer_dir_create(&dir, root_fd, NULL), GCH_OK);
    for (size_t i = 0; i < count; i++) {
        char name[40];
        struct gch_segment *segment;
        (void)snprintf(name, sizeof(name), "%06zu.seg", i + 1);
        CHECK_INT(gch_segment_create(&segment, dir.dir_fd, name, ids[i], 4096, false, NULL), GCH_OK);
        CHECK_INT(gch_segment_append(segment, GCH_FRAME_ROW, 0, &ids[i], sizeof(ids[i])), GCH_OK);
        gch_segment_free(segment);
    }
    CHECK_INT(gch_writer_dir_publish(&dir, root_fd, NULL), GCH_OK);
    gch_writer_dir_close(&dir);
}

static unsigned drain(int root_fd)
{
    struct gch_scan scan = {0};
    struct gch_orphan orphan;
    struct gch_segment_reader reader;
    unsigned segments = 0;
    uint64_t last = 0;
    CHECK_INT(gch_scan_run(&scan, root_fd, "", NULL), GCH_OK);
    while (gch_orphan_take(&orphan, &scan, root_fd, LATE) == GCH_OK) {
        last = 0;
        while (gch_orphan_open(&orphan, root_fd, LATE, &reader) == GCH_OK) {
            CHECK(reader.id > last);
            last = reader.id;
            gch_segment_reader_close(&reader);
            gch_orphan_finish_segment(&orphan);
            segments++;
        }
        gch_orphan_release(&orphan, root_fd);
    }
    gch_scan_deinit(&scan);
    return segments;
}

static void test_adopted_in_order_and_removed(void)
{
    int root_fd = scratch_open();
    leave(root_fd, (const uint64_t[]){30, 10, 20}, 3);
    leave(root_fd, (const uint64_t[]){5}, 1);
    leave(root_fd, NULL, 0);
    CHECK_INT(drain(root_fd), 4);
    CHECK_INT(scratch_count(root_fd, ".", "w-"), 0);
    gch_descriptor_close(root_fd);
}

static void test_living_writer_is_left_alone(void)
{
    int root_fd = scratch_open();
    struct gch_writer_dir dir;
    struct gch_writer_dir other;
    CHECK_INT(gch_writer_dir_create(&dir, root_fd, NULL), GCH_OK);
    CHECK_INT(scratch_count(root_fd, ".", ".new-"), 1);
    CHECK_INT(gch_writer_dir_publish(&dir, root_fd, NULL), GCH_OK);
    CHECK_INT(scratch_count(root_fd, ".", "w-"), 1);
    CHECK_INT(gch_writer_dir_adopt(&other, root_fd, dir.name), GCH_ERR_BUSY);
    CHECK_INT(other.dir_fd, -1);
    CHECK_INT(drain(root_fd), 0);
    gch_writer_dir_remove(&dir, root_fd);
    gch_writer_dir_close(&dir);
    gch_writer_dir_close(&dir);
    CHECK_INT(gch_writer_dir_adopt(&other, root_fd, dir.name), GCH_ERR_BUSY);
    CHECK_INT(scratch_count(root_fd, ".", "w-"), 0);
    gch_descriptor_close(root_fd);
}

static void test_directory_with_something_in_it_stays(void)
{
    int root_fd = scratch_open();
    struct gch_writer_dir dir;
    struct gch_writer_dir other;
    CHECK_INT(gch_writer_dir_create(&dir, root_fd, NULL), GCH_OK);
    CHECK_INT(gch_writer_dir_publish(&dir, root_fd, NULL), GCH_OK);
    scratch_write(dir.dir_fd, "note", "x", 1);
    gch_writer_dir_remove(&dir, root_fd);
    gch_writer_dir_close(&dir);
    CHECK_INT(gch_writer_dir_adopt(&other, root_fd, dir.name), GCH_OK);
    CHECK_INT(scratch_count(other.dir_fd, ".", "lock"), 1);
    gch_writer_dir_close(&other);
    gch_descriptor_close(root_fd);
}

static void test_lock_of_a_removed_directory_is_worth_nothing(void)
{
    int root_fd = scratch_open();
    struct gch_writer_dir dir;
    CHECK_INT(gch_writer_dir_create(&dir, root_fd, NULL), GCH_OK);
    CHECK_INT(gch_writer_dir_publish(&dir, root_fd, NULL), GCH_OK);
    scratch_write(dir.dir_fd, "note", "x", 1);
    int stale = openat(dir.dir_fd, "lock", O_RDWR);
    gch_writer_dir_remove(&dir, root_fd);
    gch_writer_dir_close(&dir);
    CHECK(flock(stale, LOCK_EX | LOCK_NB) == 0);
    struct gch_writer_dir other;
    CHECK_INT(gch_writer_dir_adopt(&other, root_fd, dir.name), GCH_OK);
    gch_writer_dir_close(&other);
    close(stale);
    gch_descriptor_close(root_fd);
}

/* Processes that race for the same orphans: each segment is finished by exactly one. */
static void test_adopters_race(void)
{
    int root_fd = scratch_open();
    enum { DIRS = 40, PROCESSES = 6 };
    for (uint64_t i = 0; i < DIRS; i++)
        leave(root_fd, (const uint64_t[]){i + 1, i + 2, i + 3}, 3);
    pid_t pids[PROCESSES];
    for (int i = 0; i < PROCESSES; i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            _exit((int)drain(root_fd));
    }
    int sum = 0;
    for (int i = 0; i < PROCESSES; i++) {
        int state;
        CHECK(waitpid(pids[i], &state, 0) == pids[i] && WIFEXITED(state));
        sum += WEXITSTATUS(state);
    }
    CHECK_INT(sum, DIRS * 3);
    CHECK_INT(scratch_count(root_fd, ".", "w-"), 0);
    gch_descriptor_close(root_fd);
}

static void test_parked_waits_for_its_time(void)
{
    int root_fd = scratch_open();
    struct gch_scan scan = {0};
    struct gch_orphan orphan;
    struct gch_aside rows[2] = {
        {.kind = GCH_FRAME_ROW, .table = 3, .schema = "s", .schema_len = 1, .payload = (const uint8_t *)"ab", .len = 2},
        {.kind = GCH_FRAME_ROW, .table = 3, .schema = "s", .schema_len = 1, .payload = (const uint8_t *)"c", .len = 1}};
    CHECK_INT(gch_aside_park(root_fd, rows, 2, 1000, true, NULL), GCH_OK);
    CHECK_INT(gch_scan_run(&scan, root_fd, "", NULL), GCH_OK);
    CHECK(scan.bytes > 0);
    CHECK_INT(gch_orphan_take(&orphan, &scan, root_fd, 999), GCH_ERR_AGAIN);
    scan.at = 0;
    CHECK_INT(gch_orphan_take(&orphan, &scan, root_fd, 1000), GCH_OK);
    struct gch_segment_reader reader;
    struct gch_frame frame;
    CHECK_INT(gch_orphan_open(&orphan, root_fd, 1000, &reader), GCH_OK);
    const char *want[] = {"s", "ab", "c"};
    for (int i = 0; i < 3; i++) {
        CHECK_INT(gch_segment_reader_next(&reader, reader.size, &frame, NULL), GCH_OK);
        CHECK_BYTES(frame.payload, frame.len, want[i], strlen(want[i]));
    }
    gch_segment_reader_close(&reader);
    gch_orphan_skip_segment(&orphan);
    CHECK_INT(gch_orphan_open(&orphan, root_fd, 1000, &reader), GCH_ERR_AGAIN);
    gch_orphan_release(&orphan, root_fd);
    CHECK_INT(scratch_count(root_fd, ".", "w-"), 1);
    gch_scan_deinit(&scan);
    gch_descriptor_close(root_fd);
}

static void test_damaged_header_is_kept_and_blank_file_is_not(void)
{
    int root_fd = scratch_open();
    static const char junk[4096] = "no segment";
    static const char zeros[4096];
    leave(root_fd, (const uint64_t[]){1}, 1);
    struct gch_scan scan = {0};
    CHECK_INT(gch_scan_run(&scan, root_fd, "", NULL), GCH_OK);
    int dir_fd = openat(root_fd, scan.names[0], O_RDONLY | O_DIRECTORY);
    scratch_write(dir_fd, "junk.seg", junk, sizeof(junk));
    scratch_write(dir_fd, "zeros.seg", zeros, sizeof(zeros));
    scratch_write(dir_fd, "empty.seg", "", 0);
    close(dir_fd);
    gch_scan_deinit(&scan);
    CHECK_INT(drain(root_fd), 1);
    CHECK_INT(scratch_count(root_fd, "damaged", ""), 1);
    CHECK_INT(scratch_count(root_fd, ".", "w-"), 0);
    gch_descriptor_close(root_fd);
}

/* A process without a free descriptor finds a healthy orphan: it stays as it is. */
static void test_healthy_segment_that_cannot_be_opened_stays(void)
{
    int root_fd = scratch_open();
    leave(root_fd, (const uint64_t[]){1, 2}, 2);
    struct rlimit before;
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    struct gch_scan scan = {0};
    struct gch_orphan orphan;
    struct gch_segment_reader reader;
    CHECK_INT(gch_scan_run(&scan, root_fd, "", NULL), GCH_OK);
    struct rlimit low = {(rlim_t)root_fd + 4, before.rlim_max}; /* directory, lock and listing: none for a segment */
    CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
    bool taken = gch_orphan_take(&orphan, &scan, root_fd, LATE) == GCH_OK;
    CHECK(taken);
    if (taken) {
        low.rlim_cur = (rlim_t)root_fd + 5;
        CHECK(setrlimit(RLIMIT_NOFILE, &low) == 0);
        CHECK_INT(gch_orphan_open(&orphan, root_fd, LATE, &reader), GCH_ERR_AGAIN);
        gch_orphan_release(&orphan, root_fd);
    }
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    gch_scan_deinit(&scan);
    CHECK_INT(scratch_count(root_fd, "damaged", ""), -1);
    CHECK_INT(drain(root_fd), 2);
    gch_descriptor_close(root_fd);
}

/* The sender tries again and again while the disk is full: no attempt may leave its words behind. */
static void test_quarantine_that_takes_no_row_keeps_no_words(void)
{
    int root_fd = scratch_open();
    struct rlimit before;
    uint8_t payload[8192] = {1};
    struct gch_aside frame = {.kind = GCH_FRAME_UPDATE, .payload = payload, .len = sizeof(payload)};
    CHECK(getrlimit(RLIMIT_FSIZE, &before) == 0 && signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
    struct rlimit low = {4096, before.rlim_max};
    CHECK(setrlimit(RLIMIT_FSIZE, &low) == 0);
    CHECK_INT(gch_aside_quarantine(root_fd, &frame, "refused", true, NULL), GCH_ERR_IO);
    CHECK(setrlimit(RLIMIT_FSIZE, &before) == 0);
    CHECK_INT(scratch_count(root_fd, "quarantine", ""), 0);
    CHECK_INT(gch_aside_quarantine(root_fd, &frame, "refused", true, NULL), GCH_OK);
    CHECK_INT(scratch_count(root_fd, "quarantine", ""), 2);
    gch_descriptor_close(root_fd);
}

static void test_abandoned_directories_are_removed_when_old(void)
{
    int root_fd = scratch_open();
    struct gch_scan scan = {0};
    CHECK(mkdirat(root_fd, ".new-1-young", 0700) == 0 && mkdirat(root_fd, ".new-1-old", 0700) == 0);
    int dir_fd = openat(root_fd, ".new-1-old", O_RDONLY | O_DIRECTORY);
    scratch_write(dir_fd, "000001.seg", "x", 1);
    close(dir_fd);
    struct timespec old[2] = {{1000, 0}, {1000, 0}};
    CHECK(utimensat(root_fd, ".new-1-old", old, 0) == 0);
    CHECK_INT(gch_scan_run(&scan, root_fd, "", NULL), GCH_OK);
    CHECK_INT(scratch_count(root_fd, ".", ".new-"), 1);
    CHECK_INT(scan.count, 0);
    gch_scan_deinit(&scan);
    gch_descriptor_close(root_fd);
}

static void test_links_are_not_followed(void)
{
    int root_fd = scratch_open();
    struct gch_writer_dir dir;
    CHECK(mkdirat(root_fd, "elsewhere", 0700) == 0 && symlinkat("elsewhere", root_fd, "w-1-link") == 0);
    CHECK_INT(gch_writer_dir_adopt(&dir, root_fd, "w-1-link"), GCH_ERR_BUSY);
    CHECK_INT(drain(root_fd), 0);
    CHECK_INT(scratch_count(root_fd, "elsewhere", ""), 0);
    gch_descriptor_close(root_fd);
}

static void test_path_is_made(void)
{
    char *path = scratch_path();
    char deep[9000];
    int fd;
    struct gch_err err;
    struct stat found;
    (void)snprintf(deep, sizeof(deep), "%s/a/b/c", path);
    CHECK_INT(gch_path_open(deep, &fd, &err), GCH_OK);
    CHECK(fstat(fd, &found) == 0 && (found.st_mode & 0777) == 0700);
    gch_descriptor_close(fd);
    (void)snprintf(deep, sizeof(deep), "%s/file", path);
    scratch_write(AT_FDCWD, deep, "x", 1);
    CHECK_INT(gch_path_open(deep, &fd, &err), GCH_ERR_IO);
    CHECK(strstr(err.text, deep) != NULL && strstr(err.text, "GENESIS_CH_HOME") != NULL);
    (void)snprintf(deep, sizeof(deep), "%s/file/below", path);
    CHECK_INT(gch_path_open(deep, &fd, &err), GCH_ERR_IO);
    free(path);
}

CHECK_MAIN(test_adopted_in_order_and_removed, test_living_writer_is_left_alone,
           test_directory_with_something_in_it_stays, test_lock_of_a_removed_directory_is_worth_nothing,
           test_adopters_race, test_parked_waits_for_its_time, test_damaged_header_is_kept_and_blank_file_is_not,
           test_healthy_segment_that_cannot_be_opened_stays, test_quarantine_that_takes_no_row_keeps_no_words,
           test_abandoned_directories_are_removed_when_old, test_links_are_not_followed, test_path_is_made)
