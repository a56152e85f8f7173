#include "delivery.h"

#include <stdlib.h>

#include "thread.h"
#include "update.h"

#define CODE_UNKNOWN_IDENTIFIER 47
#define CODE_ILLEGAL_FINAL      181
void gch_delivery_init(struct gch_delivery *delivery, struct gch_transport *transport, struct gch_counters *counters,
                       struct gch_notices *notices)
{
    memset(delivery, 0, sizeof(*delivery));
    delivery->counters = counters;
    delivery->notices = notices;
    delivery->root_fd = -1;
    gch_reply_init(&delivery->reply);
    gch_post_init(&delivery->post, transport, &delivery->reply, counters);
    delivery->slice_ms = UINT32_MAX;
}

void gch_delivery_deinit(struct gch_delivery *delivery)
{
    gch_reply_deinit(&delivery->reply);
    gch_post_deinit(&delivery->post);
    for (size_t i = 0; i < delivery->put_off_count; i++)
        gch_writer_dir_close(&delivery->put_off[i]);
    delivery->put_off_count = 0;
}

/* ---- rows put aside ---- */

static struct gch_aside aside_of(const struct gch_batch *batch, uint8_t table, size_t i)
{
    struct gch_aside frame = {
        .kind = GCH_FRAME_ROW, .table = table, .schema = batch->schema->data, .schema_len = batch->schema->len};
    frame.payload = gch_batch_row(batch, i, &frame.len);
    return frame;
}

/* True when there is a copy; one that the disk did not sync is worth a line. */
static bool is_copied(struct gch_delivery *delivery, enum gch_status status, const struct gch_err *err)
{
    if (status != GCH_ERR_AGAIN)
        return status == GCH_OK;
    gch_count(&delivery->counters->syncs_failed, 1);
    gch_notice_post(delivery->notices, GCH_CAUSE_SYNC, err->text);
    return true;
}

/* There is no disk for a copy: keeping the row would stop all others for ever. */
static void drop(struct gch_delivery *delivery, size_t rows, const struct gch_err *why)
{
    struct gch_err err;
    gch_count(&delivery->counters->rows_dropped, rows);
    (void)gch_err_set(&err, GCH_ERR_IO,
                      "rows that the server refused could not be put into the quarantine and are lost: %s", why->text);
    gch_notice_post(delivery->notices, GCH_CAUSE_REJECTED, err.text);
}

/* Without a disk at all there is nowhere to put the frames, and keeping them would hold up all others; with one that
 * refuses now, the originals wait in the outbox. */
static enum gch_status park(struct gch_delivery *delivery, const struct gch_aside *frames, size_t count)
{
    struct gch_err err;
    uint64_t later = gch_realtime_us() + GCH_PARK_MS * UINT64_C(1000);
    enum gch_status status = gch_aside_park(delivery->root_fd, frames, count, later, delivery->sync, &err);
    if (is_copied(delivery, status, &err))
        gch_count(&delivery->counters->rows_parked, count);
    else if (delivery->root_fd < 0)
        drop(delivery, count, &err);
    else
        return GCH_ERR_REMOTE;
    return GCH_OK;
}

static bool quarantine_is_full(struct gch_delivery *delivery)
{
    uint64_t now = gch_monotonic_ms();
    if (now - delivery->quarantine_looked_at >= GCH_QUARANTINE_LOOK_MS) {
        delivery->quarantine_bytes = gch_aside_quarantine_bytes(delivery->root_fd);
        delivery->quarantine_looked_at = now;
    }
    return delivery->quarantine_bytes >= GCH_QUARANTINE_BYTES_MAX;
}

static enum gch_status copy_to_quarantine(struct gch_delivery *delivery, const struct gch_aside *frame,
                                          const char *table, size_t table_len, struct gch_err *err)
{
    const char *name = gch_error_code_name(delivery->reply.code);
    struct gch_buf reason;
    gch_buf_init(&reason, 4096);
    gch_buf_printf(&reason, "table: %.*s\ncode: %d (%s)\nreason: %s\n", (int)table_len, table, delivery->reply.code,
                   name != NULL ? name : "unknown", delivery->reply.err.text);
    const char *text = gch_buf_cstr(&reason);
    enum gch_status status =
        gch_aside_quarantine(delivery->root_fd, frame, text == NULL ? "" : text, delivery->sync, err);
    gch_buf_deinit(&reason);
    delivery->quarantine_bytes += frame->len + frame->schema_len + 8192;
    return is_copied(delivery, status, err) ? GCH_OK : status;
}

