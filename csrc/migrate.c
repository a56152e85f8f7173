#include "migrate.h"

#include <stdio.h>
#include <stdlib.h>

#include "query_text.h"

#define LEDGER                "genesis_schema_migrations"
#define STATEMENT_MAX         (1U << 20)
#define CODE_UNKNOWN_DATABASE 81

enum gch_status gch_migrations_add(struct gch_migrations *migrations, const char *name, const char *sql)
{
    if (migrations->count >= GCH_MIGRATIONS_MAX)
        return GCH_ERR_TOO_BIG;
    struct gch_migration *list = realloc(migrations->list, (migrations->count + 1) * sizeof(*list));
    if (list == NULL)
        return GCH_ERR_NOMEM;
    migrations->list = list;
    struct gch_migration *added = &list[migrations->count];
    added->name = strdup(name);
    added->sql = strdup(sql);
    migrations->count += 1;
    return added->name != NULL && added->sql != NULL ? GCH_OK : GCH_ERR_NOMEM;
}

void gch_migrations_deinit(struct gch_migrations *migrations)
{
    for (size_t i = 0; i < migrations->count; i++) {
        free(migrations->list[i].name);
        free(migrations->list[i].sql);
    }
    free(migrations->list);
    memset(migrations, 0, sizeof(*migrations));
}

static enum gch_status run(struct gch_transport *transport, const char *sql, struct gch_reply *reply)
{
    struct gch_request request = {.sql = sql};
    return gch_transport_send(transport, &request, reply);
}

static enum gch_status make_database(struct gch_transport *transport, struct gch_reply *reply)
{
    struct gch_buf sql;
    gch_buf_init(&sql, STATEMENT_MAX);
    gch_buf_text(&sql, "CREATE DATABASE IF NOT EXISTS ");
    gch_query_put_identifier(&sql, transport->url.database, strlen(transport->url.database));
    const char *text = gch_buf_cstr(&sql);
    struct gch_request request = {.sql = text, .without_database = true};
    enum gch_status status = text == NULL ? GCH_ERR_NOMEM : gch_transport_send(transport, &request, reply);
    gch_buf_deinit(&sql);
    return status;
}

static enum gch_status make_ledger(struct gch_transport *transport, struct gch_reply *reply)
{
    return run(transport,
               "CREATE TABLE IF NOT EXISTS " LEDGER " (name String, applied_at DateTime64(3) DEFAULT now64(3)) "
               "ENGINE = ReplacingMergeTree(applied_at) ORDER BY name",
               reply);
}

/* The ledger's reply is one name a line; names are ours and hold no escapes. */
static bool in_ledger(const struct gch_buf *ledger, const char *name)
{
    size_t len = strlen(name);
    const uint8_t *at = ledger->data;
    size_t left = ledger->len;
    while (left > 0) {
        const uint8_t *line_end = memchr(at, '\n', left);
        size_t line = line_end == NULL ? left : (size_t)(line_end - at);
        if (line == len && memcmp(at, name, len) == 0)
            return true;
        size_t step = line_end == NULL ? left : line + 1;
        at += step;
        left -= step;
    }
    return false;
}

/* A statement ends at a semicolon that ends its line. */
static const char *statement_end(const char *sql)
{
    const char *end = strstr(sql, ";\n");
    return end == NULL ? sql + strlen(sql) : end;
}

static enum gch_status run_file(struct gch_transport *transport, const struct gch_migration *migration,
                                struct gch_reply *reply)
{
    struct gch_buf sql;
    gch_buf_init(&sql, STATEMENT_MAX);
    enum gch_status status = GCH_OK;
    const char *at = migration->sql;
    while (status == GCH_OK && *at != '\0') {
        const char *end = statement_end(at);
        gch_buf_reset(&sql);
        gch_buf_append(&sql, at, (size_t)(end - at));
        const char *text = gch_buf_cstr(&sql);
        if (text == NULL)
            status = GCH_ERR_NOMEM;
        else if (text[strspn(text, " \n")] != '\0')
            status = run(transport, text, reply);
        at = *end == '\0' ? end : end + 2;
    }
    gch_buf_deinit(&sql);
    return status;
}

static enum gch_status write_ledger(struct gch_transport *transport, const char *name, struct gch_reply *reply)
{
    char sql[256];
    (void)snprintf(sql, sizeof(sql), "INSERT INTO " LEDGER " (name) SELECT '%s'", name);
    return run(transport, sql, reply);
}

enum gch_status gch_migrations_apply(const struct gch_migrations *migrations, struct gch_transport *transport,
                                     struct gch_reply *reply, size_t *applied)
{
    *applied = 0;
    enum gch_status status = make_ledger(transport, reply);
    if (status == GCH_ERR_REMOTE && reply->code == CODE_UNKNOWN_DATABASE) {
        status = make_database(transport, reply);
        if (status == GCH_OK)
            status = make_ledger(transport, reply);
    }
    if (status == GCH_OK)
        status = run(transport, "SELECT DISTINCT name FROM " LEDGER " FORMAT TabSeparated", reply);
    if (status != GCH_OK)
        return status;
    struct gch_buf ledger;
    gch_buf_init(&ledger, GCH_REPLY_MAX);
    gch_buf_append(&ledger, reply->body.data, reply->body.len);
    for (size_t i = 0; i < migrations->count && status == GCH_OK; i++) {
        if (in_ledger(&ledger, migrations->list[i].name))
            continue;
        status = run_file(transport, &migrations->list[i], reply);
        if (status == GCH_OK)
            status = write_ledger(transport, migrations->list[i].name, reply);
        if (status == GCH_OK)
            *applied += 1;
    }
    gch_buf_deinit(&ledger);
    return status;
}
