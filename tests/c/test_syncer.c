/* needs: syncer.c disk.c outbox.c outbox_files.c writer_dir.c segment.c segment_reader.c tables.c rowbinary.c notice.c
 * buf.c crc32c.c descriptor.c status.c utf8.c thread.c settings.c likeness.c */
#include "syncer.h"

#include "disk.h"
#include "thread.h"

#include "check.h"
#include "scratch.h"

#define SEGMENT 65536

struct world {
    struct gch_outbox outbox;
    struct gch_syncer syncer;
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

static void begin(struct world *world, enum gch_sync mode, uint32_t interval_ms)
{
    memset(world, 0, sizeof(*world));
    gch_notices_init(&world->notices);
    world->root = scratch_path();
    CHECK_INT(gch_outbox_init(&world->outbox, world->root, 64U << 20, SEGMENT, &world->counters, &world->notices),
              GCH_OK);
    gch_syncer_init(&world->syncer, mode, interval_ms, &world->outbox);
    CHECK_INT(gch_thread_start(&world->keeper, "keeper", keep, &world->outbox), GCH_OK);
    CHECK_INT(gch_syncer_start(&world->syncer), GCH_OK);
}

static void end(struct world *world)
{
    gch_outbox_stop_keeper(&world->outbox);
    pthread_join(world->keeper, NULL);
    CHECK(gch_syncer_stop(&world->syncer, 10000));
    gch_syncer_deinit(&world->syncer);
    gch_outbox_close(&world->outbox);
    free(world->root);
}

static void append(struct world *world, int rows)
{
    static const uint8_t row[200] = {1};
    for (int i = 0; i < rows; i++)
        CHECK_INT(gch_outbox_append_row(&world->outbox, GCH_TABLE_individuals, row, sizeof(row)), GCH_OK);
}

static uint64_t synced(const struct world *world)
{
    return gch_counted(&world->counters.rows_synced);
}

static void test_never(void)
{
    struct world world;
    begin(&world, GCH_SYNC_NEVER, 10);
    append(&world, 10);
    gch_syncer_wait(&world.syncer);
    usleep(100000);
    CHECK_INT(synced(&world), 0);
    end(&world);
    CHECK_INT(synced(&world), 0);
}

static void test_interval(void)
{
    struct world world;
    begin(&world, GCH_SYNC_INTERVAL, 100);
    for (int rows = 700; rows <= 2100; rows += 700) { /* A segment takes some 300. */
        append(&world, 700);
        for (int i = 0; i < 200 && synced(&world) < (uint64_t)rows; i++)
            usleep(50000);
        CHECK_INT(synced(&world), rows);
    }
    uint64_t syncs = gch_counted(&world.counters.syncs);
    usleep(300000);
    CHECK_INT(gch_counted(&world.counters.syncs), syncs); /* There was nothing new. */
    CHECK(syncs >= 7 && syncs < 30);
    end(&world);
}

static void test_last_pass_at_the_end(void)
{
    struct world world;
    begin(&world, GCH_SYNC_INTERVAL, 3600 * 1000);
    append(&world, 1000);
    CHECK_INT(synced(&world), 0);
    gch_outbox_stop_keeper(&world.outbox);
    CHECK(gch_syncer_stop(&world.syncer, 10000));
    CHECK_INT(synced(&world), 1000);
    end(&world);
}

static void *log_rows(void *argument)
{
    struct world *world = argument;
    for (int i = 0; i < 100; i++) {
        append(world, 1);
        gch_syncer_wait(&world->syncer);
    }
    return NULL;
}

static void test_always(void)
{
    struct world world;
    pthread_t threads[8];
    begin(&world, GCH_SYNC_ALWAYS, 1000);
    for (int i = 1; i <= 20; i++) {
        append(&world, 50);
        gch_syncer_wait(&world.syncer);
        CHECK_INT(synced(&world), 50 * i);
    }
    for (int i = 0; i < 8; i++)
        CHECK_INT(gch_thread_start(&threads[i], "logs", log_rows, &world), GCH_OK);
    for (int i = 0; i < 8; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(synced(&world), 1800);
    CHECK(gch_counted(&world.counters.syncs) <= 20 + 800 + 10);
    CHECK_INT(gch_counted(&world.counters.syncs_failed), 0);
    end(&world);
}

/* Rows in memory, and a segment that the disk has failed, are not waited for and never count. */
static void test_what_cannot_be_synced(void)
{
    struct world world;
    struct gch_notice notice;
    begin(&world, GCH_SYNC_ALWAYS, 1000);
    append(&world, 5);
    gch_syncer_wait(&world.syncer);
    CHECK_INT(synced(&world), 5);
    pthread_mutex_lock(&world.outbox.lock);
    world.outbox.current->sync_failed = true;
    world.outbox.rotate = true;
    pthread_cond_signal(&world.outbox.wake);
    pthread_mutex_unlock(&world.outbox.lock);
    append(&world, 7);
    gch_syncer_wait(&world.syncer);
    uint64_t failed_in = synced(&world); /* 5, or 12 when the keeper was quick */
    for (int i = 0; i < 200 && synced(&world) == failed_in; i++) {
        usleep(10000);
        append(&world, 1);
        gch_syncer_wait(&world.syncer);
    }
    CHECK(synced(&world) > failed_in);
    CHECK(world.outbox.oldest->later != NULL);
    CHECK(!gch_notice_take(&world.notices, &notice));
    end(&world);
}

static void test_disk(void)
{
    int fd = scratch_open();
    scratch_write(fd, "x", "abc", 3);
    int file = gch_descriptor_open(fd, "x", O_RDONLY);
    CHECK_INT(gch_disk_sync_file(file), GCH_OK);
    CHECK_INT(gch_disk_sync_dir(fd), GCH_OK);
    CHECK_INT(gch_disk_sync_path(fd), GCH_OK);
    CHECK_INT(gch_disk_sync_file(-1), GCH_ERR_IO);
    CHECK_INT(gch_disk_sync_dir(-1), GCH_ERR_IO);
    gch_descriptor_close(file);
    gch_descriptor_close(fd);
}

CHECK_MAIN(test_never, test_interval, test_last_pass_at_the_end, test_always, test_what_cannot_be_synced, test_disk)