/* GCH_OK: the row is settled. GCH_ERR_REMOTE: the disk takes no copy now, so the original waits. */
static enum gch_status quarantine(struct gch_delivery *delivery, const struct gch_aside *frame, const char *table,
                                  size_t table_len)
{
    struct gch_err err;
    bool full = quarantine_is_full(delivery);
    enum gch_status status =
        full ? park(delivery, frame, 1) : copy_to_quarantine(delivery, frame, table, table_len, &err);
    if (status == GCH_OK && !full)
        gch_count(&delivery->counters->rows_rejected, 1);
    else if (status != GCH_OK && delivery->root_fd < 0) {
        drop(delivery, 1, &err);
        return GCH_OK;
    }
    if (status != GCH_OK) {
        delivery->reply.trouble = GCH_TROUBLE_OUTBOX;
        return full ? status : gch_err_set(&delivery->reply.err, GCH_ERR_REMOTE, "%s", err.text);
    }
    (void)gch_err_set(&err, GCH_OK, "a row of %.*s was refused and is %s: %s", (int)table_len, table,
                      full ? "tried again later, because the outbox's quarantine is full (genesis-ch outbox)"
                           : "in the outbox's quarantine",
                      delivery->reply.err.text);
    gch_notice_post(delivery->notices, GCH_CAUSE_REJECTED, err.text);
    return GCH_OK;
}

/* Count rows from the first that is not done; the caller frees them. NULL: no memory. */
static struct gch_aside *frames_of(const struct gch_batch *batch, uint8_t table, size_t count)
{
    struct gch_aside *frames = calloc(count, sizeof(*frames));
    for (size_t i = 0; i < count && frames != NULL; i++)
        frames[i] = aside_of(batch, table, batch->done + i);
    return frames;
}

/* Parks count rows from the first that is not done. */
static enum gch_status park_rows(struct gch_delivery *delivery, struct gch_batch *batch, uint8_t table, size_t count)
{
    struct gch_aside *frames = frames_of(batch, table, count);
    if (frames == NULL)
        return GCH_ERR_NOMEM;
    enum gch_status status = park(delivery, frames, count);
    free(frames);
    if (status == GCH_OK)
        batch->done += count;
    return status;
}

/* Writes what is left of a batch to an outbox of its own. Where that cannot be, the batch goes on. */
static void put_off(struct gch_delivery *delivery, struct gch_batch *batch, uint8_t table)
{
    size_t count = batch->count - batch->done;
    struct gch_writer_dir *dir = &delivery->put_off[delivery->put_off_count];
    if (delivery->root_fd < 0 || delivery->put_off_count >= GCH_PUT_OFF_MAX)
        return;
    struct gch_aside *frames = frames_of(batch, table, count);
    struct gch_err err;
    if (frames != NULL &&
        is_copied(delivery, gch_aside_put_off(delivery->root_fd, frames, count, delivery->sync, dir, &err), &err)) {
        gch_halving_rebase(&delivery->halving[table], batch->done);
        delivery->put_off_count += 1;
        batch->done = batch->count;
    }
    free(frames);
}

static enum gch_status park_table(struct gch_delivery *delivery, struct gch_batch *batch, uint8_t table)
{
    gch_notice_post(delivery->notices, GCH_CAUSE_SCHEMA, delivery->reply.err.text);
    return park_rows(delivery, batch, table, batch->count - batch->done);
}

/* A large row that the server does not take even alone must not hold up the others; a small one means that the server
 * is short of memory, which passes. */
static enum gch_status park_large_row(struct gch_delivery *delivery, struct gch_batch *batch, uint8_t table)
{
    struct gch_err err;
    size_t len;
    size_t name_len;
    const char *name = gch_batch_table(batch, &name_len);
    (void)gch_batch_row(batch, batch->done, &len);
    if (len < GCH_LARGE_ROW)
        return GCH_ERR_REMOTE;
    (void)gch_err_set(&err, GCH_OK,
                      "a row of %.*s with %zu bytes is too large for the server and is tried again later: %s",
                      (int)name_len, name, len, delivery->reply.err.text);
    gch_notice_post(delivery->notices, GCH_CAUSE_REJECTED, err.text);
    return park_rows(delivery, batch, table, 1);
}

