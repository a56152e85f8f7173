/* The way to the server: found or started, spoken to, its tables brought up to date.
 *
 * Not ready -> gch_connection_make -> ready, until the sender meets a failure and sets ready back. Making it again is
 * cheap: a look at the endpoint and one small query. Owner: the sender thread, or whoever made one of its own.
 */
#ifndef GCH_CONNECTION_H
#define GCH_CONNECTION_H

#include "embedded.h"
#include "migrate.h"
#include "notice.h"
#include "place.h"
#include "transport.h"

struct gch_connection {
    struct gch_transport transport;
    struct gch_embedded embedded;
    const struct gch_place *place;
    const struct gch_migrations *migrations;
    const char *cluster;          /* "": the tables are on the server alone */
    const char *url_text;         /* the setting, password and all */
    struct gch_endpoint endpoint; /* of the embedded server that was found last */
    struct gch_notices *notices;
    size_t migrations_applied;
    bool tables_wait;      /* as the last make found: they are not up to date, and that was said */
    bool migration_failed; /* the last make met a table that does not fit */
    bool ready;
};

/* All borrowed; they outlive the connection. */
struct gch_connection_options {
    const struct gch_place *place;
    const struct gch_migrations *migrations;
    struct gch_notices *notices; /* of gch_connection_make, else NULL */
    const struct gch_settings *settings;
    const char *python;
    const char *package_path;
};

enum gch_status gch_connection_init(struct gch_connection *connection, const struct gch_connection_options *options,
                                    struct gch_counters *counters) GCH_MUST_CHECK;
void gch_connection_deinit(struct gch_connection *connection);

/* Finds or starts the server and points the transport at it; its tables are left as they are. Failures are as below,
 * but that no server is asked for anything. */
enum gch_status gch_connection_reach(struct gch_connection *connection, const _Atomic bool *stop,
                                     struct gch_err *err) GCH_MUST_CHECK;

/* Reaches the server and brings its tables up to date. Where that cannot be, because the account may not do it or a
 * migration met what it cannot change twice in a row, a notice says what is to be done, and delivery goes on with the
 * tables that are there. reply is that of the last request; when it says that a table is missing, all migrations are
 * applied again.
 * GCH_OK: ready. GCH_ERR_REMOTE: a server answers, but not as needed; reply says why. GCH_ERR_STOPPED: *stop. Otherwise
 * no embedded server could be found or started; err says why. */
enum gch_status gch_connection_make(struct gch_connection *connection, struct gch_reply *reply,
                                    const _Atomic bool *stop, struct gch_err *err) GCH_MUST_CHECK;

#endif
