#include "delivery.h"

#include <stdlib.h>

#include "aside.h"
#include "query_text.h"
#include "thread.h"
#include "update.h"

#define CODE_ILLEGAL_FINAL 181
/* Rows of a backlog may be of any number of months, so the limit on partitions in one insert would hold them back for
 * ever. */
#define INSERT_SETTINGS    "&insert_deduplicate=0&async_insert=0&max_partitions_per_insert_block=0"

void gch_delivery_init(struct gch_delivery *delivery, struct gch_transport *transport, struct gch_counters *counters,
                       struct gch_notices *notices)
{
    memset(delivery, 0, sizeof(*delivery));
    delivery->transport = transport;
    delivery->counters = counters;
    delivery->notices = notices;
    delivery->root_fd = -1;
    gch_reply_init(&delivery->reply);
    gch_buf_init(&delivery->sql, 1U << 20);
    gch_buf_init(&delivery->body, GCH_BATCH_BYTES_MAX);
    gch_buf_init(&delivery->form, 1U << 20);
}

void gch_delivery_deinit(struct gch_delivery *delivery)
{
    gch_reply_deinit(&delivery->reply);
    gch_buf_deinit(&delivery->sql);
    gch_buf_deinit(&delivery->body);
    gch_buf_deinit(&delivery->form);
}

/* ---- rows put aside ---- */

static struct gch_aside aside_of(const struct gch_batch *batch, uint8_t table, size_t i)
{
    struct gch_aside frame = {
        .kind = GCH_FRAME_ROW, .table = table, .schema = batch->schema->data, .schema_len = batch->schema->len};
    frame.payload = gch_batch_row(batch, i, &frame.len);
    return frame;
}

/* The copy could not be written: keeping the row would stop all others for ever. */
static void drop(struct gch_delivery *delivery, size_t rows, const struct gch_err *why)
{
    struct gch_err err;
    gch_count(&delivery->counters->rows_dropped, rows);
    (void)gch_err_set(&err, GCH_ERR_IO,
                      "rows that the server refused could not be put into the quarantine and are lost: %s", why->text);
    gch_notice_post(delivery->notices, GCH_CAUSE_REJECTED, err.text);
}

static void quarantine(struct gch_delivery *delivery, const struct gch_aside *frame, const char *table,
                       size_t table_len)
{
    struct gch_err err;
    struct gch_buf reason;
    gch_buf_init(&reason, 4096);
    gch_buf_printf(&reason, "table: %.*s\ncode: %d (%s)\nreason: %s\n", (int)table_len, table, delivery->reply.code,
                   gch_error_code_name(delivery->reply.code) != NULL ? gch_error_code_name(delivery->reply.code)
                                                                     : "unknown",
                   delivery->reply.err.text);
    const char *text = gch_buf_cstr(&reason);
    if (gch_aside_quarantine(delivery->root_fd, frame, text == NULL ? "" : text, &err) != GCH_OK) {
        drop(delivery, 1, &err);
    } else {
        gch_count(&delivery->counters->rows_rejected, 1);
        (void)gch_err_set(&err, GCH_OK, "a row of %.*s was refused and is in the outbox's quarantine: %s",
                          (int)table_len, table, delivery->reply.err.text);
        gch_notice_post(delivery->notices, GCH_CAUSE_REJECTED, err.text);
    }
    gch_buf_deinit(&reason);
}

/* Without a disk at all there is nowhere to put the frames, and keeping them would hold up all others; with one that
 * refuses now, the originals wait in the outbox. */
static enum gch_status park(struct gch_delivery *delivery, const struct gch_aside *frames, size_t count)
{
    struct gch_err err;
    uint64_t later = gch_realtime_us() + GCH_PARK_MS * UINT64_C(1000);
    if (gch_aside_park(delivery->root_fd, frames, count, later, &err) == GCH_OK)
        gch_count(&delivery->counters->rows_parked, count);
    else if (delivery->root_fd < 0)
        drop(delivery, count, &err);
    else
        return GCH_ERR_REMOTE;
    return GCH_OK;
}

