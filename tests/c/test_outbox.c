/* needs: outbox.c outbox_files.c writer_dir.c segment.c segment_reader.c tables.c rowbinary.c notice.c buf.c crc32c.c
 * descriptor.c disk.c status.c utf8.c thread.c source.c */
#include "outbox.h"

#include <sched.h>

#include "outbox_files.h"
#include "source.h"
#include "thread.h"

#include "check.h"
#include "scratch.h"

#define SEGMENT 65536
#define TABLE   GCH_TABLE_individuals

struct world {
    struct gch_outbox outbox;
    struct gch_counters counters;
    struct gch_notices notices;
    pthread_t keeper;
    char *root;
};

static void *keep(void *outbox)
{
    gch_outbox_keep(outbox);
    return NULL;
}

static void begin_at(struct world *world, char *root, uint64_t cap, bool keeper)
{
    memset(world, 0, sizeof(*world));
    gch_notices_init(&world->notices);
    world->root = root;
    CHECK_INT(gch_outbox_init(&world->outbox, root, cap, SEGMENT, &world->counters, &world->notices), GCH_OK);
    if (keeper)
        CHECK_INT(gch_thread_start(&world->keeper, "keeper", keep, &world->outbox), GCH_OK);
}

static void end(struct world *world, bool keeper)
{
    gch_outbox_stop_keeper(&world->outbox);
    if (keeper)
        pthread_join(world->keeper, NULL);
    gch_outbox_close(&world->outbox);
}

static enum gch_status append(struct world *world, uint32_t number, size_t len)
{
    uint8_t *bytes = malloc(len);
    memset(bytes, (int)(number & 255), len);
    memcpy(bytes, &number, sizeof(number));
    enum gch_status status = gch_outbox_append_row(&world->outbox, TABLE, bytes, len);
    free(bytes);
    return status;
}

/* Delivers what is there, as the sender does; returns how many rows came, and checks that they come in order. */
static uint32_t deliver(struct world *world, uint32_t next)
{
    bool sealed;
    uint64_t limit;
    uint32_t rows = 0;
    for (;;) {
        struct gch_segment *segment = gch_outbox_peek(&world->outbox, &sealed, &limit);
        struct gch_segment_reader reader;
        struct gch_source source;
        struct gch_frame frame;
        if (segment == NULL)
            return rows;
        CHECK_INT(gch_outbox_open_reader(&world->outbox, segment, &reader, NULL), GCH_OK);
        reader.acked = segment->acked;
        CHECK_INT(gch_source_init(&source, &reader, limit, NULL), GCH_OK);
        while (gch_source_next(&source, limit, &frame, NULL) == GCH_OK) {
            uint32_t number;
            memcpy(&number, frame.payload, sizeof(number));
            if (number != next + rows)
                CHECK_INT(number, next + rows);
            rows++;
        }
        segment->acked = source.reader.offset;
        gch_source_deinit(&source);
        if (!sealed)
            return rows;
        gch_outbox_finish(&world->outbox, segment);
    }
}

static unsigned posted(struct world *world, enum gch_cause cause)
{
    struct gch_notice notice;
    unsigned count = 0;
    while (gch_notice_take(&world->notices, &notice))
        count += notice.cause == cause;
    return count;
}

static void test_rotation_and_recycling(void)
{
    for (int keeper = 0; keeper < 2; keeper++) {
        struct world world;
        uint32_t delivered = 0;
        begin_at(&world, scratch_path(), 64U << 20, keeper == 1);
        for (uint32_t i = 0; i < 20000; i++) {
            CHECK_INT(append(&world, i, 40 + i % 300), GCH_OK);
            if (i % 700 != 0)
                continue;
            delivered += deliver(&world, delivered);
            usleep(1000); /* The keeper has to come to its turn. */
        }
        CHECK(gch_outbox_backlog(&world.outbox) > 0);
        delivered += deliver(&world, delivered);
        CHECK_INT(delivered, 20000);
        CHECK_INT(gch_outbox_backlog(&world.outbox), 0);
        CHECK(keeper == 0 || gch_counted(&world.counters.segments_recycled) > 3);
        end(&world, keeper == 1);
        CHECK_INT(scratch_count(AT_FDCWD, world.root, "w-"), 0);
        free(world.root);
    }
}

