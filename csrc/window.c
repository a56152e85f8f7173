#include "window.h"

void gch_window_init(struct gch_window *window)
{
    memset(window, 0, sizeof(*window));
    for (int i = 0; i < GCH_SCHEMAS_MAX; i++)
        gch_batch_init(&window->batches[i]);
    gch_buf_init(&window->update, GCH_PAYLOAD_MAX);
}

void gch_window_deinit(struct gch_window *window)
{
    for (int i = 0; i < GCH_SCHEMAS_MAX; i++)
        gch_batch_deinit(&window->batches[i]);
    gch_buf_deinit(&window->update);
}

static void clear(struct gch_window *window, const struct gch_source *source)
{
    for (int i = 0; i < GCH_SCHEMAS_MAX; i++)
        gch_batch_reset(&window->batches[i], &source->schemas[i]);
    gch_buf_reset(&window->update);
    window->rows = 0;
    window->bytes = 0;
    window->start = source->reader.offset;
    window->end = window->start;
}

static enum gch_status take(struct gch_window *window, const struct gch_frame *frame)
{
    window->rows += 1;
    window->bytes += frame->len;
    if (frame->kind == GCH_FRAME_ROW)
        return gch_batch_add(&window->batches[frame->table], frame->payload, frame->len);
    gch_buf_append(&window->update, frame->payload, frame->len);
    return gch_buf_status(&window->update);
}

enum gch_status gch_window_fill(struct gch_window *window, struct gch_source *source, uint64_t limit, size_t bytes_max,
                                struct gch_err *err)
{
    clear(window, source);
    enum gch_status status = GCH_OK;
    while (status == GCH_OK && window->bytes < bytes_max && window->update.len == 0) {
        struct gch_frame frame;
        status = gch_source_next(source, limit, &frame, err);
        if (status != GCH_OK)
            break;
        if (frame.kind == GCH_FRAME_UPDATE && window->rows > 0) {
            gch_source_unread(source, &frame);
            break;
        }
        status = take(window, &frame);
    }
    if (status != GCH_OK && status != GCH_ERR_AGAIN) {
        source->reader.offset = window->start; /* What was taken is read again: it is in no window that will be sent. */
        return status;
    }
    window->end = source->reader.offset;
    return GCH_OK;
}
