/* needs: drainer.c outbox.c outbox_files.c orphan.c aside.c window.c batch.c schema.c query_text.c source.c writer_dir.c
 * segment.c segment_reader.c tables.c rowbinary.c notice.c buf.c crc32c.c descriptor.c disk.c status.c utf8.c thread.c
 * ; libs: libzstd */
#include "drainer.h"

#include <errno.h>
#include <sys/syscall.h>

#include "thread.h"

#include "check.h"
#include "scratch.h"

#define TABLE GCH_TABLE_code_lineages

static struct gch_outbox outbox;
static struct gch_counters counters;
static struct gch_notices notices;
static struct gch_delivery delivery;
static struct gch_drainer drainer;
static _Atomic bool stop;
static char seen[4096];  /* one letter a row, as it was settled */
static unsigned fail_at; /* the row from which on delivery fails; 0: never */
static unsigned log_at;  /* so many rows are settled when one of our own is logged, called x; 0: never */
static bool fail_reads;
static unsigned put_off_after; /* rows that are settled of a window before its rest is put off; 0: all */

static void put_off_rest(struct gch_batch *batch)
{
    struct gch_aside frames[16];
    size_t count = 0;
    for (; batch->done < batch->count; batch->done++, count++) {
        frames[count] = (struct gch_aside){.kind = GCH_FRAME_ROW, .table = TABLE, .schema = batch->schema->data};
        frames[count].schema_len = batch->schema->len;
        frames[count].payload = gch_batch_row(batch, batch->done, &frames[count].len);
    }
    CHECK_INT(gch_aside_put_off(outbox.root_fd, frames, count, false, &delivery.put_off[delivery.put_off_count], NULL),
              GCH_OK);
    delivery.put_off_count += 1;
}

static void row(char letter)
{
    size_t len = 4;
    const uint8_t bytes[4] = {(uint8_t)letter, 0, 0, 0};
    CHECK_INT(gch_outbox_append_row(&outbox, TABLE, bytes, len), GCH_OK);
}

/* Stands in for delivery.c: settles rows one after the other, and fails once where it is told. */
enum gch_status gch_delivery_run(struct gch_delivery *unused, struct gch_window *window)
{
    (void)unused;
    struct gch_batch *batch = &window->batches[TABLE];
    size_t from = batch->done;
    for (; batch->done < batch->count; batch->done++) {
        size_t len;
        if (put_off_after != 0 && batch->done - from >= put_off_after) {
            put_off_rest(batch);
            return GCH_OK;
        }
        if (fail_at != 0 && strlen(seen) + 1 >= fail_at)
            return GCH_ERR_REMOTE;
        seen[strlen(seen)] = (char)*gch_batch_row(batch, batch->done, &len);
        if (strlen(seen) == log_at)
            row('x');
    }
    for (size_t i = 0; i < window->update.len; i++)
        seen[strlen(seen)] = '!';
    return GCH_OK;
}

/* Reads through here, so that a test can have a disk that does not give back what was written. */
ssize_t pread(int fd, void *to, size_t len, off_t at)
{
    if (fail_reads && at > 0) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pread64, fd, to, len, at);
}

static void begin(char *root)
{
    memset(seen, 0, sizeof(seen));
    memset(&counters, 0, sizeof(counters));
    memset(&delivery, 0, sizeof(delivery));
    fail_at = 0;
    log_at = 0;
    put_off_after = 0;
    gch_notices_init(&notices);
    CHECK_INT(gch_outbox_init(&outbox, root, 64U << 20, 65536, &counters, &notices), GCH_OK);
    gch_drainer_init(&drainer, &outbox, &delivery, &counters, &notices, &stop, 8);
}

static void end(void)
{
    gch_drainer_deinit(&drainer);
    gch_outbox_stop_keeper(&outbox);
    gch_outbox_close(&outbox);
}

static void rows(const char *letters)
{
    for (; *letters != '\0'; letters++)
        row(*letters);
}

/* Leaves an orphan with these rows. */
static void leave(char *root, const char *letters)
{
    begin(root);
    rows(letters);
    end();
}

/* What is put off comes behind newer rows of our own, is nobody else's meanwhile, and is counted once. */
static void test_rows_put_off(void)
{
    char *root = scratch_path();
    begin(root);
    drainer.batch_bytes = 1000;
    put_off_after = 1;
    rows("abc");
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_OK);
    CHECK_TEXT(seen, "a");
    CHECK(gch_drainer_has_put_off(&drainer) && gch_drainer_has_orphan(&drainer));
    CHECK_INT(scratch_count(AT_FDCWD, root, "w-"), 2);
    rows("d");
    log_at = 3;
    CHECK_INT(gch_drainer_run(&drainer, true, true), GCH_OK);
    CHECK_TEXT(seen, "adbxc");
    CHECK(!gch_drainer_has_put_off(&drainer));
    CHECK_INT(gch_counted(&counters.rows_adopted), 0);
    CHECK_INT(scratch_count(AT_FDCWD, root, "w-"), 1);
    end();
    CHECK_INT(scratch_count(AT_FDCWD, root, "w-"), 0);
    free(root);
}

