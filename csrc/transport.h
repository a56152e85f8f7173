/* HTTP to one ClickHouse server: libcurl lives here and nowhere else.
 *
 * One connection, kept alive. No redirects, no cookies, no .netrc; the password travels in a header, never in a URL. Of a reply
 * GCH_REPLY_MAX bytes are kept. Stored means: status 200, an X-ClickHouse header (a captive portal has none), no exception code, and no
 * exception in the body.
 *
 * Threads: everything by the sender, except gch_transport_abort (any thread).
 */
#ifndef GCH_TRANSPORT_H
#define GCH_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "buf.h"
#include "counters.h"
#include "error_class.h"
#include "url.h"

#define GCH_REPLY_MAX (64U << 10)

/* Why there was no usable reply. X(kind, word for the caller) */
#define GCH_TROUBLE_MAP(X)                                                                                             \
    X(NONE, "none")                                                                                                    \
    X(DISABLED, "disabled")                                                                                            \
    X(URL, "url")                                                                                                      \
    X(DNS, "dns")                                                                                                      \
    X(REFUSED, "refused")                                                                                              \
    X(TIMEOUT, "timeout")                                                                                              \
    X(TLS, "tls")                                                                                                      \
    X(AUTH, "auth")                                                                                                    \
    X(SCHEMA, "schema")                                                                                                \
    X(SERVER, "server")                                                                                                \
    X(EMBEDDED, "embedded")                                                                                            \
    X(OUTBOX, "outbox")

enum gch_trouble {
#define X(kind, word) GCH_TROUBLE_##kind,
    GCH_TROUBLE_MAP(X)
#undef X
};

const char *gch_trouble_word(enum gch_trouble trouble);

struct gch_request {
    const char *sql;
    const char *extra;       /* "&setting=value..." put behind the query string, or NULL */
    const struct gch_buf *body; /* zstd, with sql in the URL; NULL: sql is the body */
    bool without_database;   /* for CREATE DATABASE */
};

struct gch_reply {
    int http_status; /* 0: none came */
    int code;        /* ClickHouse's error code, 0: none */
    int curl_code;
    enum gch_error_class error_class;
    enum gch_trouble trouble;
    uint32_t retry_after_ms;
    int64_t written_rows; /* -1: the server did not say */
    bool from_clickhouse;
    bool cut; /* the body was longer than GCH_REPLY_MAX; its rest was thrown away */
    struct gch_buf body;
    struct gch_err err; /* one sentence when it failed */
};

struct gch_transport {
    struct gch_url url;
    void *easy;  /* CURL */
    void *multi; /* CURLM */
    void *headers;
    struct gch_buf target;
    uint32_t connect_timeout_ms;
    uint32_t request_timeout_ms;
    bool loopback; /* never through a proxy */
    _Atomic bool aborted;
    struct gch_counters *counters;
};

/* Call once a process before the first transport, from a thread that holds the GIL. */
enum gch_status gch_transport_global_init(void) GCH_MUST_CHECK;

/* The library behind it and its version, for people. */
const char *gch_transport_library(void);

enum gch_status gch_transport_init(struct gch_transport *transport, struct gch_counters *counters, uint32_t connect_timeout_ms,
                                   uint32_t request_timeout_ms) GCH_MUST_CHECK;
void gch_transport_deinit(struct gch_transport *transport);

/* Points it at a server; a change of address closes the old connection. Takes the url. */
enum gch_status gch_transport_connect(struct gch_transport *transport, struct gch_url *url, bool loopback) GCH_MUST_CHECK;

void gch_reply_init(struct gch_reply *reply);
void gch_reply_deinit(struct gch_reply *reply);

/* Sends and waits. GCH_OK: done, the reply's body is what the query returned. GCH_ERR_REMOTE: it failed, the reply says how.
 * GCH_ERR_STOPPED: gch_transport_abort ended it. */
enum gch_status gch_transport_send(struct gch_transport *transport, const struct gch_request *request,
                                   struct gch_reply *reply) GCH_MUST_CHECK;

/* Ends the running request and every later one at once. */
void gch_transport_abort(struct gch_transport *transport);

#endif