static void test_undelivered_rows_stay_in_files(void)
{
    struct world world;
    begin_at(&world, scratch_path(), 64U << 20, true);
    for (uint32_t i = 0; i < 2000; i++)
        CHECK_INT(append(&world, i, 200), GCH_OK);
    char *dir = malloc(9000);
    (void)snprintf(dir, 9000, "%s/%s", world.root, world.outbox.writer.name);
    end(&world, true);
    int files = scratch_count(AT_FDCWD, dir, "0");
    CHECK_INT(files, 2000 * 216 / SEGMENT + 1);
    free(dir);
    free(world.root);
}

static void test_cap(void)
{
    struct world world;
    begin_at(&world, scratch_path(), 1U << 20, false);
    uint32_t taken = 0;
    while (taken < 100000 && append(&world, taken, 200) == GCH_OK)
        taken++;
    CHECK(taken > 4500 && taken < 5000);
    CHECK_INT(append(&world, 0, 200), GCH_ERR_FULL);
    CHECK_INT(append(&world, 0, 500000), GCH_ERR_FULL);
    CHECK_INT(posted(&world, GCH_CAUSE_OUTBOX_FULL), 1);
    CHECK_INT(deliver(&world, 0), taken);
    struct gch_segment *finished = world.outbox.finished;
    world.outbox.finished = NULL;
    for (bool first = true; finished != NULL; first = false) {
        struct gch_segment *later = finished->later;
        gch_outbox_dispose(&world.outbox, finished, first);
        finished = later;
    }
    CHECK(world.outbox.spare[0] != '\0');
    CHECK_INT(append(&world, taken, 200), GCH_OK);
    CHECK_INT(deliver(&world, taken), 1);
    end(&world, false);
    free(world.root);
}

static _Atomic int at_the_start;

static void *make_and_keep(void *world)
{
    atomic_fetch_add(&at_the_start, 1);
    while (atomic_load(&at_the_start) < 2)
        sched_yield();
    struct gch_outbox *outbox = &((struct world *)world)->outbox;
    struct gch_segment *made;
    bool fits = gch_outbox_make_segment(outbox, outbox->segment_size, true, &made) == GCH_OK;
    CHECK(gch_counted(&outbox->own_bytes) <= outbox->max_bytes);
    if (fits)
        gch_outbox_dispose(outbox, made, false);
    return NULL;
}

/* The keeper and a caller make a file at the same time, and there is room for one. */
static void test_cap_holds_for_two_at_once(void)
{
    struct world world;
    begin_at(&world, scratch_path(), 4 * SEGMENT, false);
    for (uint32_t i = 0; i < 750; i++)
        CHECK_INT(append(&world, i, 240), GCH_OK);
    CHECK_INT(gch_counted(&world.outbox.own_bytes), 3 * SEGMENT);
    for (int i = 0; i < 300; i++) {
        pthread_t other;
        atomic_store(&at_the_start, 0);
        CHECK_INT(gch_thread_start(&other, "other", make_and_keep, &world), GCH_OK);
        (void)make_and_keep(&world);
        pthread_join(other, NULL);
    }
    CHECK_INT(gch_counted(&world.outbox.own_bytes), 3 * SEGMENT);
    end(&world, false);
    free(world.root);
}

static void test_spare_opens_the_cap_for_its_own_size_only(void)
{
    struct world world;
    begin_at(&world, scratch_path(), 1U << 20, false);
    for (uint32_t i = 0; i < 600; i++)
        CHECK_INT(append(&world, i, 200), GCH_OK);
    deliver(&world, 0);
    struct gch_segment *finished = world.outbox.finished;
    world.outbox.finished = finished->later;
    gch_outbox_dispose(&world.outbox, finished, true);
    CHECK(world.outbox.spare[0] != '\0');
    unsigned taken = 0;
    while (taken < 50 && append(&world, 0, 100000) == GCH_OK)
        taken++;
    CHECK(taken < 10);
    CHECK(gch_counted(&world.outbox.own_bytes) <= 1U << 20);
    end(&world, false);
    free(world.root);
}

static void test_small_cap_makes_small_segments(void)
{
    struct world world;
    begin_at(&world, scratch_path(), 100000, false);
    CHECK_INT(append(&world, 0, 200), GCH_OK);
    CHECK(world.outbox.segment_size <= 25000);
    end(&world, false);
    free(world.root);
}