/* Parks count rows from the first that is not done. */
static enum gch_status park_rows(struct gch_delivery *delivery, struct gch_batch *batch, uint8_t table, size_t count)
{
    struct gch_aside *frames = calloc(count, sizeof(*frames));
    if (frames == NULL)
        return GCH_ERR_NOMEM;
    for (size_t i = 0; i < count; i++)
        frames[i] = aside_of(batch, table, batch->done + i);
    enum gch_status status = park(delivery, frames, count);
    free(frames);
    if (status == GCH_OK)
        batch->done += count;
    return status;
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

static enum gch_status post_rows(struct gch_delivery *delivery, const struct gch_batch *batch, size_t from, size_t to)
{
    gch_buf_reset(&delivery->sql);
    enum gch_status status = gch_batch_put_statement(batch, &delivery->sql);
    const char *sql = gch_buf_cstr(&delivery->sql);
    if (status == GCH_OK)
        status = gch_batch_compress(batch, from, to, &delivery->body);
    if (status != GCH_OK || sql == NULL)
        return status == GCH_OK ? GCH_ERR_NOMEM : status;
    struct gch_request request = {.sql = sql, .extra = INSERT_SETTINGS, .body = &delivery->body};
    status = gch_transport_send(delivery->transport, &request, &delivery->reply);
    if (status == GCH_OK) {
        gch_count(&delivery->counters->batches_sent, 1);
        gch_count(&delivery->counters->bytes_sent, delivery->body.len);
        gch_count(&delivery->counters->rows_delivered, to - from);
    }
    return status;
}

/* What to do after a failed request for *step rows from batch->done. GCH_OK: go on with the loop. */
static enum gch_status after_failure(struct gch_delivery *delivery, struct gch_batch *batch, uint8_t table,
                                     size_t *step)
{
    enum gch_error_class error_class = delivery->reply.error_class;
    if ((error_class == GCH_CLASS_REJECT || error_class == GCH_CLASS_SPLIT) && *step > 1) {
        *step /= 2;
        return GCH_OK;
    }
    if (error_class == GCH_CLASS_REJECT) {
        struct gch_aside frame = aside_of(batch, table, batch->done);
        size_t len;
        const char *name = gch_batch_table(batch, &len);
        quarantine(delivery, &frame, name, len);
        batch->done += 1;
        return GCH_OK;
    }
    if (error_class == GCH_CLASS_SPLIT)
        return park_large_row(delivery, batch, table);
    if (error_class == GCH_CLASS_SCHEMA && delivery->schema_checked)
        return park_table(delivery, batch, table);
    return GCH_ERR_REMOTE;
}

static enum gch_status send_rows(struct gch_delivery *delivery, struct gch_batch *batch, uint8_t table)
{
    size_t step = batch->count - batch->done;
    while (batch->done < batch->count) {
        if (step > batch->count - batch->done)
            step = batch->count - batch->done;
        enum gch_status status = post_rows(delivery, batch, batch->done, batch->done + step);
        if (status == GCH_OK) {
            batch->done += step;
            step *= 2;
        } else if (status == GCH_ERR_REMOTE) {
            status = after_failure(delivery, batch, table, &step);
        }
        if (status != GCH_OK)
            return status;
        step = step == 0 ? 1 : step;
    }
    return GCH_OK;
}

/* ---- updates ---- */

static enum gch_status post_update(struct gch_delivery *delivery, const struct gch_update *update,
                                   void (*put)(struct gch_buf *))
{
    gch_buf_reset(&delivery->sql);
    gch_buf_reset(&delivery->form);
    put(&delivery->sql);
    const char *sql = gch_buf_cstr(&delivery->sql);
    if (sql == NULL)
        return GCH_ERR_NOMEM;
    if (update->error_len > GCH_UPDATE_TEXT_MAX || update->status_len > GCH_UPDATE_TEXT_MAX)
        gch_count(&delivery->counters->values_cut, 1);
    gch_form_put_text(&delivery->form, "query", sql);
    gch_update_put_parameters(&delivery->form, update);
    gch_form_put_end(&delivery->form);
    if (gch_buf_status(&delivery->form) != GCH_OK)
        return GCH_ERR_NOMEM;
    struct gch_request request = {.extra = INSERT_SETTINGS, .form = &delivery->form};
    return gch_transport_send(delivery->transport, &request, &delivery->reply);
}

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
        quarantine(delivery, frame, "evolution_runs", strlen("evolution_runs"));
        return GCH_OK;
    }
    gch_notice_post(delivery->notices, GCH_CAUSE_UPDATE, delivery->reply.err.text);
    return park(delivery, frame, 1);
}

/* What a refused update becomes. GCH_OK: it is settled. */
static enum gch_status after_failed_update(struct gch_delivery *delivery, const struct gch_aside *frame)
{
    enum gch_error_class error_class = delivery->reply.error_class;
    if (error_class == GCH_CLASS_REJECT) {
        quarantine(delivery, frame, "evolution_runs", strlen("evolution_runs"));
        return GCH_OK;
    }
    if (error_class != GCH_CLASS_SCHEMA || !delivery->schema_checked)
        return GCH_ERR_REMOTE;
    gch_notice_post(delivery->notices, GCH_CAUSE_SCHEMA, delivery->reply.err.text);
    return park(delivery, frame, 1);
}

static enum gch_status send_update(struct gch_delivery *delivery, const struct gch_buf *payload)
{
    struct gch_update update;
    struct gch_aside frame = {.kind = GCH_FRAME_UPDATE, .payload = payload->data, .len = payload->len};
    if (gch_update_get(&update, payload->data, payload->len) != GCH_OK || update.run_id_len > GCH_UPDATE_TEXT_MAX) {
        (void)gch_err_set(&delivery->reply.err, GCH_ERR_INVALID,
                          "an update in the outbox cannot be read, or its run_id is longer than %d bytes",
                          GCH_UPDATE_TEXT_MAX);
        quarantine(delivery, &frame, "evolution_runs", strlen("evolution_runs"));
        return GCH_OK;
    }
    enum gch_status status = post_update(delivery, &update, gch_update_put_insert);
    if (status == GCH_ERR_REMOTE && delivery->reply.code == CODE_ILLEGAL_FINAL)
        status = post_update(delivery, &update, gch_update_put_mutation);
    else if (status == GCH_OK && delivery->reply.written_rows == 0)
        return postpone_update(delivery, &frame, &update);
    if (status == GCH_OK)
        gch_count(&delivery->counters->rows_delivered, 1);
    return status == GCH_ERR_REMOTE ? after_failed_update(delivery, &frame) : status;
}

enum gch_status gch_delivery_run(struct gch_delivery *delivery, struct gch_window *window)
{
    enum gch_status status = GCH_OK;
    for (int table = 0; table < GCH_SCHEMAS_MAX && status == GCH_OK; table++) {
        if (window->batches[table].done < window->batches[table].count)
            status = send_rows(delivery, &window->batches[table], (uint8_t)table);
    }
    if (status == GCH_OK && window->update.len > 0)
        status = send_update(delivery, &window->update);
    if (status == GCH_OK)
        delivery->schema_checked = false;
    return status;
}
