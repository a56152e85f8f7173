#include "batch.h"

#include <zstd.h>

#include "query_text.h"

#define COMPRESSION_LEVEL 1
#define KEPT_MAX          (8U << 20) /* memory kept after a rare large batch */

void gch_batch_init(struct gch_batch *batch)
{
    memset(batch, 0, sizeof(*batch));
    gch_buf_init(&batch->rows, GCH_BATCH_BYTES_MAX);
    gch_buf_init(&batch->ends, GCH_BATCH_BYTES_MAX);
}

void gch_batch_deinit(struct gch_batch *batch)
{
    gch_buf_deinit(&batch->rows);
    gch_buf_deinit(&batch->ends);
}

void gch_batch_reset(struct gch_batch *batch, const struct gch_buf *schema)
{
    gch_buf_shrink(&batch->rows, KEPT_MAX);
    gch_buf_reset(&batch->ends);
    batch->schema = schema;
    batch->count = 0;
    batch->done = 0;
}

enum gch_status gch_batch_add(struct gch_batch *batch, const uint8_t *row, size_t len)
{
    gch_buf_append(&batch->rows, row, len);
    uint64_t end = batch->rows.len;
    gch_buf_append(&batch->ends, &end, sizeof(end));
    if (gch_buf_status(&batch->rows) != GCH_OK || gch_buf_status(&batch->ends) != GCH_OK)
        return GCH_ERR_NOMEM;
    batch->count += 1;
    return GCH_OK;
}

static size_t row_start(const struct gch_batch *batch, size_t i)
{
    uint64_t end = 0;
    if (i > 0)
        memcpy(&end, batch->ends.data + (i - 1) * sizeof(end), sizeof(end));
    return (size_t)end;
}

const uint8_t *gch_batch_row(const struct gch_batch *batch, size_t i, size_t *len)
{
    size_t start = row_start(batch, i);
    *len = row_start(batch, i + 1) - start;
    return batch->rows.data + start;
}

const char *gch_batch_table(const struct gch_batch *batch, size_t *len)
{
    size_t end;
    struct gch_name name = gch_schema_table(batch->schema, &end);
    *len = name.len;
    return name.text;
}

enum gch_status gch_batch_put_statement(const struct gch_schema *schema, struct gch_buf *sql)
{
    gch_buf_text(sql, "INSERT INTO ");
    gch_query_put_identifier(sql, schema->table.text, schema->table.len);
    gch_buf_text(sql, " (");
    for (size_t i = 0; i < schema->count; i++) {
        gch_buf_text(sql, i == 0 ? "" : ", ");
        gch_query_put_identifier(sql, schema->names[i].text, schema->names[i].len);
    }
    gch_buf_text(sql, ") FORMAT RowBinaryWithNamesAndTypes");
    return gch_buf_status(sql);
}

static enum gch_status feed(ZSTD_CCtx *context, struct gch_buf *body, const void *bytes, size_t len,
                            ZSTD_EndDirective end)
{
    ZSTD_inBuffer in = {bytes, len, 0};
    size_t left;
    do {
        uint8_t *to = gch_buf_reserve(body, ZSTD_CStreamOutSize());
        if (to == NULL)
            return gch_buf_status(body);
        ZSTD_outBuffer out = {to, body->room - body->len, 0};
        left = ZSTD_compressStream2(context, &out, &in, end);
        if (ZSTD_isError(left))
            return GCH_ERR_NOMEM;
        body->len += out.pos;
    } while (in.pos < in.size || (end == ZSTD_e_end && left != 0));
    return GCH_OK;
}

enum gch_status gch_batch_compress(const struct gch_batch *batch, size_t from, size_t to, struct gch_buf *body)
{
    gch_buf_shrink(body, KEPT_MAX);
    ZSTD_CCtx *context = ZSTD_createCCtx();
    if (context == NULL)
        return GCH_ERR_NOMEM;
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, COMPRESSION_LEVEL);
    (void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    size_t header;
    (void)gch_schema_table(batch->schema, &header);
    size_t start = row_start(batch, from);
    enum gch_status status =
        feed(context, body, batch->schema->data + header, batch->schema->len - header, ZSTD_e_continue);
    if (status == GCH_OK)
        status = feed(context, body, batch->rows.data + start, row_start(batch, to) - start, ZSTD_e_end);
    ZSTD_freeCCtx(context);
    return status;
}

void gch_batch_put_rows(const struct gch_batch *batch, size_t from, size_t to, struct gch_buf *form)
{
    size_t start = row_start(batch, from);
    gch_buf_append(form, batch->rows.data + start, row_start(batch, to) - start);
}
