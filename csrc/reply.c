#include "reply.h"

#include <limits.h>
#include <stdlib.h>
#include <strings.h>

#include "server_text.h"

#define QUOTED_MAX        300
#define RETRY_AFTER_MAX_S 86400UL

static const char *const trouble_words[] = {
#define X(kind, word) word,
    GCH_TROUBLE_MAP(X)
#undef X
};

const char *gch_trouble_word(enum gch_trouble trouble)
{
    return trouble_words[trouble];
}

static void forget_headers(struct gch_reply *reply)
{
    reply->code = 0;
    reply->retry_after_ms = 0;
    reply->written_rows = -1;
    reply->from_clickhouse = false;
    reply->headers_whole = false;
    reply->length = -1;
    reply->lengths_differ = false;
}

void gch_reply_init(struct gch_reply *reply)
{
    memset(reply, 0, sizeof(*reply));
    gch_buf_init(&reply->body, GCH_REPLY_MAX);
    forget_headers(reply);
}

void gch_reply_deinit(struct gch_reply *reply)
{
    gch_buf_deinit(&reply->body);
}

void gch_reply_reset(struct gch_reply *reply)
{
    struct gch_buf body = reply->body;
    gch_buf_reset(&body);
    memset(reply, 0, sizeof(*reply));
    reply->body = body;
    forget_headers(reply);
}

bool gch_reply_take_body(struct gch_reply *reply, const void *bytes, size_t len)
{
    size_t room = GCH_REPLY_MAX - reply->body.len;
    reply->cut = reply->cut || len > room;
    gch_buf_append(&reply->body, bytes, len < room ? len : room);
    return gch_buf_status(&reply->body) == GCH_OK;
}

/* Copies the value of header `name` when this line is it. */
static bool header_value(const char *line, size_t len, const char *name, char *value, size_t room)
{
    size_t name_len = strlen(name);
    if (len <= name_len || strncasecmp(line, name, name_len) != 0 || line[name_len] != ':')
        return false;
    size_t from = name_len + 1;
    while (from < len && (line[from] == ' ' || line[from] == '\t'))
        from++;
    while (len > from && (line[len - 1] == '\r' || line[len - 1] == '\n' || line[len - 1] == ' '))
        len--;
    size_t copy = len - from < room - 1 ? len - from : room - 1;
    memcpy(value, line + from, copy);
    value[copy] = '\0';
    return true;
}

/* {"read_rows":"0",...,"written_rows":"3",...}: the one number is cut out as it stands. */
static int64_t summary_written(const char *summary)
{
    static const char key[] = "\"written_rows\":\"";
    const char *at = strstr(summary, key);
    return at == NULL ? -1 : strtoll(at + sizeof(key) - 1, NULL, 10);
}

/* Seconds; a date is passed over. */
static uint32_t retry_after_ms(const char *value)
{
    unsigned long seconds = strtoul(value, NULL, 10);
    return (uint32_t)(seconds < RETRY_AFTER_MAX_S ? seconds : RETRY_AFTER_MAX_S) * 1000U;
}

/* Two lengths mean that somebody on the way takes the answer for another one than we do. */
static void take_length(struct gch_reply *reply, const char *value)
{
    char *end;
    long long length = strtoll(value, &end, 10);
    bool sound = end != value && *end == '\0' && length >= 0;
    reply->lengths_differ = reply->lengths_differ || !sound || (reply->length >= 0 && reply->length != length);
    reply->length = length;
}

/* A code that is no positive number is one that we do not know, and never none. */
static int exception_code(const char *value)
{
    long code = strtol(value, NULL, 10);
    return code > 0 && code <= INT_MAX ? (int)code : GCH_CODE_UNREADABLE;
}

static void take_line(struct gch_reply *reply, const char *line, size_t len)
{
    char value[1024];
    if (header_value(line, len, "X-ClickHouse-Exception-Code", value, sizeof(value)))
        reply->code = exception_code(value);
    else if (header_value(line, len, "X-ClickHouse-Query-Id", value, sizeof(value)))
        reply->from_clickhouse = true;
    else if (header_value(line, len, "Retry-After", value, sizeof(value)))
        reply->retry_after_ms = retry_after_ms(value);
    else if (header_value(line, len, "Content-Length", value, sizeof(value)))
        take_length(reply, value);
    else if (header_value(line, len, "X-ClickHouse-Summary", value, sizeof(value))) {
        reply->written_rows = summary_written(value);
        reply->from_clickhouse = true;
    }
}

bool gch_reply_take_header(struct gch_reply *reply, const char *line, size_t len)
{
    reply->header_bytes += len;
    if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0)
        forget_headers(reply);
    else if (len > 0 && (line[0] == '\r' || line[0] == '\n'))
        reply->headers_whole = true;
    else
        take_line(reply, line, len);
    return reply->header_bytes <= GCH_REPLY_HEADERS_MAX;
}

