#include "merge.h"

#include "query_text.h"

#define KEPT_MAX 8

/* What a table's key rests on; such a column never changes under an id. */
static const struct rule {
    const char *table;
    const char *time; /* the column whose day is in the key, or NULL */
    const char *kept[KEPT_MAX];
    const char *lookup; /* columns by which stored rows are found quickly */
} rules[] = {
    {"traces", "timestamp", {"timestamp", "created_at"}, "id"},
    {"observations", "start_time", {"type", "start_time", "created_at"}, "id"},
    {"scores", "timestamp", {"timestamp", "name", "created_at"}, "id"},
    {"dataset_run_items_rmt", NULL, {"dataset_id", "dataset_run_id", "created_at"}, "id"},
    {"blob_storage_file_log", NULL, {"entity_type", "entity_id", "event_id", "created_at"}, "id"},
    {"event_log", NULL, {"created_at"}, "project_id, entity_type, entity_id, id"},
};

static const struct rule *rule_of(const struct gch_schema *schema)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (gch_name_is(schema->table, rules[i].table))
            return &rules[i];
    }
    return NULL;
}

bool gch_merge_applies(const struct gch_schema *schema)
{
    return schema->count > 0 && gch_name_is(schema->names[schema->count - 1], GCH_SET_COLUMN);
}

static bool has_column(const struct gch_schema *schema, const char *column)
{
    for (size_t i = 0; i < schema->count; i++) {
        if (gch_name_is(schema->names[i], column))
            return true;
    }
    return false;
}

static void put_name(struct gch_buf *sql, struct gch_name name)
{
    gch_query_put_identifier(sql, name.text, name.len);
}

/* One column of the statement. */
struct piece {
    struct gch_buf *sql;
    struct gch_name name;
    struct gch_name type;
    size_t bit;
    bool kept;
    char row; /* whose column put_emptiness asks about */
};

/* Inside of quotes. */
static void put_type(const struct piece *piece)
{
    for (size_t i = 0; i < piece->type.len; i++) {
        if (piece->type.text[i] == '\'' || piece->type.text[i] == '\\')
            gch_buf_byte(piece->sql, '\\');
        gch_buf_byte(piece->sql, (uint8_t)piece->type.text[i]);
    }
}

/* Writes a template: %c is the column's name, %b its bit, %t its type for a quoted text, %r the row. */
static void put(const struct piece *piece, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at != '%') {
            gch_buf_byte(piece->sql, (uint8_t)*at);
            continue;
        }
        at++;
        if (*at == 'c')
            put_name(piece->sql, piece->name);
        else if (*at == 'b')
            gch_buf_printf(piece->sql, "%zu", piece->bit);
        else if (*at == 'r')
            gch_buf_byte(piece->sql, (uint8_t)piece->row);
        else
            put_type(piece);
    }
}

static bool is_texts_map(const struct piece *piece)
{
    return gch_name_is(piece->type, "Map(LowCardinality(String), String)");
}

static bool is_identity(const struct piece *piece)
{
    return gch_name_is(piece->name, "id") || gch_name_is(piece->name, "project_id");
}

/* Columns that every call sets. */
static bool is_of_the_call(const struct piece *piece)
{
    return gch_name_is(piece->name, "updated_at") || gch_name_is(piece->name, "is_deleted");
}

static bool type_begins(const struct piece *piece, const char *text)
{
    return piece->type.len > strlen(text) && memcmp(piece->type.text, text, strlen(text)) == 0;
}

/* Whether the column is empty in a row of r or s: what was not said, and what any call may fill. */
static void put_emptiness(const struct piece *piece, char row)
{
    const char *text = "%r.%c = defaultValueOfTypeName('%t')";
    if (type_begins(piece, "Nullable("))
        text = "isNull(%r.%c)";
    else if (type_begins(piece, "Map(") || type_begins(piece, "Array("))
        text = "empty(%r.%c)";
    else if (gch_name_is(piece->type, "LowCardinality(String)"))
        text = "lower(%r.%c) IN ('', 'default')";
    struct piece named = *piece;
    named.row = row;
    put(&named, text);
}

