/* Rows that can be recomputed from their number and length, and a server that takes them: what the fault drivers put
 * through the real outbox. Include it once in a program that links drainer.c without delivery.c.
 */
#ifndef ROWS_H
#define ROWS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "aside.h"
#include "drainer.h"
#include "outbox_files.h"

#define ROWS_MAX     8192
#define ROW_MIN      8 /* number and length */
#define ROW_MAX      200000
#define ROWS_UPDATES GCH_TABLE_COUNT /* where a table is asked for: an update */

/* Ends the program: a driver that cannot do its work has found something. */
#define DEMAND(condition)                                                                                              \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            printf("%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                                             \
            fflush(stdout);                                                                                            \
            _Exit(1);                                                                                                  \
        }                                                                                                              \
    } while (0)

/* What rows are cut out of. Made once, because the crash driver pays for every instruction. */
static inline const uint8_t *row_stuff(void)
{
    static uint8_t stuff[ROW_MAX + ROWS_MAX * 8];
    uint32_t state = 2463534242U;
    for (size_t at = 0; stuff[0] == 0 && at < sizeof(stuff); at++) {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        stuff[sizeof(stuff) - 1 - at] = (uint8_t)(1 + state % 255);
    }
    return stuff;
}

static inline void row_put(uint8_t *bytes, uint32_t number, uint32_t len)
{
    memcpy(bytes, &number, 4);
    memcpy(bytes + 4, &len, 4);
    memcpy(bytes + ROW_MIN, row_stuff() + (size_t)number * 8, len - ROW_MIN);
}

/* The number of a row, or -1 when a single byte is not as it was written. */
static inline int64_t row_number(const uint8_t *bytes, size_t len)
{
    uint32_t number;
    uint32_t told;
    if (len < ROW_MIN)
        return -1;
    memcpy(&number, bytes, 4);
    memcpy(&told, bytes + 4, 4);
    bool whole = told == len && told <= ROW_MAX && number < ROWS_MAX &&
                 memcmp(bytes + ROW_MIN, row_stuff() + (size_t)number * 8, len - ROW_MIN) == 0;
    return whole ? (int64_t)number : -1;
}

enum row_fate { ROW_STORED, ROW_QUARANTINED, ROW_PARKED };

/* What the server is told to do, and what it saw. */
static struct {
    enum row_fate (*fate)(uint32_t number);
    size_t fail_at;                 /* refuses to go on once so many rows came in; 0: never */
    uint8_t *stored;                /* by number: how often it was stored */
    uint32_t numbers[ROWS_MAX * 2]; /* in the order in which they came */
    uint8_t tables[ROWS_MAX * 2];
    size_t count;
    size_t altered;
} server;

static inline enum gch_status put_aside(int root_fd, const struct gch_aside *frame, enum row_fate fate)
{
    struct gch_err err;
    return fate == ROW_PARKED ? gch_aside_park(root_fd, frame, 1, 1, false, &err)
                              : gch_aside_quarantine(root_fd, frame, "refused", false, &err);
}

static inline enum gch_status take_row(int root_fd, const struct gch_aside *frame)
{
    int64_t number = row_number(frame->payload, frame->len);
    if (number < 0 || server.count >= ROWS_MAX * 2) {
        server.altered += 1;
        return GCH_OK;
    }
    server.numbers[server.count] = (uint32_t)number;
    server.tables[server.count++] = frame->kind == GCH_FRAME_UPDATE ? ROWS_UPDATES : frame->table;
    enum row_fate fate = server.fate == NULL ? ROW_STORED : server.fate((uint32_t)number);
    if (fate != ROW_STORED)
        return put_aside(root_fd, frame, fate);
    if (server.stored != NULL)
        server.stored[number] += 1;
    return GCH_OK;
}

/* Stands in for delivery.c: settles rows one after the other as it does, without the network. */
enum gch_status gch_delivery_run(struct gch_delivery *delivery, struct gch_window *window)
{
    for (int table = 0; table < GCH_SCHEMAS_MAX; table++) {
        struct gch_batch *batch = &window->batches[table];
        for (; batch->done < batch->count; batch->done++) {
            struct gch_aside frame = {.kind = GCH_FRAME_ROW, .table = (uint8_t)table};
            if (server.fail_at != 0 && server.count >= server.fail_at)
                return GCH_ERR_REMOTE;
            frame.schema = batch->schema->data;
            frame.schema_len = batch->schema->len;
            frame.payload = gch_batch_row(batch, batch->done, &frame.len);
            DEMAND(take_row(delivery->root_fd, &frame) == GCH_OK);
        }
    }
    if (window->update.len == 0)
        return GCH_OK;
    struct gch_aside frame = {.kind = GCH_FRAME_UPDATE, .payload = window->update.data, .len = window->update.len};
    if (server.fail_at != 0 && server.count >= server.fail_at)
        return GCH_ERR_REMOTE;
    DEMAND(take_row(delivery->root_fd, &frame) == GCH_OK);
    return GCH_OK;
}

/* An outbox with its drainer, in one thread. */
struct world {
    struct gch_outbox outbox;
    struct gch_counters counters;
    struct gch_notices notices;
    struct gch_delivery delivery;
    struct gch_drainer drainer;
    _Atomic bool stop;
};

static inline void world_begin(struct world *world, const char *root, uint64_t cap, size_t segment, size_t window)
{
    memset(world, 0, sizeof(*world));
    gch_notices_init(&world->notices);
    DEMAND(gch_outbox_init(&world->outbox, root, cap, segment, &world->counters, &world->notices) == GCH_OK);
    gch_drainer_init(&world->drainer, &world->outbox, &world->delivery, &world->counters, &world->notices, &world->stop,
                     window);
}

static inline void world_end(struct world *world)
{
    gch_drainer_deinit(&world->drainer);
    gch_outbox_stop_keeper(&world->outbox);
    gch_outbox_close(&world->outbox);
}

static inline enum gch_status world_append(struct world *world, unsigned table, uint32_t number, uint32_t len)
{
    static uint8_t bytes[ROW_MAX];
    DEMAND(len >= ROW_MIN && len <= ROW_MAX && number < ROWS_MAX);
    row_put(bytes, number, len);
    return table == ROWS_UPDATES ? gch_outbox_append_update(&world->outbox, bytes, len)
                                 : gch_outbox_append_row(&world->outbox, (enum gch_table_id)table, bytes, len);
}

/* What the keeper thread does between two calls of the experiment: prepares the next segment, disposes of the delivered
 * ones. */
static inline void world_keep(struct world *world)
{
    struct gch_outbox *outbox = &world->outbox;
    struct gch_segment *made;
    for (struct gch_segment *segment = outbox->oldest; segment != NULL && segment->sealed; segment = segment->later) {
        if (!segment->retired)
            gch_segment_retire(segment);
        segment->retired = true;
    }
    while (outbox->finished != NULL) {
        struct gch_segment *segment = outbox->finished;
        outbox->finished = segment->later;
        gch_outbox_dispose(outbox, segment, true);
    }
    bool wanted = outbox->next == NULL && outbox->current != NULL &&
                  gch_segment_end(outbox->current) >= outbox->current->size / 4;
    if (wanted && gch_outbox_make_segment(outbox, outbox->segment_size, true, &made) == GCH_OK)
        outbox->next = made;
}

#endif