/* ---- rows ---- */

static enum gch_status quarantine_row(struct gch_delivery *delivery, struct gch_batch *batch, uint8_t table)
{
    struct gch_aside frame = aside_of(batch, table, batch->done);
    size_t len;
    const char *name = gch_batch_table(batch, &len);
    enum gch_status status = quarantine(delivery, &frame, name, len);
    batch->done += status == GCH_OK;
    return status;
}

/* The schema passed its checks and is none all the same: no server will ever take these rows. */
static enum gch_status quarantine_unreadable(struct gch_delivery *delivery, struct gch_batch *batch, uint8_t table)
{
    enum gch_status status = GCH_OK;
    delivery->reply.code = 0;
    (void)gch_err_set(&delivery->reply.err, GCH_ERR_REMOTE, "the outbox names columns for it that cannot be read");
    while (status == GCH_OK && batch->done < batch->count)
        status = quarantine_row(delivery, batch, table);
    return status;
}

/* What to do after a failed request for so many rows. GCH_OK: go on. */
static enum gch_status after_failure(struct gch_delivery *delivery, struct gch_batch *batch, uint8_t table, size_t rows)
{
    struct gch_halving *halving = &delivery->halving[table];
    enum gch_error_class error_class = delivery->reply.error_class;
    enum gch_status status = GCH_ERR_REMOTE;
    if ((error_class == GCH_CLASS_REJECT || error_class == GCH_CLASS_SPLIT) && rows > 1) {
        gch_halving_refused(halving, batch->done, rows);
        return GCH_OK;
    }
    if (error_class == GCH_CLASS_REJECT)
        status = quarantine_row(delivery, batch, table);
    else if (error_class == GCH_CLASS_SPLIT)
        status = park_large_row(delivery, batch, table);
    else if (error_class == GCH_CLASS_SCHEMA && delivery->schema_checked)
        status = park_table(delivery, batch, table);
    gch_halving_settled(halving, batch->done);
    return status;
}

/* One request for the next rows of a table. */
static enum gch_status send_some(struct gch_delivery *delivery, struct gch_batch *batch, uint8_t table)
{
    size_t rows = gch_halving_next(&delivery->halving[table], batch->done, batch->count);
    enum gch_status status = gch_post_rows(&delivery->post, batch, batch->done, batch->done + rows);
    if (status == GCH_ERR_REMOTE)
        return after_failure(delivery, batch, table, rows);
    if (status == GCH_ERR_INVALID)
        return quarantine_unreadable(delivery, batch, table);
    if (status == GCH_OK) {
        batch->done += rows;
        gch_halving_taken(&delivery->halving[table], batch->done);
    }
    return status;
}

/* A request for each table that has rows left. */
static enum gch_status send_round(struct gch_delivery *delivery, struct gch_window *window, bool late, bool *more)
{
    enum gch_status status = GCH_OK;
    *more = false;
    for (int table = 0; table < GCH_SCHEMAS_MAX && status == GCH_OK; table++) {
        struct gch_batch *batch = &window->batches[table];
        if (batch->done == batch->count)
            continue;
        if (late)
            put_off(delivery, batch, (uint8_t)table);
        if (batch->done < batch->count)
            status = send_some(delivery, batch, (uint8_t)table);
        *more = *more || batch->done < batch->count;
    }
    return status;
}

/* ---- updates ---- */

/* The run is not in the table yet: its row may be in the outbox of another process. */
static enum gch_status postpone_update(struct gch_delivery *delivery, const struct gch_aside *frame,
                                       const struct gch_update *update)
{
    uint64_t now = gch_realtime_us();
    delivery->reply.code = 0;
    (void)gch_err_set(&delivery->reply.err, GCH_ERR_REMOTE,
                      "update_evolution_run: evolution_runs has no run \"%.*s\"; log_evolution_run first",
                      (int)(update->run_id_len < 200 ? update->run_id_len : 200), update->run_id);
    if (now / 1000 > (uint64_t)update->version_us / 1000 + GCH_UPDATE_PATIENCE_MS) {
        return quarantine(delivery, frame, "evolution_runs", strlen("evolution_runs"));
    }
    gch_notice_post(delivery->notices, GCH_CAUSE_UPDATE, delivery->reply.err.text);
    return park(delivery, frame, 1);
}