/* The process ends before it came to the rest: the next one adopts it. */
static void test_rows_put_off_are_left_behind(void)
{
    char *root = scratch_path();
    begin(root);
    drainer.batch_bytes = 1000;
    put_off_after = 1;
    rows("abc");
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_OK);
    put_off_after = 0;
    gch_writer_dir_close(&delivery.put_off[0]);
    end();
    begin(root);
    CHECK(gch_drainer_has_orphan(&drainer));
    CHECK_INT(gch_drainer_run(&drainer, true, true), GCH_OK);
    CHECK_TEXT(seen, "bc");
    CHECK_INT(gch_counted(&counters.rows_adopted), 2);
    end();
    free(root);
}

static void test_own_rows_in_order(void)
{
    char *root = scratch_path();
    begin(root);
    rows("abc"); /* Two rows are a window: the update ends the second one before it is full. */
    CHECK_INT(gch_outbox_append_update(&outbox, (const uint8_t *)"u", 1), GCH_OK);
    rows("efg");
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_OK);
    CHECK_TEXT(seen, "abc!efg");
    CHECK_INT(gch_outbox_backlog(&outbox), 0);
    rows("h");
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_OK);
    CHECK_TEXT(seen, "abc!efgh");
    end();
    CHECK_INT(scratch_count(AT_FDCWD, root, "w-"), 0);
    free(root);
}

static void test_failed_window_goes_on_where_it_was(void)
{
    char *root = scratch_path();
    begin(root);
    rows("abcdefghij");
    fail_at = 4;
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_ERR_REMOTE);
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_ERR_REMOTE);
    CHECK_TEXT(seen, "abc");
    fail_at = 0;
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_OK);
    CHECK_TEXT(seen, "abcdefghij");
    end();
    free(root);
}

static void test_resume_after_the_process_died(void)
{
    char *root = scratch_path();
    begin(root);
    rows("abcdefghij");
    fail_at = 6;
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_ERR_REMOTE);
    end();
    begin(root);
    CHECK(gch_drainer_has_orphan(&drainer));
    CHECK_INT(gch_drainer_run(&drainer, false, true), GCH_OK);
    CHECK_TEXT(seen, "efghij"); /* Windows of eight bytes: a to d were settled whole, f was never sent. */
    CHECK_INT(gch_counted(&counters.rows_adopted), 6);
    end();
    CHECK_INT(scratch_count(AT_FDCWD, root, "w-"), 0);
    free(root);
}

/* A window of our own is in work when an orphan turns up: it may not be settled as the orphan's. */
static void test_own_window_in_work_comes_before_an_orphan(void)
{
    char *root = scratch_path();
    leave(root, "0123456789");
    begin(root);
    rows("abcdefgh");
    fail_at = 7;
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_ERR_REMOTE);
    CHECK(drainer.own.in_work);
    CHECK(gch_drainer_has_orphan(&drainer));
    fail_at = 12;
    CHECK_INT(gch_drainer_run(&drainer, false, true), GCH_ERR_REMOTE);
    CHECK_TEXT(seen, "abcdefgh012");
    CHECK_INT(gch_outbox_backlog(&outbox), 0);
    CHECK_INT(gch_counted(&counters.rows_adopted), 4);
    end();
    begin(root);
    CHECK(gch_drainer_has_orphan(&drainer));
    CHECK_INT(gch_drainer_run(&drainer, false, true), GCH_OK);
    CHECK_TEXT(seen, "23456789");
    end();
    free(root);
}

/* A long inheritance: what is logged while it is delivered does not wait for its end. */
static void test_own_rows_pass_between_windows_of_an_orphan(void)
{
    char *root = scratch_path();
    leave(root, "0123456789");
    begin(root);
    CHECK(gch_drainer_has_orphan(&drainer));
    log_at = 3;
    CHECK_INT(gch_drainer_run(&drainer, false, true), GCH_OK);
    CHECK_TEXT(seen, "0123x456789");
    CHECK_INT(gch_counted(&counters.rows_adopted), 10);
    end();
    CHECK_INT(scratch_count(AT_FDCWD, root, "w-"), 0);
    free(root);
}

/* A window of an orphan that the server does not take is gone on with, and our own rows are delivered meanwhile. */
static void test_orphan_that_is_not_taken_holds_up_no_row_of_ours(void)
{
    char *root = scratch_path();
    leave(root, "0123456789");
    begin(root);
    CHECK(gch_drainer_has_orphan(&drainer));
    fail_at = 4;
    CHECK_INT(gch_drainer_run(&drainer, false, true), GCH_ERR_REMOTE);
    CHECK_TEXT(seen, "012");
    rows("ab");
    fail_at = 6;
    CHECK_INT(gch_drainer_run(&drainer, true, true), GCH_ERR_REMOTE);
    CHECK_TEXT(seen, "012ab");
    CHECK_INT(gch_outbox_backlog(&outbox), 0);
    fail_at = 0;
    CHECK_INT(gch_drainer_run(&drainer, false, true), GCH_OK);
    CHECK_TEXT(seen, "012ab3456789");
    CHECK_INT(gch_counted(&counters.rows_adopted), 10);
    CHECK_INT(gch_counted(&counters.orphans_adopted), 1);
    end();
    free(root);
}

