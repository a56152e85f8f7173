/* HTTP to one ClickHouse server: libcurl lives here and nowhere else.
 *
 * One connection, kept alive. No redirects, no cookies, no .netrc, no change of protocol or address that a server asks
 * for; the password travels in a header, never in a URL, and the rows in a body. https is TLS 1.2 or later with a
 * certificate that is valid for the host; before that is known nothing is sent. The proxy that the environment names is
 * used, but never for a loopback address. What a reply means is decided in reply.c.
 *
 * Threads: everything by the sender, except gch_transport_abort (any thread).
 */
#ifndef GCH_TRANSPORT_H
#define GCH_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "buf.h"
#include "counters.h"
#include "multipart.h"
#include "release.h"
#include "reply.h"
#include "url.h"

struct gch_request {
    const char *sql;                  /* not used with form */
    const char *extra;                /* "&setting=value..." put behind the query string, or NULL */
    const struct gch_buf *body;       /* zstd, with sql in the URL; NULL: sql, or the form, is the body */
    const struct gch_multipart *form; /* statement, parameters and rows; or NULL */
    bool without_database;            /* for CREATE DATABASE */
    bool no_result;                   /* an INSERT: an answer with a body is none of ClickHouse's */
};

struct gch_transport {
    struct gch_url url;
    void *easy;  /* CURL */
    void *multi; /* CURLM */
    void *headers;
    struct gch_buf target;
    uint32_t connect_timeout_ms;
    uint32_t request_timeout_ms;
    const char *ca_file;        /* borrowed, set once; NULL or "": the system's certificates */
    struct gch_release release; /* of the server, as the connection found it */
    char trouble[256];          /* libcurl's own words about the last failure (CURL_ERROR_SIZE) */
    _Atomic bool aborted;
    struct gch_counters *counters;
};

/* Call once a process before the first transport, from a thread that holds the GIL. */
enum gch_status gch_transport_global_init(void) GCH_MUST_CHECK;

/* The library behind it and its version, for people. */
const char *gch_transport_library(void);

enum gch_status gch_transport_init(struct gch_transport *transport, struct gch_counters *counters,
                                   uint32_t connect_timeout_ms, uint32_t request_timeout_ms) GCH_MUST_CHECK;
void gch_transport_deinit(struct gch_transport *transport);

/* Points it at a server; a change of address closes the old connection. Takes the url. */
enum gch_status gch_transport_connect(struct gch_transport *transport, struct gch_url *url) GCH_MUST_CHECK;

/* Sends and waits. GCH_OK: done, the reply's body is what the query returned. GCH_ERR_REMOTE: it failed, the reply says
 * how. GCH_ERR_STOPPED: gch_transport_abort ended it. */
enum gch_status gch_transport_send(struct gch_transport *transport, const struct gch_request *request,
                                   struct gch_reply *reply) GCH_MUST_CHECK;

/* Ends the running request and every later one at once. */
void gch_transport_abort(struct gch_transport *transport);

#endif