/* What a refused update becomes. GCH_OK: it is settled. */
static enum gch_status after_failed_update(struct gch_delivery *delivery, const struct gch_aside *frame)
{
    enum gch_error_class error_class = delivery->reply.error_class;
    if (error_class == GCH_CLASS_REJECT) {
        return quarantine(delivery, frame, "evolution_runs", strlen("evolution_runs"));
    }
    if (error_class != GCH_CLASS_SCHEMA || !delivery->schema_checked)
        return GCH_ERR_REMOTE;
    gch_notice_post(delivery->notices, GCH_CAUSE_SCHEMA, delivery->reply.err.text);
    return park(delivery, frame, 1);
}

/* For a table that takes no FINAL. Before 26.5 a server refuses to change rows where a MATERIALIZED column names an
 * EPHEMERAL one; on such a table the version is an ordinary column from then on. */
static enum gch_status mutate(struct gch_delivery *delivery, const struct gch_update *update)
{
    enum gch_status status = gch_post_update(&delivery->post, update, gch_update_put_mutation);
    if (status != GCH_ERR_REMOTE || delivery->reply.code != CODE_UNKNOWN_IDENTIFIER)
        return status;
    status = gch_post_update(&delivery->post, update, gch_update_put_plain_version);
    if (status != GCH_OK)
        return status;
    struct gch_err said;
    (void)gch_err_set(&said, GCH_OK, GCH_UPDATE_PLAIN_VERSION_TEXT, delivery->post.transport->release.text);
    gch_notice_post(delivery->notices, GCH_CAUSE_RELEASE, said.text);
    return gch_post_update(&delivery->post, update, gch_update_put_mutation);
}

static enum gch_status send_update(struct gch_delivery *delivery, const struct gch_buf *payload)
{
    struct gch_update update;
    struct gch_aside frame = {.kind = GCH_FRAME_UPDATE, .payload = payload->data, .len = payload->len};
    if (gch_update_get(&update, payload->data, payload->len) != GCH_OK || update.run_id_len > GCH_UPDATE_TEXT_MAX) {
        (void)gch_err_set(&delivery->reply.err, GCH_ERR_INVALID,
                          "an update in the outbox cannot be read, or its run_id is longer than %d bytes",
                          GCH_UPDATE_TEXT_MAX);
        return quarantine(delivery, &frame, "evolution_runs", strlen("evolution_runs"));
    }
    enum gch_status status = gch_post_update(&delivery->post, &update, gch_update_put_insert);
    if (status == GCH_ERR_REMOTE && delivery->reply.code == CODE_ILLEGAL_FINAL)
        status = mutate(delivery, &update);
    else if (status == GCH_OK && delivery->reply.written_rows == 0)
        return postpone_update(delivery, &frame, &update);
    if (status == GCH_OK)
        gch_count(&delivery->counters->rows_delivered, 1);
    return status == GCH_ERR_REMOTE ? after_failed_update(delivery, &frame) : status;
}

/* What the other lane delivers meanwhile says nothing about the tables of a window that waits for them. */
static void note_schema(struct gch_delivery *delivery, const struct gch_window *window, enum gch_status status)
{
    bool settles = delivery->schema_failed == NULL || delivery->schema_failed == window;
    if (status == GCH_OK && settles) {
        delivery->schema_checked = false;
        delivery->schema_failed = NULL;
    } else if (status == GCH_ERR_REMOTE && delivery->reply.error_class == GCH_CLASS_SCHEMA) {
        delivery->schema_failed = window;
    }
}

enum gch_status gch_delivery_run(struct gch_delivery *delivery, struct gch_window *window)
{
    uint64_t begun = gch_monotonic_ms();
    enum gch_status status = GCH_OK;
    bool more = true;
    for (int table = 0; table < GCH_SCHEMAS_MAX && delivery->window != window; table++)
        delivery->halving[table].bad_end = 0;
    delivery->window = window;
    for (bool first = true; more && status == GCH_OK; first = false)
        status = send_round(delivery, window, !first && gch_monotonic_ms() - begun >= delivery->slice_ms, &more);
    if (status == GCH_OK && window->update.len > 0)
        status = send_update(delivery, &window->update);
    note_schema(delivery, window, status);
    return status;
}
