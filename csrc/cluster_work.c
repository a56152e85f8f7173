#include "cluster_work.h"

struct gch_buf *gch_work_begin(struct gch_cluster_work *work)
{
    struct gch_buf *out = &work->rendered->statements[work->rendered->count];
    work->rendered->count += 1;
    return out;
}

void gch_work_put_text(struct gch_buf *out, const char *text)
{
    gch_buf_byte(out, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            gch_buf_byte(out, '\\');
        gch_buf_byte(out, (uint8_t)*text);
    }
    gch_buf_byte(out, '\'');
}

static void put_on_cluster(struct gch_buf *out, const struct gch_cluster_work *work)
{
    gch_buf_text(out, " ON CLUSTER ");
    gch_work_put_text(out, work->cluster->name);
}

/* A name with what is between its quotes made longer. */
static void put_local(struct gch_buf *out, const struct gch_token *name)
{
    bool quoted = name->kind == GCH_TOKEN_QUOTED;
    gch_buf_span(out, name->at, gch_token_end(name) - (quoted ? 1 : 0));
    gch_buf_text(out, GCH_CLUSTER_LOCAL);
    if (quoted)
        gch_buf_append(out, name->at, 1);
}

struct gch_buf *gch_work_begin_on(struct gch_cluster_work *work, bool local)
{
    struct gch_buf *out = gch_work_begin(work);
    gch_buf_span(out, work->begin, work->name.at);
    if (local)
        put_local(out, &work->name);
    else
        gch_buf_span(out, work->name.at, gch_token_end(&work->name));
    put_on_cluster(out, work);
    return out;
}

void gch_work_put_whole(struct gch_cluster_work *work, bool local, const char *behind)
{
    struct gch_buf *out = gch_work_begin_on(work, local);
    gch_buf_span(out, work->scan.at, work->scan.end);
    gch_buf_text(out, behind);
}

enum gch_status gch_work_refuse(struct gch_cluster_work *work, const char *why)
{
    size_t left = (size_t)(work->scan.end - work->begin);
    return gch_err_set(work->err, GCH_ERR_INVALID, "no form on a cluster: %s: \"%.*s\"", why,
                       (int)(left < 120 ? left : 120), work->begin);
}

struct gch_token gch_work_bare(const struct gch_token *name)
{
    struct gch_token inner = *name;
    if (name->kind == GCH_TOKEN_QUOTED) {
        inner.at += 1;
        inner.len -= 2;
    }
    return inner;
}

enum gch_status gch_work_read_name(struct gch_cluster_work *work)
{
    if (gch_scan_take(&work->scan, "IF")) {
        (void)gch_scan_take(&work->scan, "NOT");
        if (!gch_scan_take(&work->scan, "EXISTS"))
            return gch_work_refuse(work, "IF without EXISTS");
    }
    work->name = gch_scan_next(&work->scan);
    if (!gch_token_is_name(&work->name))
        return gch_work_refuse(work, "a name is missing");
    struct gch_token next = gch_scan_peek(&work->scan);
    return gch_token_is(&next, ".") ? gch_work_refuse(work, "leave the database out of the name") : GCH_OK;
}

enum gch_status gch_work_read_table(struct gch_cluster_work *work)
{
    enum gch_status status = gch_work_read_name(work);
    if (status != GCH_OK)
        return status;
    struct gch_token name = gch_work_bare(&work->name);
    work->columns = gch_cluster_sharding(name.at, name.len);
    return work->columns == NULL ? gch_work_refuse(work, "GCH_SHARDING_MAP does not say how this table is sharded")
                                 : GCH_OK;
}