static const char *cure_of(enum gch_trouble trouble)
{
    switch (trouble) {
    case GCH_TROUBLE_DNS:
        return "check the host name in CLICKHOUSE_URL";
    case GCH_TROUBLE_REFUSED:
        return "check host and port in CLICKHOUSE_URL and that the server runs (ClickHouse Cloud wants https and port "
               "8443)";
    case GCH_TROUBLE_TIMEOUT:
        return "check host, port and firewall";
    case GCH_TROUBLE_TLS:
        return "check that the port speaks https with a certificate for this host, and name a CA of your own with "
               "ca_file (GENESIS_CH_CA_FILE)";
    case GCH_TROUBLE_AUTH:
        return "check user and password in CLICKHOUSE_URL";
    case GCH_TROUBLE_SCHEMA:
        return "run `genesis-ch migrate`, or compare the table with sql/migrations";
    default:
        return "see the server's log";
    }
}

void gch_reply_fail(struct gch_reply *reply, enum gch_trouble trouble, const char *shown, const char *what)
{
    reply->http_status = 0;
    reply->code = 0;
    reply->from_clickhouse = false;
    reply->error_class = GCH_CLASS_RETRY;
    reply->trouble = trouble;
    (void)gch_err_set(&reply->err, GCH_ERR_REMOTE, "no answer from ClickHouse at %s: %s; %s", shown, what,
                      cure_of(trouble));
}

static bool body_has(const struct gch_reply *reply, const char *needle)
{
    return reply->body.len > 0 && memmem(reply->body.data, reply->body.len, needle, strlen(needle)) != NULL;
}

/* The code of a body that starts with "Code: ", which has no NUL behind it. */
static int body_code(const struct gch_reply *reply)
{
    char digits[16] = {0};
    size_t len = reply->body.len - 6;
    memcpy(digits, reply->body.data + 6, len < sizeof(digits) - 1 ? len : sizeof(digits) - 1);
    return exception_code(digits);
}

/* Only for the words: servers behind some proxies say what failed without the headers of a success. */
static bool is_clickhouse(const struct gch_reply *reply)
{
    return reply->from_clickhouse || reply->code != 0;
}

/* Decides whether the reply is a success, and what a failure is. */
enum gch_status gch_reply_judge(struct gch_reply *reply, const char *shown)
{
    bool code_in_body = reply->body.len >= 6 && memcmp(reply->body.data, "Code: ", 6) == 0;
    if (reply->code == 0 && code_in_body)
        reply->code = body_code(reply);
    bool exception = code_in_body || body_has(reply, "__exception__");
    bool body_fits = !reply->cut && !reply->lengths_differ && (!reply->wants_empty || reply->body.len == 0);
    if (reply->http_status == 200 && reply->headers_whole && reply->code == 0 && !exception && reply->from_clickhouse &&
        body_fits) {
        reply->error_class = GCH_CLASS_NONE;
        return GCH_OK;
    }
    reply->error_class = gch_error_classify(reply->code, reply->http_status);
    if (reply->error_class == GCH_CLASS_NONE)
        reply->error_class = GCH_CLASS_RETRY;
    reply->trouble = reply->error_class == GCH_CLASS_AUTH     ? GCH_TROUBLE_AUTH
                     : reply->error_class == GCH_CLASS_SCHEMA ? GCH_TROUBLE_SCHEMA
                                                              : GCH_TROUBLE_SERVER;
    if (reply->http_status >= 300 && reply->http_status < 400)
        return gch_err_set(
            &reply->err, GCH_ERR_REMOTE,
            "what answers at %s sends elsewhere (HTTP %d), where password and rows do not follow; put the "
            "server's own address into CLICKHOUSE_URL",
            shown, reply->http_status);
    if (!is_clickhouse(reply))
        return gch_err_set(
            &reply->err, GCH_ERR_REMOTE,
            "what answers at %s (HTTP %d) is not ClickHouse; check host, port and proxy in CLICKHOUSE_URL", shown,
            reply->http_status);
    struct gch_buf text;
    gch_buf_init(&text, GCH_SERVER_TEXT_MAX);
    gch_server_text_put(&text, reply->body.data, reply->body.len, !reply->cut, QUOTED_MAX);
    (void)gch_err_set(&reply->err, GCH_ERR_REMOTE, "ClickHouse at %s answers HTTP %d: %.*s; %s", shown,
                      reply->http_status, (int)text.len, (const char *)text.data, cure_of(reply->trouble));
    gch_buf_deinit(&text);
    return GCH_ERR_REMOTE;
}