/* The rows of one id in a batch as one. */
static void put_fold(const struct piece *piece)
{
    if (is_identity(piece))
        return;
    if (gch_name_is(piece->name, "event_ts"))
        put(piece, ", max(r.event_ts) AS %c");
    else if (gch_name_is(piece->name, "deleted_before"))
        put(piece, ", max(r._ended) AS %c");
    else if (is_of_the_call(piece))
        put(piece, ", argMax(r.%c, r.event_ts) AS %c");
    else if (piece->kept)
        put(piece, ", argMin(r.%c, (NOT bitTest(r._set, %b), r.event_ts)) AS %c");
    else if (is_texts_map(piece))
        put(piece, ", arrayFold((a, m) -> mapUpdate(a, m.2), arraySort(m -> m.1, groupArrayIf((r.event_ts, "
                   "CAST(r.%c, 'Map(String, String)')), bitTest(r._set, %b))), CAST(map(), 'Map(String, String)')) "
                   "AS %c");
    else if (gch_name_is(piece->name, "tags"))
        put(piece, ", arrayDistinct(arrayFlatten(arrayMap(t -> t.2, arraySort(t -> t.1, "
                   "groupArrayIf((r.event_ts, r.%c), bitTest(r._set, %b)))))) AS %c");
    else {
        put(piece, ", argMax(r.%c, (bitTest(r._set, %b), bitTest(r._set, %b) OR NOT (");
        put_emptiness(piece, 'r');
        put(piece, "), if(bitTest(r._set, %b), 1, -1) * toUnixTimestamp64Milli(r.event_ts))) AS %c");
    }
}

/* The folded row and the stored one as one. */
static void put_merged(const struct piece *piece)
{
    if (is_identity(piece))
        put(piece, "n.%c");
    else if (gch_name_is(piece->name, "event_ts"))
        put(piece, "greatest(n.%c, s.%c)");
    else if (gch_name_is(piece->name, "deleted_before"))
        put(piece, "greatest(n.%c, if(s.is_deleted = 1, s.event_ts, s.%c))");
    else if (piece->kept)
        put(piece, "if(_found, s.%c, n.%c)");
    else if (is_of_the_call(piece))
        put(piece, "if(_late, s.%c, n.%c)");
    else if (is_texts_map(piece))
        put(piece, "multiIf(NOT _live, n.%c, _late, mapUpdate(n.%c, CAST(s.%c, 'Map(String, String)')), "
                   "mapUpdate(CAST(s.%c, 'Map(String, String)'), n.%c))");
    else if (gch_name_is(piece->name, "tags"))
        put(piece, "if(_live, arrayDistinct(arrayConcat(s.%c, n.%c)), n.%c)");
    else {
        /* A tombstone still says which run it was of, so that the run can be purged. */
        put(piece, gch_name_is(piece->name, "run_id") ? "multiIf(_found AND n.%c = '', s.%c, " : "multiIf(");
        put(piece, "NOT _live, n.%c, (_late OR NOT bitTest(n._bits, %b)) AND NOT (");
        put_emptiness(piece, 's');
        put(piece, "), s.%c, n.%c)");
    }
}

static struct piece piece_of(const struct gch_schema *schema, const struct rule *rule, size_t i, struct gch_buf *sql)
{
    struct piece piece = {sql, schema->names[i], schema->types[i], i, false, 's'};
    for (int k = 0; k < KEPT_MAX && rule->kept[k] != NULL; k++)
        piece.kept = piece.kept || gch_name_is(piece.name, rule->kept[k]);
    return piece;
}

static void put_columns(const struct gch_schema *schema, struct gch_buf *sql)
{
    for (size_t i = 0; i + 1 < schema->count; i++) {
        gch_buf_text(sql, i == 0 ? "" : ", ");
        put_name(sql, schema->names[i]);
    }
}

