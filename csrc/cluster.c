#include "cluster.h"

#include "cluster_alter.h"
#include "cluster_column.h"

#define STATEMENT_MAX (1U << 20)

const struct gch_sharding gch_sharding[GCH_SHARDED_TABLES] = {
#define X(table, columns) {#table, columns},
    GCH_SHARDING_MAP(X)
#undef X
};

void gch_rendered_init(struct gch_rendered *rendered)
{
    rendered->count = 0;
    for (size_t i = 0; i < GCH_RENDERED_MAX; i++)
        gch_buf_init(&rendered->statements[i], STATEMENT_MAX);
}

void gch_rendered_deinit(struct gch_rendered *rendered)
{
    rendered->count = 0;
    for (size_t i = 0; i < GCH_RENDERED_MAX; i++)
        gch_buf_deinit(&rendered->statements[i]);
}

const char *gch_cluster_sharding(const char *table, size_t len)
{
    for (size_t i = 0; i < GCH_SHARDED_TABLES; i++) {
        if (strlen(gch_sharding[i].table) == len && memcmp(gch_sharding[i].table, table, len) == 0)
            return gch_sharding[i].columns;
    }
    return NULL;
}

/* Whether the whole statement can be read and its brackets are in pairs; the scan then ends with its last token. */
static enum gch_status look_through(struct gch_cluster_work *work)
{
    struct gch_scan scan = work->scan;
    const char *last = work->begin;
    int depth = 0;
    for (;;) {
        struct gch_token token = gch_scan_next(&scan);
        if (token.kind == GCH_TOKEN_BAD)
            return gch_work_refuse(work, "a quote or comment without an end, or a $");
        if (token.kind == GCH_TOKEN_END)
            break;
        if (gch_token_is(&token, ";"))
            return gch_work_refuse(work, "one statement at a time, without semicolon");
        gch_token_count_bracket(&token, &depth);
        if (depth < 0)
            return gch_work_refuse(work, "a bracket too many");
        last = gch_token_end(&token);
    }
    work->scan.end = last;
    return depth == 0 ? GCH_OK : gch_work_refuse(work, "a bracket is missing");
}

/* True if ON CLUSTER stands behind the name, where a statement has it. */
static bool is_on_cluster(struct gch_scan scan)
{
    for (;;) {
        struct gch_token token = gch_scan_next(&scan);
        if (gch_token_is(&token, "ON") && gch_scan_take(&scan, "CLUSTER"))
            return true;
        if (token.kind == GCH_TOKEN_END || gch_token_is(&token, "(") || gch_token_is(&token, "AS") ||
            gch_token_is(&token, "WHERE"))
            return false;
    }
}

static bool has_column(struct gch_scan elements, const struct gch_token *column)
{
    while (gch_scan_peek(&elements).kind != GCH_TOKEN_END) {
        struct gch_piece piece = gch_scan_piece(&elements);
        struct gch_scan scan = {piece.at, piece.end};
        struct gch_token first = gch_scan_next(&scan);
        struct gch_token name = gch_work_bare(&first);
        if (name.len == column->len && memcmp(name.at, column->at, name.len) == 0)
            return true;
    }
    return false;
}

/* A later migration may be what adds the column that rows are sharded by; it then finds it there. All of them are
 * texts. */
static void put_missing(const struct gch_cluster_work *work, struct gch_buf *out, struct gch_scan elements)
{
    struct gch_scan columns = {work->columns, work->columns + strlen(work->columns)};
    while (gch_scan_peek(&columns).kind != GCH_TOKEN_END) {
        struct gch_token column = gch_scan_next(&columns);
        if (column.kind == GCH_TOKEN_WORD && !has_column(elements, &column))
            gch_buf_printf(out, ",\n    %.*s String", (int)column.len, column.at);
    }
}

