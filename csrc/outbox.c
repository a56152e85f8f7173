#include "outbox.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "descriptor.h"
#include "outbox_files.h"
#include "thread.h"

#define SEGMENTS_MIN  4
#define SCHEMA_COPIES 2 /* so that one damaged place costs one row, not all rows of a table */

/* The cap has room for some segments, so that a small one does not refuse the first row. */
static size_t usual_size(size_t wanted, uint64_t max_bytes)
{
    uint64_t most = max_bytes / SEGMENTS_MIN & ~UINT64_C(4095);
    size_t size = wanted < most ? wanted : (size_t)most;
    return size < GCH_SEGMENT_MIN ? GCH_SEGMENT_MIN : size;
}

enum gch_status gch_outbox_init(struct gch_outbox *outbox, const char *root, uint64_t max_bytes, size_t segment_size,
                                struct gch_counters *counters, struct gch_notices *notices)
{
    memset(outbox, 0, sizeof(*outbox));
    atomic_init(&outbox->root_fd, -1);
    outbox->writer.dir_fd = -1;
    outbox->writer.lock_fd = -1;
    outbox->max_bytes = max_bytes;
    outbox->segment_size = usual_size(segment_size, max_bytes);
    outbox->counters = counters;
    outbox->notices = notices;
    pthread_mutex_init(&outbox->lock, NULL);
    gch_cond_init(&outbox->wake);
    outbox->root = strdup(root);
    enum gch_status status = outbox->root == NULL ? GCH_ERR_NOMEM : GCH_OK;
    for (int table = 0; table < GCH_TABLE_COUNT; table++) {
        gch_buf_init(&outbox->schemas[table], 1U << 16);
        gch_table_put_schema(gch_table_get((enum gch_table_id)table), &outbox->schemas[table]);
        if (status == GCH_OK)
            status = gch_buf_status(&outbox->schemas[table]);
    }
    return status;
}

enum gch_status gch_outbox_open_root(struct gch_outbox *outbox, struct gch_err *err)
{
    int fd;
    if (outbox->root_fd >= 0)
        return GCH_OK;
    enum gch_status status = gch_path_open(outbox->root, &fd, err);
    if (status != GCH_OK)
        return status;
    pthread_mutex_lock(&outbox->lock);
    if (outbox->root_fd < 0) {
        outbox->root_fd = fd;
        fd = -1;
    }
    pthread_mutex_unlock(&outbox->lock);
    gch_descriptor_close(fd);
    return GCH_OK;
}

/* ---- the caller's side ---- */

static void make_current_locked(struct gch_outbox *outbox, struct gch_segment *segment)
{
    if (outbox->current != NULL) {
        gch_segment_seal(outbox->current);
        outbox->current->later = segment;
    } else {
        outbox->oldest = segment;
    }
    outbox->current = segment;
    pthread_cond_signal(&outbox->wake);
}

/* After a crash segments are delivered by their numbers; so a prepared one with a lower number stays before made. */
static void go_on_in_locked(struct gch_outbox *outbox, struct gch_segment *made)
{
    struct gch_segment *next = outbox->next;
    if (next != NULL && next->id < made->id) {
        outbox->next = NULL;
        make_current_locked(outbox, next);
    }
    make_current_locked(outbox, made);
}

/* Wakes the keeper once when a segment is a quarter full, so that a short run never prepares a second one. */
static void nudge_keeper_locked(struct gch_outbox *outbox, uint64_t before)
{
    uint64_t quarter = outbox->current->size / 4;
    if (before < quarter && gch_segment_end(outbox->current) >= quarter)
        pthread_cond_signal(&outbox->wake);
}

static enum gch_status append_locked(struct gch_outbox *outbox, enum gch_frame_kind kind, enum gch_table_id table,
                                     const uint8_t *payload, size_t len)
{
    struct gch_segment *segment = outbox->current;
    if (segment == NULL)
        return GCH_ERR_FULL;
    uint64_t before = gch_segment_end(segment);
    if (kind == GCH_FRAME_ROW && (segment->schemas & (1U << table)) == 0) {
        const struct gch_buf *schema = &outbox->schemas[table];
        if (SCHEMA_COPIES * gch_frame_size(schema->len) + gch_frame_size(len) > segment->size - before)
            return GCH_ERR_FULL;
        for (int i = 0; i < SCHEMA_COPIES; i++) {
            enum gch_status status =
                gch_segment_append(segment, GCH_FRAME_SCHEMA, (uint8_t)table, schema->data, schema->len);
            if (status != GCH_OK)
                return status;
        }
        segment->schemas |= 1U << table;
    }
    enum gch_status status = gch_segment_append(segment, kind, (uint8_t)table, payload, len);
    if (status == GCH_OK)
        nudge_keeper_locked(outbox, before);
    return status;
}

/* The size of a segment that surely takes this frame: the usual one, or as large as a rare huge row needs. */
static size_t segment_size_for(const struct gch_outbox *outbox, enum gch_table_id table, size_t len)
{
    size_t need = GCH_SEGMENT_HEADER + SCHEMA_COPIES * gch_frame_size(outbox->schemas[table].len) + gch_frame_size(len);
    return need <= outbox->segment_size ? outbox->segment_size : (need + 4095) & ~(size_t)4095;
}

