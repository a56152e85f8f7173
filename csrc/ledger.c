#include "ledger.h"

#include <stdio.h>
#include <stdlib.h>

#define CODE_UNKNOWN_TABLE       60
#define CODE_UNKNOWN_DATABASE    81
#define CODE_QUERY_IS_PROHIBITED 392
#define CODE_ACCESS_DENIED       497

/* A ledger of release 0.1 lacks a column, so the columns are not named. */
#define LEDGER_QUERY "SELECT version(), *\nFROM " GCH_LEDGER_TABLE " FINAL\nORDER BY name\nFORMAT TabSeparated"

bool gch_code_is_refusal(int code)
{
    return code == CODE_ACCESS_DENIED || code == CODE_QUERY_IS_PROHIBITED;
}

enum gch_status gch_ledger_read(struct gch_ledger *ledger, struct gch_transport *transport, struct gch_reply *reply)
{
    struct gch_request request = {.sql = LEDGER_QUERY};
    memset(ledger, 0, sizeof(*ledger));
    enum gch_status status = gch_transport_send(transport, &request, reply);
    if (status == GCH_OK) {
        gch_release_take(&transport->release, reply->body.data, reply->body.len);
        return gch_ledger_parse(ledger, reply->body.data, reply->body.len);
    }
    if (status != GCH_ERR_REMOTE)
        return status;
    gch_release_take_error(&transport->release, reply->body.data, reply->body.len);
    ledger->no_database = reply->code == CODE_UNKNOWN_DATABASE;
    ledger->no_table = ledger->no_database || reply->code == CODE_UNKNOWN_TABLE;
    ledger->unreadable = gch_code_is_refusal(reply->code);
    return ledger->no_table || ledger->unreadable ? GCH_OK : status;
}

/* Cuts the field off at *at, up to a tab or the end of the line; *at moves behind the tab. */
static void take_field(const uint8_t **at, const uint8_t *line_end, char *field, size_t room)
{
    const uint8_t *tab = memchr(*at, '\t', (size_t)(line_end - *at));
    const uint8_t *end = tab == NULL ? line_end : tab;
    (void)snprintf(field, room, "%.*s", (int)(end - *at), (const char *)*at);
    *at = tab == NULL ? line_end : tab + 1;
}

static enum gch_status add_entry(struct gch_ledger *ledger, const struct gch_ledger_entry *entry)
{
    if (ledger->count >= GCH_LEDGER_ENTRIES_MAX)
        return GCH_ERR_INVALID;
    struct gch_ledger_entry *entries = realloc(ledger->entries, (ledger->count + 1) * sizeof(*entries));
    if (entries == NULL)
        return GCH_ERR_NOMEM;
    entries[ledger->count] = *entry;
    ledger->entries = entries;
    ledger->count += 1;
    return GCH_OK;
}

enum gch_status gch_ledger_parse(struct gch_ledger *ledger, const uint8_t *text, size_t len)
{
    const uint8_t *at = text;
    const uint8_t *end = len == 0 ? text : text + len;
    enum gch_status status = GCH_OK;
    memset(ledger, 0, sizeof(*ledger));
    ledger->no_state = true;
    while (at < end && status == GCH_OK) {
        const uint8_t *line_end = memchr(at, '\n', (size_t)(end - at));
        if (line_end == NULL)
            return GCH_ERR_INVALID;
        struct gch_ledger_entry entry;
        char version[GCH_RELEASE_TEXT_MAX];
        char state[16];
        take_field(&at, line_end, version, sizeof(version));
        take_field(&at, line_end, entry.name, sizeof(entry.name));
        take_field(&at, line_end, entry.applied_at, sizeof(entry.applied_at));
        take_field(&at, line_end, state, sizeof(state));
        entry.undoing = strcmp(state, "undoing") == 0;
        ledger->no_state = state[0] == '\0';
        if (strcmp(state, "undone") != 0)
            status = add_entry(ledger, &entry);
        at = line_end + 1;
    }
    return status;
}

void gch_ledger_deinit(struct gch_ledger *ledger)
{
    free(ledger->entries);
    memset(ledger, 0, sizeof(*ledger));
}

void gch_ledger_forget(struct gch_ledger *ledger)
{
    ledger->count = 0;
    ledger->unreadable = true;
}

const struct gch_ledger_entry *gch_ledger_find(const struct gch_ledger *ledger, const char *name)
{
    for (size_t i = 0; i < ledger->count; i++) {
        if (strcmp(ledger->entries[i].name, name) == 0)
            return &ledger->entries[i];
    }
    return NULL;
}

bool gch_ledger_has_applied(const struct gch_ledger *ledger, const char *name)
{
    const struct gch_ledger_entry *entry = gch_ledger_find(ledger, name);
    return entry != NULL && !entry->undoing;
}

void gch_ledger_put_create(struct gch_buf *sql)
{
    gch_buf_text(sql, "CREATE TABLE IF NOT EXISTS " GCH_LEDGER_TABLE "\n"
                      "(\n"
                      "    name String,\n"
                      "    applied_at DateTime64(3) DEFAULT now64(3),\n"
                      "    state String DEFAULT 'applied'\n"
                      ")\n"
                      "ENGINE = ReplacingMergeTree(applied_at)\n"
                      "ORDER BY name");
}

void gch_ledger_put_state_column(struct gch_buf *sql)
{
    gch_buf_text(sql, "ALTER TABLE " GCH_LEDGER_TABLE "\n    ADD COLUMN IF NOT EXISTS state String DEFAULT 'applied'");
}

void gch_ledger_put_row(struct gch_buf *sql, const char *name, const char *state)
{
    gch_buf_printf(sql, "INSERT INTO " GCH_LEDGER_TABLE " (name, state)\nSELECT '%s', '%s'", name, state);
}
