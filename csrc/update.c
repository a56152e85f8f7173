#include "update.h"

#include <inttypes.h>
#include <stdio.h>

#include "rowbinary.h"
#include "tables.h"
#include "utf8.h"

struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

void gch_update_put(struct gch_buf *buf, const struct gch_update *update)
{
    gch_rb_i32(buf, update->total_generations);
    gch_rb_i64(buf, update->at_ms);
    gch_rb_i64(buf, update->end_time_ms);
    gch_rb_i64(buf, update->version_us);
    gch_rb_u32(buf, (uint32_t)update->run_id_len);
    gch_rb_u32(buf, (uint32_t)update->status_len);
    gch_rb_u32(buf, (uint32_t)update->error_len);
    gch_buf_append(buf, update->run_id, update->run_id_len);
    gch_buf_append(buf, update->status, update->status_len);
    gch_buf_append(buf, update->error, update->error_len);
}

static enum gch_status get(struct cursor *cursor, void *to, size_t len)
{
    if ((size_t)(cursor->end - cursor->at) < len)
        return GCH_ERR_INVALID;
    memcpy(to, cursor->at, len);
    cursor->at += len;
    return GCH_OK;
}

static enum gch_status get_text(struct cursor *cursor, const char **text, size_t len)
{
    if ((size_t)(cursor->end - cursor->at) < len)
        return GCH_ERR_INVALID;
    *text = (const char *)cursor->at;
    cursor->at += len;
    return GCH_OK;
}

enum gch_status gch_update_get(struct gch_update *update, const uint8_t *bytes, size_t len)
{
    struct cursor cursor = {bytes, bytes + len};
    uint32_t lens[3];
    if (get(&cursor, &update->total_generations, 4) != GCH_OK || get(&cursor, &update->at_ms, 8) != GCH_OK ||
        get(&cursor, &update->end_time_ms, 8) != GCH_OK || get(&cursor, &update->version_us, 8) != GCH_OK ||
        get(&cursor, lens, sizeof(lens)) != GCH_OK)
        return GCH_ERR_INVALID;
    update->run_id_len = lens[0];
    update->status_len = lens[1];
    update->error_len = lens[2];
    if (get_text(&cursor, &update->run_id, lens[0]) != GCH_OK ||
        get_text(&cursor, &update->status, lens[1]) != GCH_OK || get_text(&cursor, &update->error, lens[2]) != GCH_OK)
        return GCH_ERR_INVALID;
    return GCH_OK;
}

/* What an update sets; every other column is copied from the stored row. */
static const struct {
    const char *column;
    const char *expression;
} changes[] = {
    {"end_time", "if({end_time:Int64} < 0, end_time, fromUnixTimestamp64Milli({end_time:Int64}))"},
    {"status", "if({status:String} = '', status, {status:String})"},
    {"total_generations", "if({total_generations:Int32} < 0, total_generations, {total_generations:Int32})"},
    {"heartbeat_at", "fromUnixTimestamp64Milli({at:Int64})"},
    {"error", "if({error:String} = '', error, {error:String})"},
    {"_ts", "fromUnixTimestamp64Micro({version:Int64})"},
};

#define CHANGES (sizeof(changes) / sizeof(changes)[0])

static const char *expression_of(const char *column)
{
    for (size_t i = 0; i < CHANGES; i++) {
        if (strcmp(changes[i].column, column) == 0)
            return changes[i].expression;
    }
    return column;
}

void gch_update_put_insert(struct gch_buf *sql)
{
    const struct gch_table *table = gch_table_get(GCH_TABLE_evolution_runs);
    gch_buf_text(sql, "INSERT INTO evolution_runs (");
    for (size_t i = 0; i < table->column_count; i++)
        gch_buf_printf(sql, "%s%s", i == 0 ? "" : ", ", table->columns[i].name);
    gch_buf_text(sql, ") SELECT ");
    for (size_t i = 0; i < table->column_count; i++)
        gch_buf_printf(sql, "%s%s", i == 0 ? "" : ", ", expression_of(table->columns[i].name));
    gch_buf_text(sql, " FROM evolution_runs FINAL WHERE run_id = {run_id:String}");
}

void gch_update_put_mutation(struct gch_buf *sql)
{
    gch_buf_text(sql, "ALTER TABLE evolution_runs UPDATE ");
    for (size_t i = 0; i + 1 < CHANGES; i++)
        gch_buf_printf(sql, "%s%s = %s", i == 0 ? "" : ", ", changes[i].column, changes[i].expression);
    gch_buf_text(sql, " WHERE run_id = {run_id:String}");
}

void gch_update_put_plain_version(struct gch_buf *sql)
{
    gch_buf_text(sql, "ALTER TABLE evolution_runs MODIFY COLUMN event_ts DateTime64(6) DEFAULT _ts");
}

static size_t cut(const char *text, size_t len)
{
    return len <= GCH_UPDATE_TEXT_MAX ? len : gch_utf8_floor((const uint8_t *)text, GCH_UPDATE_TEXT_MAX);
}

static void put_number(struct gch_multipart *form, const char *name, int64_t number)
{
    char text[24];
    int len = snprintf(text, sizeof(text), "%" PRId64, number);
    gch_multipart_put_parameter(form, name, text, (size_t)len);
}

void gch_update_put_parameters(struct gch_multipart *form, const struct gch_update *update)
{
    gch_multipart_put_parameter(form, "run_id", update->run_id, update->run_id_len);
    gch_multipart_put_parameter(form, "status", update->status, cut(update->status, update->status_len));
    gch_multipart_put_parameter(form, "error", update->error, cut(update->error, update->error_len));
    put_number(form, "total_generations", update->total_generations);
    put_number(form, "at", update->at_ms);
    put_number(form, "end_time", update->end_time_ms);
    put_number(form, "version", update->version_us);
}
