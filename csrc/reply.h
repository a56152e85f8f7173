/* A server's reply, and the judgement on it.
 *
 * GCH_REPLY_MAX bytes of it are kept. A success is: status 200, whole headers, among them X-ClickHouse-Query-Id or
 * X-ClickHouse-Summary (ClickHouse sends both with every answer to a query; a captive portal, a web server or one that
 * echoes a request has neither), no exception code, no `__exception__` in the body, no body that starts with `Code: `,
 * none that is longer than what is kept, and none at all where the statement has no result.
 * Everything else is a failure with a class, a kind of trouble and one sentence. Free of libcurl, so that tests can
 * feed it any bytes. Owner: the sender thread.
 */
#ifndef GCH_REPLY_H
#define GCH_REPLY_H

#include <stdbool.h>

#include "buf.h"
#include "error_class.h"

#define GCH_REPLY_MAX         (64U << 10)
#define GCH_REPLY_HEADERS_MAX (256U << 10) /* bytes of all header lines; ClickHouse sends about one KiB */

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

struct gch_reply {
    int http_status; /* 0: none came */
    int code;        /* ClickHouse's error code, 0: none */
    enum gch_error_class error_class;
    enum gch_trouble trouble;
    uint32_t retry_after_ms;
    int64_t written_rows; /* -1: the server did not say */
    bool from_clickhouse;
    size_t header_bytes;
    int64_t length; /* of Content-Length, -1: none */
    bool lengths_differ;
    bool headers_whole; /* the empty line behind them came */
    bool wants_empty;   /* set by the caller after reset: a body is not an answer to this statement */
    bool cut;           /* the body was longer than GCH_REPLY_MAX; its rest was thrown away */
    struct gch_buf body;
    struct gch_err err; /* one sentence when it failed */
};

void gch_reply_init(struct gch_reply *reply);
void gch_reply_deinit(struct gch_reply *reply);
void gch_reply_reset(struct gch_reply *reply);

/* Takes one header line, with or without its line end: a status line first, an empty one last. Those of an interim
 * answer (1xx) are forgotten when the next status line comes; a trailer counts as a header. False: there are too many.
 */
bool gch_reply_take_header(struct gch_reply *reply, const char *line, size_t len);

/* Takes a piece of the body. False: no memory. */
bool gch_reply_take_body(struct gch_reply *reply, const void *bytes, size_t len);

/* Decides what the whole reply is; shown names the server in the sentence. GCH_OK or GCH_ERR_REMOTE. */
enum gch_status gch_reply_judge(struct gch_reply *reply, const char *shown) GCH_MUST_CHECK;

/* There was no reply: notes the trouble, with what the transport says about it. */
void gch_reply_fail(struct gch_reply *reply, enum gch_trouble trouble, const char *shown, const char *what);

#endif