/* Appends, going on in the next segment when the current one is full, and making one here when none is prepared. */
static enum gch_status append_frame(struct gch_outbox *outbox, enum gch_frame_kind kind, enum gch_table_id table,
                                    const uint8_t *payload, size_t len)
{
    if (len > GCH_PAYLOAD_MAX)
        return GCH_ERR_TOO_BIG;
    size_t size = segment_size_for(outbox, table, len);
    for (;;) {
        pthread_mutex_lock(&outbox->lock);
        enum gch_status status = append_locked(outbox, kind, table, payload, len);
        if (status != GCH_OK && outbox->next != NULL && outbox->next->size >= size) {
            struct gch_segment *next = outbox->next;
            outbox->next = NULL;
            make_current_locked(outbox, next);
            status = append_locked(outbox, kind, table, payload, len);
        }
        pthread_mutex_unlock(&outbox->lock);
        if (status != GCH_ERR_FULL)
            return status;
        struct gch_segment *made;
        status = gch_outbox_make_segment(outbox, size, false, &made);
        if (status != GCH_OK)
            return status;
        gch_count(&outbox->counters->segments_inline, 1);
        pthread_mutex_lock(&outbox->lock);
        go_on_in_locked(outbox, made);
        pthread_mutex_unlock(&outbox->lock);
    }
}

enum gch_status gch_outbox_append_row(struct gch_outbox *outbox, enum gch_table_id table, const uint8_t *row,
                                      size_t len)
{
    return append_frame(outbox, GCH_FRAME_ROW, table, row, len);
}

enum gch_status gch_outbox_append_update(struct gch_outbox *outbox, const uint8_t *payload, size_t len)
{
    return append_frame(outbox, GCH_FRAME_UPDATE, GCH_TABLE_evolution_runs, payload, len);
}

/* ---- the keeper's thread ---- */

static struct gch_segment *find_unretired_locked(const struct gch_outbox *outbox)
{
    for (struct gch_segment *segment = outbox->oldest; segment != NULL && segment->sealed; segment = segment->later) {
        if (!segment->retired && segment != outbox->pinned)
            return segment;
    }
    return NULL;
}

static bool disk_may_work_locked(const struct gch_outbox *outbox)
{
    return !outbox->disk_failed || gch_monotonic_ms() >= outbox->disk_retry_at;
}

static bool wants_next_locked(const struct gch_outbox *outbox)
{
    const struct gch_segment *current = outbox->current;
    return outbox->next == NULL && current != NULL && !outbox->full && disk_may_work_locked(outbox) &&
           (outbox->rotate || current->memory || gch_segment_end(current) >= current->size / 4);
}

/* When the caller could not wait and made one with a higher number meanwhile, this one comes too late and goes on as a
 * spare. Rows go to memory no longer than the disk refuses. */
static void take_prepared_locked(struct gch_outbox *outbox, struct gch_segment *made)
{
    const struct gch_segment *current = outbox->current;
    if (current != NULL && current->memory && current->id < made->id) {
        make_current_locked(outbox, made);
    } else if (current == NULL || current->id < made->id) {
        outbox->next = made;
    } else {
        made->later = outbox->finished;
        outbox->finished = made;
    }
}

/* When the syncer asks for it: nothing more is appended to a segment that the disk has failed. */
static void rotate_locked(struct gch_outbox *outbox)
{
    struct gch_segment *next = outbox->next;
    if (!outbox->rotate || next == NULL)
        return;
    outbox->rotate = false;
    outbox->next = NULL;
    if (outbox->current != NULL && outbox->current->sync_failed)
        make_current_locked(outbox, next);
    else
        outbox->next = next;
}

static struct gch_segment *take_finished_locked(struct gch_outbox *outbox)
{
    struct gch_segment **at = &outbox->finished;
    while (*at != NULL && *at == outbox->pinned)
        at = &(*at)->later;
    struct gch_segment *segment = *at;
    if (segment != NULL)
        *at = segment->later;
    return segment;
}

static bool prepare_locked(struct gch_outbox *outbox)
{
    struct gch_segment *made;
    pthread_mutex_unlock(&outbox->lock);
    enum gch_status status = gch_outbox_make_segment(outbox, outbox->segment_size, true, &made);
    pthread_mutex_lock(&outbox->lock);
    if (status == GCH_OK)
        take_prepared_locked(outbox, made);
    return status == GCH_OK;
}

/* One piece of work, done without the lock; false when there is none. */
static bool keep_once_locked(struct gch_outbox *outbox)
{
    rotate_locked(outbox);
    if (wants_next_locked(outbox) && prepare_locked(outbox))
        return true;
    struct gch_segment *segment = find_unretired_locked(outbox);
    if (segment != NULL) {
        segment->retired = true;
        pthread_mutex_unlock(&outbox->lock);
        gch_segment_retire(segment);
        pthread_mutex_lock(&outbox->lock);
        return true;
    }
    segment = take_finished_locked(outbox);
    if (segment == NULL)
        return false;
    pthread_mutex_unlock(&outbox->lock);
    gch_outbox_dispose(outbox, segment, true);
    pthread_mutex_lock(&outbox->lock);
    return true;
}