static void test_huge_row_has_its_own_segment_in_order(void)
{
    struct world world;
    begin_at(&world, scratch_path(), 64U << 20, true);
    for (uint32_t i = 0; i < 400; i++)
        CHECK_INT(append(&world, i, i % 100 == 99 ? 1000000 : 200), GCH_OK);
    uint64_t last = 0;
    for (const struct gch_segment *segment = world.outbox.oldest; segment != NULL; segment = segment->later) {
        CHECK(segment->id > last);
        last = segment->id;
    }
    CHECK_INT(append(&world, 0, (size_t)GCH_PAYLOAD_MAX + 1), GCH_ERR_TOO_BIG);
    CHECK_INT(deliver(&world, 0), 400);
    end(&world, true);
    free(world.root);
}

/* The keeper prepares a segment; then a huge row takes the turn: its number must not be above that of rows logged
 * behind it. */
static void test_prepared_segment_keeps_its_place(void)
{
    struct world world;
    begin_at(&world, scratch_path(), 64U << 20, false);
    CHECK_INT(append(&world, 0, 200), GCH_OK);
    struct gch_segment *made;
    CHECK_INT(gch_outbox_make_segment(&world.outbox, world.outbox.segment_size, true, &made), GCH_OK);
    world.outbox.next = made;
    CHECK_INT(append(&world, 1, 100000), GCH_OK);
    for (uint32_t i = 2; i < 500; i++)
        CHECK_INT(append(&world, i, 200), GCH_OK);
    uint64_t last = 0;
    for (const struct gch_segment *segment = world.outbox.oldest; segment != NULL; segment = segment->later) {
        CHECK(segment->id > last);
        last = segment->id;
    }
    CHECK_INT(deliver(&world, 0), 500);
    end(&world, false);
    free(world.root);
}

static void test_memory_when_the_root_is_a_file(void)
{
    struct world world;
    char *root = scratch_path();
    rmdir(root);
    scratch_write(AT_FDCWD, root, "file", 4);
    begin_at(&world, root, 1U << 30, false);
    uint32_t taken = 0;
    while (taken < 100000 && append(&world, taken, 20000) == GCH_OK)
        taken++;
    CHECK(taken > 2900 && taken < 3400);
    struct gch_notice notice;
    unsigned said = 0;
    while (gch_notice_take(&world.notices, &notice)) {
        said |= 1U << notice.cause;
        CHECK(notice.cause == GCH_CAUSE_OUTBOX_FULL || strstr(notice.text, root) != NULL);
    }
    CHECK_INT(said, 1U << GCH_CAUSE_OUTBOX_DISK | 1U << GCH_CAUSE_OUTBOX_FULL);
    CHECK_INT(deliver(&world, 0), taken);
    end(&world, false);
    free(root);
}

static void test_memory_is_saved_at_close_when_the_disk_is_back(void)
{
    struct world world;
    char *root = scratch_path();
    rmdir(root);
    scratch_write(AT_FDCWD, root, "file", 4);
    begin_at(&world, root, 1U << 30, false);
    for (uint32_t i = 0; i < 900; i++)
        CHECK_INT(append(&world, i, 200), GCH_OK);
    CHECK(unlink(root) == 0);
    end(&world, false);
    CHECK_INT(scratch_count(AT_FDCWD, root, "w-"), 1);
    free(root);
}

static size_t memory_of(struct world *world, bool *current)
{
    pthread_mutex_lock(&world->outbox.lock);
    size_t bytes = world->outbox.memory_bytes;
    *current = world->outbox.current != NULL && world->outbox.current->memory;
    pthread_mutex_unlock(&world->outbox.lock);
    return bytes;
}

/* While the disk refuses, the keeper frees what is delivered; once it does not, rows go on in a file by themselves. */
static void test_keeper_while_the_disk_refuses(void)
{
    struct world world;
    bool in_memory;
    char *root = scratch_path();
    rmdir(root);
    scratch_write(AT_FDCWD, root, "file", 4);
    begin_at(&world, root, 1U << 30, true);
    for (uint32_t i = 0; i < 4; i++)
        CHECK_INT(append(&world, i, 20000), GCH_OK);
    CHECK_INT(memory_of(&world, &in_memory), 2 * SEGMENT);
    usleep((GCH_DISK_RETRY_MS + 100) * 1000);
    CHECK_INT(deliver(&world, 0), 4);
    for (int i = 0; i < 100 && memory_of(&world, &in_memory) > SEGMENT; i++)
        usleep(50000);
    CHECK_INT(memory_of(&world, &in_memory), SEGMENT);
    CHECK(in_memory && gch_counted(&world.counters.segments_created) == 0);
    CHECK(unlink(root) == 0);
    for (int i = 0; i < 100 && in_memory; i++) {
        usleep(50000);
        (void)memory_of(&world, &in_memory);
    }
    CHECK(!in_memory);
    CHECK_INT(append(&world, 4, 20000), GCH_OK);
    CHECK_INT(deliver(&world, 4), 1);
    end(&world, true);
    free(root);
}