/* False: there is none, or one without a name. */
static bool put_columns(const struct gch_cluster_work *work, struct gch_buf *out, struct gch_scan elements)
{
    struct gch_scan all = elements;
    const char *between = "\n(";
    while (gch_scan_peek(&elements).kind != GCH_TOKEN_END) {
        struct gch_piece piece = gch_scan_piece(&elements);
        struct gch_scan column = {piece.at, piece.end};
        struct gch_token first = gch_scan_next(&column);
        if (!gch_element_is_column(piece))
            continue;
        if (!gch_token_is_name(&first))
            return false;
        gch_buf_text(out, between);
        gch_buf_span(out, piece.at, gch_token_end(&first));
        (void)gch_column_put(out, column);
        between = ",";
    }
    put_missing(work, out, all);
    gch_buf_text(out, "\n)");
    return between[0] == ',';
}

/* Behind the last element, and in front of a comment that may stand there. */
static const char *end_of_elements(struct gch_scan elements)
{
    const char *end = elements.at;
    while (gch_scan_peek(&elements).kind != GCH_TOKEN_END)
        end = gch_scan_piece(&elements).end;
    return end;
}

static void put_distributed(struct gch_buf *out, const struct gch_cluster_work *work)
{
    struct gch_token name = gch_work_bare(&work->name);
    gch_buf_text(out, "\nENGINE = Distributed(");
    gch_work_put_text(out, work->cluster->name);
    gch_buf_text(out, ", ");
    gch_work_put_text(out, work->cluster->database);
    gch_buf_printf(out, ", '%.*s" GCH_CLUSTER_LOCAL "', cityHash64(%s))", (int)name.len, name.at, work->columns);
}

/* ---- statements ---- */

static bool is_merge_tree(const struct gch_token *engine)
{
    static const char tail[] = "MergeTree";
    size_t len = sizeof(tail) - 1;
    bool shared = engine->len > 6 && memcmp(engine->at, "Shared", 6) == 0;
    bool replicated = engine->len > 10 && memcmp(engine->at, "Replicated", 10) == 0;
    return engine->kind == GCH_TOKEN_WORD && engine->len >= len && !shared && !replicated &&
           memcmp(gch_token_end(engine) - len, tail, len) == 0;
}

static enum gch_status render_create_table(struct gch_cluster_work *work)
{
    enum gch_status status = gch_work_read_table(work);
    if (status != GCH_OK)
        return status;
    const char *behind_name = work->scan.at;
    struct gch_scan elements;
    if (!gch_scan_brackets(&work->scan, &elements))
        return gch_work_refuse(work, "name the columns");
    if (!gch_scan_take(&work->scan, "ENGINE"))
        return gch_work_refuse(work, "ENGINE comes behind the columns");
    (void)gch_scan_take(&work->scan, "=");
    struct gch_token engine = gch_scan_next(&work->scan);
    if (!is_merge_tree(&engine))
        return gch_work_refuse(work, "the engine is none of the MergeTree family that becomes a Replicated one");
    struct gch_buf *out = gch_work_begin_on(work, true);
    const char *end = end_of_elements(elements);
    gch_buf_span(out, behind_name, end);
    put_missing(work, out, elements);
    gch_buf_span(out, end, engine.at);
    gch_buf_text(out, "Replicated");
    gch_buf_span(out, engine.at, work->scan.end);
    out = gch_work_begin_on(work, false);
    if (!put_columns(work, out, elements))
        return gch_work_refuse(work, "name the columns");
    put_distributed(out, work);
    return GCH_OK;
}

static enum gch_status render_create(struct gch_cluster_work *work)
{
    if (gch_scan_take(&work->scan, "TABLE"))
        return render_create_table(work);
    if (gch_scan_take(&work->scan, "OR") && !gch_scan_take(&work->scan, "REPLACE"))
        return gch_work_refuse(work, "OR without REPLACE");
    if (!gch_scan_take(&work->scan, "VIEW") && !gch_scan_take(&work->scan, "DATABASE"))
        return gch_work_refuse(work, "of what is created, only tables, views and databases have one");
    enum gch_status status = gch_work_read_name(work);
    if (status == GCH_OK)
        gch_work_put_whole(work, false, "");
    return status;
}