void gch_outbox_keep(struct gch_outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->kept = true;
    while (!outbox->stopping) {
        if (!keep_once_locked(outbox))
            (void)gch_cond_wait_ms(&outbox->wake, &outbox->lock, 1000);
    }
    outbox->kept = false;
    pthread_mutex_unlock(&outbox->lock);
}

void gch_outbox_stop_keeper(struct gch_outbox *outbox)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->stopping = true;
    pthread_cond_signal(&outbox->wake);
    pthread_mutex_unlock(&outbox->lock);
}

/* ---- the sender's side ---- */

struct gch_segment *gch_outbox_peek(struct gch_outbox *outbox, bool *sealed, uint64_t *end)
{
    pthread_mutex_lock(&outbox->lock);
    struct gch_segment *segment = outbox->oldest;
    if (segment != NULL) {
        *sealed = segment->sealed;
        *end = gch_segment_end(segment);
    }
    pthread_mutex_unlock(&outbox->lock);
    return segment;
}

void gch_outbox_copy_name(struct gch_outbox *outbox, char name[GCH_DIR_NAME_MAX])
{
    pthread_mutex_lock(&outbox->lock);
    memcpy(name, outbox->writer.name, GCH_DIR_NAME_MAX);
    pthread_mutex_unlock(&outbox->lock);
}

void gch_outbox_finish(struct gch_outbox *outbox, struct gch_segment *segment)
{
    pthread_mutex_lock(&outbox->lock);
    outbox->oldest = segment->later;
    if (outbox->oldest == NULL)
        outbox->current = NULL;
    segment->later = outbox->finished;
    outbox->finished = segment;
    pthread_cond_signal(&outbox->wake);
    pthread_mutex_unlock(&outbox->lock);
}

uint64_t gch_outbox_backlog(struct gch_outbox *outbox)
{
    uint64_t bytes = 0;
    pthread_mutex_lock(&outbox->lock);
    for (const struct gch_segment *segment = outbox->oldest; segment != NULL; segment = segment->later)
        bytes += gch_segment_end(segment) - segment->acked;
    pthread_mutex_unlock(&outbox->lock);
    return bytes;
}

static uint64_t rows_in(const struct gch_segment *segment)
{
    struct gch_segment_reader reader;
    struct gch_frame frame;
    uint64_t rows = 0;
    uint64_t end = gch_segment_end(segment);
    gch_segment_reader_open_memory(&reader, segment);
    while (gch_segment_reader_next(&reader, end, &frame, NULL) == GCH_OK) {
        if (frame.kind != GCH_FRAME_SCHEMA && frame.offset >= reader.acked)
            rows += 1;
    }
    gch_segment_reader_close(&reader);
    return rows;
}

uint64_t gch_outbox_unsaved(struct gch_outbox *outbox)
{
    uint64_t rows = 0;
    pthread_mutex_lock(&outbox->lock);
    for (const struct gch_segment *segment = outbox->oldest; segment != NULL && outbox->disk_failed;
         segment = segment->later) {
        if (segment->memory)
            rows += rows_in(segment);
    }
    pthread_mutex_unlock(&outbox->lock);
    return rows;
}

/* ---- the end ---- */

static void dispose_list(struct gch_outbox *outbox, struct gch_segment *segment)
{
    while (segment != NULL) {
        struct gch_segment *later = segment->later;
        gch_outbox_dispose(outbox, segment, false);
        segment = later;
    }
}

/* What is not delivered keeps its file, or gets one now if it is in memory, and waits for another process. */
static void leave_behind(struct gch_outbox *outbox, struct gch_segment *segment)
{
    while (segment != NULL) {
        struct gch_segment *later = segment->later;
        if (gch_segment_end(segment) == segment->acked ||
            (segment->memory && gch_outbox_save(outbox, segment) != GCH_OK))
            gch_outbox_dispose(outbox, segment, false);
        else
            gch_segment_free(segment);
        segment = later;
    }
}

void gch_outbox_close(struct gch_outbox *outbox)
{
    dispose_list(outbox, outbox->finished);
    dispose_list(outbox, outbox->next);
    leave_behind(outbox, outbox->oldest);
    if (outbox->spare[0] != '\0')
        (void)unlinkat(outbox->writer.dir_fd, outbox->spare, 0);
    if (outbox->root_fd >= 0) {
        gch_writer_dir_remove(&outbox->writer, outbox->root_fd);
        gch_writer_dir_close(&outbox->writer);
        gch_descriptor_close(outbox->root_fd);
    }
    for (int table = 0; table < GCH_TABLE_COUNT; table++)
        gch_buf_deinit(&outbox->schemas[table]);
    free(outbox->root);
    pthread_cond_destroy(&outbox->wake);
    pthread_mutex_destroy(&outbox->lock);
}
