#include "source.h"

#define SCHEMA_MAX (1U << 16)

static enum gch_status take_schema(struct gch_source *source, const struct gch_frame *frame)
{
    struct gch_buf *schema = &source->schemas[frame->table];
    gch_buf_reset(schema);
    gch_buf_append(schema, frame->payload, frame->len);
    return gch_buf_status(schema);
}

enum gch_status gch_source_init(struct gch_source *source, struct gch_segment_reader *reader, uint64_t limit,
                                struct gch_err *err)
{
    source->reader = *reader;
    source->damaged = false;
    for (int table = 0; table < GCH_SCHEMAS_MAX; table++)
        gch_buf_init(&source->schemas[table], SCHEMA_MAX);
    uint64_t acked = source->reader.acked < limit ? source->reader.acked : limit;
    uint64_t damaged_frames = source->reader.damaged_frames;
    uint64_t damaged_bytes = source->reader.damaged_bytes;
    struct gch_frame frame;
    enum gch_status status = GCH_OK;
    while (status == GCH_OK && source->reader.offset < acked)
        status = gch_source_next(source, acked, &frame, err); /* For the schemas. */
    if (status == GCH_ERR_AGAIN)
        source->reader.offset = acked;
    source->reader.damaged_frames = damaged_frames; /* What was met on the way was counted when it was delivered. */
    source->reader.damaged_bytes = damaged_bytes;
    return status == GCH_ERR_AGAIN ? GCH_OK : status;
}

void gch_source_deinit(struct gch_source *source)
{
    gch_segment_reader_close(&source->reader);
    for (int table = 0; table < GCH_SCHEMAS_MAX; table++)
        gch_buf_deinit(&source->schemas[table]);
}

enum gch_status gch_source_next(struct gch_source *source, uint64_t limit, struct gch_frame *frame, struct gch_err *err)
{
    for (;;) {
        enum gch_status status = gch_segment_reader_next(&source->reader, limit, frame, err);
        if (status != GCH_OK || frame->kind == GCH_FRAME_UPDATE)
            return status;
        bool known = frame->table < GCH_SCHEMAS_MAX;
        if (known && frame->kind == GCH_FRAME_SCHEMA && frame->len <= SCHEMA_MAX) {
            status = take_schema(source, frame);
            if (status != GCH_OK)
                return status;
        } else if (known && frame->kind == GCH_FRAME_ROW && source->schemas[frame->table].len > 0) {
            return GCH_OK;
        } else {
            source->reader.damaged_frames += 1;
            source->reader.damaged_bytes += frame->next - frame->offset;
        }
    }
}

void gch_source_unread(struct gch_source *source, const struct gch_frame *frame)
{
    source->reader.offset = frame->offset;
}