static bool read_kept(struct gch_outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    bool kept = outbox->kept;
    pthread_mutex_unlock(&outbox->lock);
    return kept;
}

/* Without a current segment the keeper has nothing to do, so the caller asks the disk: a segment that memory does not
 * take either must not end recording for good. */
static void test_disk_is_asked_again_when_memory_takes_no_segment(void)
{
    struct world world;
    char *root = scratch_path();
    scratch_write(AT_FDCWD, "in-the-way", "", 0);
    CHECK(rmdir(root) == 0 && rename("in-the-way", root) == 0);
    begin_at(&world, root, 64U << 20, true);
    world.outbox.memory_bytes = GCH_OUTBOX_MEMORY_MAX;
    while (!read_kept(&world.outbox))
        usleep(1000);
    CHECK_INT(append(&world, 0, 200), GCH_ERR_FULL);
    CHECK_INT(append(&world, 0, 200), GCH_ERR_FULL);
    CHECK(unlink(root) == 0);
    usleep((GCH_DISK_RETRY_MS + 50) * 1000);
    CHECK_INT(append(&world, 0, 200), GCH_OK);
    CHECK_INT(deliver(&world, 0), 1);
    end(&world, true);
    free(world.root);
}

/* No release writes such a schema: it is damage, and not an error that comes again at every attempt. */
static void test_schema_that_is_too_long_is_stepped_over(void)
{
    static const uint8_t schema[(1U << 16) + 1] = {1};
    struct gch_segment *segment;
    struct gch_segment_reader reader;
    struct gch_source source;
    struct gch_frame frame;
    CHECK_INT(gch_segment_create_memory(&segment, 1, 4 * SEGMENT), GCH_OK);
    CHECK_INT(gch_segment_append(segment, GCH_FRAME_SCHEMA, 0, schema, sizeof(schema)), GCH_OK);
    CHECK_INT(gch_segment_append(segment, GCH_FRAME_UPDATE, 0, "update", 6), GCH_OK);
    gch_segment_reader_open_memory(&reader, segment);
    CHECK_INT(gch_source_init(&source, &reader, gch_segment_end(segment), NULL), GCH_OK);
    CHECK_INT(gch_source_next(&source, gch_segment_end(segment), &frame, NULL), GCH_OK);
    CHECK_INT(frame.len, 6);
    CHECK_INT(source.reader.damaged_frames, 1);
    gch_source_deinit(&source);
    gch_segment_free(segment);
}

static void test_one_damaged_place_never_costs_a_table(void)
{
    struct world world;
    begin_at(&world, scratch_path(), 64U << 20, false);
    for (uint32_t i = 0; i < 10; i++)
        CHECK_INT(append(&world, i, 100), GCH_OK);
    uint8_t *map = world.outbox.current->map;
    uint64_t limit = gch_segment_end(world.outbox.current);
    for (uint64_t at = GCH_SEGMENT_HEADER; at < limit; at += 5) {
        struct gch_segment_reader reader;
        struct gch_source source;
        struct gch_frame frame;
        unsigned rows = 0;
        map[at] ^= 0x10;
        CHECK_INT(gch_outbox_open_reader(&world.outbox, world.outbox.current, &reader, NULL), GCH_OK);
        CHECK_INT(gch_source_init(&source, &reader, limit, NULL), GCH_OK);
        while (gch_source_next(&source, limit, &frame, NULL) == GCH_OK)
            rows++;
        CHECK(rows >= 9);
        gch_source_deinit(&source);
        map[at] ^= 0x10;
    }
    end(&world, false);
    free(world.root);
}

CHECK_MAIN(test_rotation_and_recycling, test_undelivered_rows_stay_in_files, test_cap, test_cap_holds_for_two_at_once,
           test_spare_opens_the_cap_for_its_own_size_only, test_small_cap_makes_small_segments,
           test_huge_row_has_its_own_segment_in_order, test_prepared_segment_keeps_its_place,
           test_memory_when_the_root_is_a_file, test_memory_is_saved_at_close_when_the_disk_is_back,
           test_keeper_while_the_disk_refuses, test_disk_is_asked_again_when_memory_takes_no_segment,
           test_schema_that_is_too_long_is_stepped_over, test_one_damaged_place_never_costs_a_table)