static void test_orphan_that_cannot_be_read_holds_up_nobody(void)
{
    char *root = scratch_path();
    leave(root, "0123");
    begin(root);
    rows("ab");
    CHECK(gch_drainer_has_orphan(&drainer));
    drainer.own_interval_ms = 3600 * 1000; /* Only the orphan is read. */
    fail_reads = true;
    CHECK_INT(gch_drainer_run(&drainer, false, true), GCH_OK);
    fail_reads = false;
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_OK);
    CHECK_TEXT(seen, "ab");
    CHECK(gch_drainer_has_orphan(&drainer));
    CHECK_INT(gch_drainer_run(&drainer, false, true), GCH_OK);
    CHECK_TEXT(seen, "ab0123");
    end();
    free(root);
}

/* Reading fails behind the first rows of a window: they are read again, not passed over. */
static void test_read_error_in_a_window_loses_nothing(void)
{
    char *root = scratch_path();
    struct gch_window window;
    struct gch_source source;
    struct gch_segment_reader reader;
    begin(root);
    rows("abcdefghij");
    gch_window_init(&window);
    CHECK_INT(gch_outbox_open_reader(&outbox, outbox.current, &reader, NULL), GCH_OK);
    uint64_t limit = gch_segment_end(outbox.current);
    CHECK_INT(gch_source_init(&source, &reader, limit, NULL), GCH_OK);
    CHECK_INT(gch_window_fill(&window, &source, limit - 96, 1000, NULL), GCH_OK);
    size_t first = window.rows;
    uint64_t start = window.end;
    fail_reads = true;
    CHECK_INT(gch_window_fill(&window, &source, limit, 1000, NULL), GCH_ERR_IO);
    fail_reads = false;
    CHECK_INT(source.reader.offset, start);
    CHECK_INT(gch_window_fill(&window, &source, limit, 1000, NULL), GCH_OK);
    CHECK_INT(first + window.rows, 10);
    gch_source_deinit(&source);
    gch_window_deinit(&window);
    end();
    free(root);
}

/* The last row of a segment in use is overwritten by somebody: it is counted, the rest is delivered, nothing waits. */
static void test_damaged_last_row_of_our_own(void)
{
    char *root = scratch_path();
    begin(root);
    rows("abc");
    outbox.current->map[gch_segment_end(outbox.current) - 8] ^= 1;
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_OK);
    CHECK_TEXT(seen, "ab");
    CHECK_INT(gch_outbox_backlog(&outbox), 0);
    CHECK_INT(gch_counted(&counters.frames_damaged), 1);
    rows("d");
    gch_segment_seal(outbox.current);
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_OK);
    CHECK_TEXT(seen, "abd");
    CHECK_INT(gch_counted(&counters.rows_dropped), 1);
    CHECK_INT(scratch_count(AT_FDCWD, root, "damaged"), 1);
    end();
    free(root);
}

/* What is damaged on this side of the acknowledgement is not taken for what was damaged on the other. */
static void test_damage_on_both_sides_of_the_acknowledgement(void)
{
    char *root = scratch_path();
    begin(root);
    rows("abc");
    outbox.current->map[gch_segment_end(outbox.current) - 8] ^= 1;
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_OK);
    CHECK_INT(gch_counted(&counters.frames_damaged), 1);
    rows("d");
    outbox.current->map[gch_segment_end(outbox.current) - 8] ^= 1;
    rows("e");
    end();
    begin(root);
    CHECK(gch_drainer_has_orphan(&drainer));
    CHECK_INT(gch_drainer_run(&drainer, false, true), GCH_OK);
    CHECK_TEXT(seen, "e");
    CHECK_INT(gch_counted(&counters.frames_damaged), 1);
    CHECK_INT(scratch_count(AT_FDCWD, root, "damaged"), 1);
    end();
    free(root);
}

static void test_stop(void)
{
    char *root = scratch_path();
    begin(root);
    rows("abc");
    atomic_store(&stop, true);
    CHECK_INT(gch_drainer_run(&drainer, true, false), GCH_ERR_STOPPED);
    atomic_store(&stop, false);
    end();
    CHECK_INT(scratch_count(AT_FDCWD, root, "w-"), 1);
    free(root);
}

CHECK_MAIN(test_rows_put_off, test_rows_put_off_are_left_behind, test_own_rows_in_order,
           test_failed_window_goes_on_where_it_was, test_resume_after_the_process_died,
           test_own_window_in_work_comes_before_an_orphan, test_own_rows_pass_between_windows_of_an_orphan,
           test_orphan_that_is_not_taken_holds_up_no_row_of_ours, test_orphan_that_cannot_be_read_holds_up_nobody,
           test_read_error_in_a_window_loses_nothing, test_damaged_last_row_of_our_own,
           test_damage_on_both_sides_of_the_acknowledgement, test_stop)