static enum gch_status render_drop(struct gch_cluster_work *work)
{
    bool table = gch_scan_take(&work->scan, "TABLE");
    if (!table && !gch_scan_take(&work->scan, "VIEW") && !gch_scan_take(&work->scan, "DATABASE"))
        return gch_work_refuse(work, "of what is dropped, only tables, views and databases have one");
    enum gch_status status = table ? gch_work_read_table(work) : gch_work_read_name(work);
    if (status != GCH_OK)
        return status;
    const char *sync = gch_scan_peek(&work->scan).kind == GCH_TOKEN_END ? " SYNC" : "";
    gch_work_put_whole(work, false, sync);
    if (table)
        gch_work_put_whole(work, true, sync);
    return GCH_OK;
}

/* DELETE FROM, OPTIMIZE TABLE, TRUNCATE TABLE. */
static enum gch_status render_on_local(struct gch_cluster_work *work, const char *word)
{
    if (!gch_scan_take(&work->scan, word))
        return gch_work_refuse(work, "FROM or TABLE is missing");
    enum gch_status status = gch_work_read_table(work);
    if (status == GCH_OK)
        gch_work_put_whole(work, true, "");
    return status;
}

/* ---- what comes in ---- */

static void put_as_it_is(struct gch_cluster_work *work)
{
    gch_buf_span(gch_work_begin(work), work->begin, work->scan.end);
}

static enum gch_status render(struct gch_cluster_work *work)
{
    struct gch_token verb = gch_scan_next(&work->scan);
    if (gch_token_is(&verb, "INSERT") || is_on_cluster(work->scan)) {
        put_as_it_is(work);
        return GCH_OK;
    }
    if (gch_token_is(&verb, "CREATE"))
        return render_create(work);
    if (gch_token_is(&verb, "DROP"))
        return render_drop(work);
    if (gch_token_is(&verb, "ALTER"))
        return gch_cluster_render_alter(work);
    if (gch_token_is(&verb, "DELETE"))
        return render_on_local(work, "FROM");
    if (gch_token_is(&verb, "OPTIMIZE") || gch_token_is(&verb, "TRUNCATE"))
        return render_on_local(work, "TABLE");
    return gch_work_refuse(work, "no such statement is known here");
}

/* Comments in front of the statement stand in front of the first that comes of it. */
static void put_lead(struct gch_rendered *rendered, const char *from, const char *to)
{
    struct gch_buf *first = &rendered->statements[0];
    struct gch_buf whole;
    if (rendered->count == 0 || from == to)
        return;
    gch_buf_init(&whole, STATEMENT_MAX);
    gch_buf_span(&whole, from, to);
    gch_buf_append(&whole, first->data, first->len);
    gch_buf_deinit(first);
    *first = whole;
}

enum gch_status gch_cluster_render(const struct gch_cluster *cluster, const char *statement, size_t len,
                                   struct gch_rendered *rendered, struct gch_err *err)
{
    struct gch_cluster_work work = {
        .cluster = cluster, .scan = {statement, statement + len}, .rendered = rendered, .err = err};
    enum gch_status status = GCH_OK;
    rendered->count = 0;
    for (size_t i = 0; i < GCH_RENDERED_MAX; i++)
        gch_buf_reset(&rendered->statements[i]);
    work.begin = gch_scan_peek(&work.scan).at;
    if (!gch_cluster_is_set(cluster)) {
        put_as_it_is(&work);
    } else {
        status = look_through(&work);
        work.scan.at = work.begin;
        if (status == GCH_OK)
            status = render(&work);
    }
    if (status != GCH_OK) {
        rendered->count = 0;
        return status;
    }
    put_lead(rendered, statement, work.begin);
    for (size_t i = 0; i < rendered->count && status == GCH_OK; i++)
        status = gch_buf_status(&rendered->statements[i]);
    return status;
}
