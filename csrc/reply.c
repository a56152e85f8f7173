#include "reply.h"

#include <limits.h>
#include <stdlib.h>
#include <strings.h>

#include "utf8.h"

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

void gch_reply_init(struct gch_reply *reply)
{
    memset(reply, 0, sizeof(*reply));
    gch_buf_init(&reply->body, GCH_REPLY_MAX);
    reply->written_rows = -1;
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
    reply->written_rows = -1;
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

/* The header alone says that the request failed, also one whose number cannot be read. */
static void take_code(struct gch_reply *reply, const char *value)
{
    long code = strtol(value, NULL, 10);
    reply->exception = true;
    reply->code = code > 0 && code <= INT_MAX ? (int)code : 0;
}

void gch_reply_take_header(struct gch_reply *reply, const char *line, size_t len)
{
    char value[1024];
    if (len > 13 && strncasecmp(line, "X-ClickHouse-", 13) == 0)
        reply->from_clickhouse = true;
    if (header_value(line, len, "X-ClickHouse-Exception-Code", value, sizeof(value)))
        take_code(reply, value);
    else if (header_value(line, len, "X-ClickHouse-Summary", value, sizeof(value)))
        reply->written_rows = summary_written(value);
    else if (header_value(line, len, "Retry-After", value, sizeof(value)))
        reply->retry_after_ms = retry_after_ms(value);
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
        return "check that the port speaks https and that its certificate is valid for this host";
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

/* A server's text may quote the data that it could not read; so it is cut, at the first line and at QUOTED_MAX bytes,
 * and it may be any bytes. */
static void quote(const struct gch_reply *reply, struct gch_buf *text)
{
    size_t len = 0;
    while (len < reply->body.len && len < QUOTED_MAX && reply->body.data[len] >= ' ')
        len++;
    gch_buf_init(text, QUOTED_MAX * 4);
    (void)gch_utf8_from_bytes(text, reply->body.data, len);
}

/* Decides whether the reply is a success, and what a failure is. */
enum gch_status gch_reply_judge(struct gch_reply *reply, const char *shown)
{
    const char *body = gch_buf_cstr(&reply->body);
    bool code_in_body = body != NULL && strncmp(body, "Code: ", 6) == 0;
    if (reply->code == 0 && code_in_body)
        reply->code = (int)strtol(body + 6, NULL, 10);
    bool exception = reply->exception || body == NULL || code_in_body || body_has(reply, "__exception__");
    if (reply->http_status == 200 && !exception && reply->from_clickhouse && !reply->cut) {
        reply->error_class = GCH_CLASS_NONE;
        return GCH_OK;
    }
    reply->error_class = gch_error_classify(reply->code, reply->http_status);
    if (reply->error_class == GCH_CLASS_NONE)
        reply->error_class = GCH_CLASS_RETRY;
    reply->trouble = reply->error_class == GCH_CLASS_AUTH     ? GCH_TROUBLE_AUTH
                     : reply->error_class == GCH_CLASS_SCHEMA ? GCH_TROUBLE_SCHEMA
                                                              : GCH_TROUBLE_SERVER;
    if (!reply->from_clickhouse)
        return gch_err_set(
            &reply->err, GCH_ERR_REMOTE,
            "what answers at %s (HTTP %d) is not ClickHouse; check host, port and proxy in CLICKHOUSE_URL", shown,
            reply->http_status);
    struct gch_buf text;
    quote(reply, &text);
    (void)gch_err_set(&reply->err, GCH_ERR_REMOTE, "ClickHouse at %s answers HTTP %d: %.*s; %s", shown,
                      reply->http_status, (int)text.len, (const char *)text.data, cure_of(reply->trouble));
    gch_buf_deinit(&text);
    return GCH_ERR_REMOTE;
}
