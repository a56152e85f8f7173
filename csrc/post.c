#include "post.h"

#include "cluster.h"
#include "merge.h"

/* Rows of a backlog may be of any number of months, so the limit on partitions in one insert would hold them back for
 * ever. */
#define INSERT_SETTINGS                                                                                                \
    "&insert_deduplicate=0&async_insert=0&max_partitions_per_insert_block=0" GCH_CLUSTER_INSERT_SETTINGS

void gch_post_init(struct gch_post *post, struct gch_transport *transport, struct gch_reply *reply,
                   struct gch_counters *counters)
{
    post->transport = transport;
    post->reply = reply;
    post->counters = counters;
    gch_buf_init(&post->sql, 1U << 20);
    gch_buf_init(&post->body, GCH_BATCH_BYTES_MAX);
    gch_multipart_init(&post->form, GCH_BATCH_BYTES_MAX);
}

void gch_post_deinit(struct gch_post *post)
{
    gch_buf_deinit(&post->sql);
    gch_buf_deinit(&post->body);
    gch_multipart_deinit(&post->form);
}

/* The rows with their header as one zstd member. */
static enum gch_status post_insert(struct gch_post *post, const struct gch_schema *schema,
                                   const struct gch_batch *batch, size_t from, size_t to)
{
    enum gch_status status = gch_batch_put_statement(schema, &post->sql);
    const char *sql = gch_buf_cstr(&post->sql);
    if (status == GCH_OK)
        status = gch_batch_compress(batch, from, to, &post->body);
    if (status != GCH_OK || sql == NULL)
        return status == GCH_OK ? GCH_ERR_NOMEM : status;
    struct gch_request request = {.sql = sql, .extra = INSERT_SETTINGS, .body = &post->body, .no_result = true};
    status = gch_transport_send(post->transport, &request, post->reply);
    if (status == GCH_OK)
        gch_count(&post->counters->bytes_sent, post->body.len);
    return status;
}

/* The rows as an external table of the statement that merges them; a server does not unpack a form. */
static enum gch_status post_merge(struct gch_post *post, const struct gch_schema *schema, const struct gch_batch *batch,
                                  size_t from, size_t to)
{
    struct gch_multipart *form = &post->form;
    enum gch_status status = gch_merge_put_statement(schema, &post->sql);
    const char *sql = gch_buf_cstr(&post->sql);
    if (status != GCH_OK || sql == NULL)
        return status == GCH_OK ? GCH_ERR_NOMEM : status;
    gch_multipart_begin(form);
    gch_multipart_put_text(form, "query", sql);
    gch_multipart_begin_file(form, GCH_MERGE_ROWS);
    gch_batch_put_rows(batch, from, to, &form->bytes);
    gch_multipart_end_file(form);
    gch_multipart_end(form);
    gch_buf_reset(&post->body);
    gch_buf_text(&post->body, INSERT_SETTINGS GCH_MERGE_EXTRA "&" GCH_MERGE_ROWS "_structure=");
    gch_merge_put_structure(schema, &post->body);
    const char *extra = gch_buf_cstr(&post->body);
    if (gch_buf_status(&form->bytes) != GCH_OK || extra == NULL)
        return GCH_ERR_NOMEM;
    struct gch_request request = {.extra = extra, .form = form, .no_result = true};
    status = gch_transport_send(post->transport, &request, post->reply);
    if (status == GCH_OK)
        gch_count(&post->counters->bytes_sent, form->bytes.len);
    return status;
}

enum gch_status gch_post_rows(struct gch_post *post, const struct gch_batch *batch, size_t from, size_t to)
{
    struct gch_schema schema;
    enum gch_status status = gch_schema_read(&schema, batch->schema);
    gch_buf_reset(&post->sql);
    if (status != GCH_OK)
        return status;
    status = gch_merge_applies(&schema) ? post_merge(post, &schema, batch, from, to)
                                        : post_insert(post, &schema, batch, from, to);
    if (status == GCH_OK) {
        gch_count(&post->counters->batches_sent, 1);
        gch_count(&post->counters->rows_delivered, to - from);
    }
    return status;
}

enum gch_status gch_post_update(struct gch_post *post, const struct gch_update *update, void (*put)(struct gch_buf *))
{
    gch_buf_reset(&post->sql);
    gch_multipart_begin(&post->form);
    put(&post->sql);
    const char *sql = gch_buf_cstr(&post->sql);
    if (sql == NULL)
        return GCH_ERR_NOMEM;
    if (update->error_len > GCH_UPDATE_TEXT_MAX || update->status_len > GCH_UPDATE_TEXT_MAX)
        gch_count(&post->counters->values_cut, 1);
    gch_multipart_put_text(&post->form, "query", sql);
    gch_update_put_parameters(&post->form, update);
    gch_multipart_end(&post->form);
    if (gch_buf_status(&post->form.bytes) != GCH_OK)
        return GCH_ERR_NOMEM;
    struct gch_request request = {
        .extra = INSERT_SETTINGS, .form = &post->form, .no_result = put == gch_update_put_insert};
    return gch_transport_send(post->transport, &request, post->reply);
}
