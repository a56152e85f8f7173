#include "connection.h"

#include <stdio.h>

#define CODE_UNKNOWN_TABLE 60

enum gch_status gch_connection_init(struct gch_connection *connection, const struct gch_connection_options *options,
                                    struct gch_counters *counters)
{
    const struct gch_settings *settings = options->settings;
    memset(connection, 0, sizeof(*connection));
    connection->place = options->place;
    connection->migrations = options->migrations;
    connection->notices = options->notices;
    connection->url_text = settings->text[GCH_OPTION_url];
    /* The embedded server is none of a cluster. */
    connection->cluster = options->place->mode == GCH_MODE_EMBEDDED ? "" : settings->text[GCH_OPTION_cluster];
    enum gch_status status =
        gch_transport_init(&connection->transport, counters, gch_settings_ms(settings, GCH_OPTION_connect_timeout),
                           gch_settings_ms(settings, GCH_OPTION_request_timeout));
    connection->transport.ca_file = options->place->ca_file;
    if (status == GCH_OK && options->place->mode == GCH_MODE_EMBEDDED)
        status = gch_embedded_init(&connection->embedded, options->place->home, options->python, options->package_path,
                                   (unsigned)settings->number[GCH_OPTION_server_idle], counters);
    return status;
}

void gch_connection_deinit(struct gch_connection *connection)
{
    gch_transport_deinit(&connection->transport);
    gch_embedded_deinit(&connection->embedded);
}

static enum gch_status find_server(struct gch_connection *connection, struct gch_url *url, const _Atomic bool *stop,
                                   struct gch_err *err)
{
    if (connection->place->mode != GCH_MODE_EMBEDDED)
        return gch_url_parse(url, connection->url_text, err);
    enum gch_status status = gch_embedded_ensure(&connection->embedded, url, stop, err);
    if (status != GCH_OK)
        return status;
    struct gch_endpoint *endpoint = &connection->endpoint;
    (void)snprintf(endpoint->url, sizeof(endpoint->url), "%s", url->base);
    (void)snprintf(endpoint->token, sizeof(endpoint->token), "%s", url->password);
    return GCH_OK;
}

enum gch_status gch_connection_reach(struct gch_connection *connection, const _Atomic bool *stop, struct gch_err *err)
{
    struct gch_url url = {0};
    enum gch_status status = find_server(connection, &url, stop, err);
    if (status == GCH_OK)
        status = gch_transport_connect(&connection->transport, &url);
    gch_url_deinit(&url);
    return status;
}

static void note_release(struct gch_connection *connection)
{
    char remark[GCH_ERR_TEXT_MAX];
    if (gch_release_remark(&connection->transport.release, remark, sizeof(remark)))
        gch_notice_post(connection->notices, GCH_CAUSE_RELEASE, remark);
}

static void note_tables(struct gch_connection *connection, const struct gch_err *trouble)
{
    bool now = trouble->text[0] != '\0';
    if (now && !connection->tables_wait)
        gch_notice_post(connection->notices, GCH_CAUSE_SCHEMA, trouble->text);
    else if (!now && connection->tables_wait)
        gch_notice_resolve(connection->notices, GCH_CAUSE_SCHEMA);
    connection->tables_wait = now;
}

/* A migration that meets what it cannot change, twice in a row, must not hold up the rows of all other tables. */
static bool can_do_without(struct gch_connection *connection, enum gch_status status, const struct gch_reply *reply)
{
    bool failed = status == GCH_ERR_REMOTE && reply->error_class == GCH_CLASS_SCHEMA;
    bool again = failed && connection->migration_failed;
    connection->migration_failed = failed;
    return again;
}

enum gch_status gch_connection_make(struct gch_connection *connection, struct gch_reply *reply,
                                    const _Atomic bool *stop, struct gch_err *err)
{
    /* The reply is still that of the statement that failed; the ledger does not know what somebody dropped. */
    bool again = reply->code == CODE_UNKNOWN_TABLE;
    enum gch_status status = gch_connection_reach(connection, stop, err);
    if (status != GCH_OK)
        return status;
    size_t applied;
    struct gch_err trouble;
    status = gch_migrations_apply(connection->migrations, &connection->transport, connection->cluster, again, reply,
                                  &applied, &trouble);
    connection->migrations_applied += applied;
    note_release(connection);
    if (can_do_without(connection, status, reply)) {
        trouble = reply->err;
        status = GCH_OK;
    }
    if (status == GCH_OK)
        note_tables(connection, &trouble);
    connection->ready = status == GCH_OK;
    return status;
}