/* The stored rows that the batch may touch. */
static void put_stored(const struct gch_schema *schema, const struct rule *rule, struct gch_buf *sql)
{
    gch_buf_text(sql, " FROM ");
    put_name(sql, schema->table);
    gch_buf_printf(sql, " WHERE (%s) GLOBAL IN (SELECT %s FROM " GCH_MERGE_ROWS ")", rule->lookup, rule->lookup);
    /* No bound rather than one before 1970: the toDate of the key wraps there, and before 26.3 nothing is found. */
    if (rule->time != NULL)
        gch_buf_printf(sql,
                       " AND ((SELECT min(bitTest(_set, %d)) FROM " GCH_MERGE_ROWS
                       ") = 0 OR %s >= (SELECT min(%s) FROM " GCH_MERGE_ROWS "))",
                       GCH_SET_SINCE, rule->time, rule->time);
}

static void put_merge(const struct gch_schema *schema, const struct rule *rule, struct gch_buf *sql)
{
    gch_buf_text(sql, ") WITH s._is = 1 AS _found, _found AND n.event_ts < s.event_ts AS _late, "
                      "_found AND s.is_deleted = 0 AND (_late OR n._restarts = 0) AS _live SELECT ");
    for (size_t i = 0; i + 1 < schema->count; i++) {
        struct piece piece = piece_of(schema, rule, i, sql);
        gch_buf_text(sql, i == 0 ? "" : ", ");
        put_merged(&piece);
    }
    gch_buf_text(sql, " FROM (SELECT r.project_id AS project_id, r.id AS id, groupBitOr(r._set) AS _bits, "
                      "countIf(r.is_deleted = 1) AS _restarts");
    for (size_t i = 0; i + 1 < schema->count; i++) {
        struct piece piece = piece_of(schema, rule, i, sql);
        put_fold(&piece);
    }
    gch_buf_text(sql, " FROM (SELECT *, maxIf(event_ts, is_deleted = 1) OVER (PARTITION BY project_id, id) AS _ended "
                      "FROM " GCH_MERGE_ROWS ") AS r WHERE r.event_ts >= r._ended GROUP BY r.project_id, r.id) AS n "
                      "LEFT JOIN (SELECT *, 1 AS _is");
    put_stored(schema, rule, sql);
    gch_buf_text(sql, " ORDER BY event_ts DESC LIMIT 1 BY project_id, id) AS s "
                      "ON s.project_id = n.project_id AND s.id = n.id WHERE NOT (_late AND (s.is_deleted = 1 OR "
                      "n.event_ts < s.deleted_before))");
}

static void put_append(const struct gch_schema *schema, const struct rule *rule, struct gch_buf *sql)
{
    gch_buf_text(sql, ") SELECT ");
    put_columns(schema, sql);
    gch_buf_text(sql, " FROM " GCH_MERGE_ROWS " WHERE (project_id, id) NOT IN (SELECT project_id, id");
    put_stored(schema, rule, sql);
    gch_buf_text(sql, ") LIMIT 1 BY project_id, id");
}

enum gch_status gch_merge_put_statement(const struct gch_schema *schema, struct gch_buf *sql)
{
    const struct rule *rule = rule_of(schema);
    if (rule == NULL)
        return GCH_ERR_INVALID;
    gch_buf_text(sql, "INSERT INTO ");
    put_name(sql, schema->table);
    gch_buf_text(sql, " (");
    put_columns(schema, sql);
    if (has_column(schema, "event_ts"))
        put_merge(schema, rule, sql);
    else
        put_append(schema, rule, sql);
    return gch_buf_status(sql);
}

void gch_merge_put_structure(const struct gch_schema *schema, struct gch_buf *url)
{
    for (size_t i = 0; i < schema->count; i++) {
        gch_buf_text(url, i == 0 ? "" : "%2C");
        gch_query_put_encoded(url, schema->names[i].text, schema->names[i].len);
        gch_buf_text(url, "%20");
        gch_query_put_encoded(url, schema->types[i].text, schema->types[i].len);
    }
}
