#include "transport.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>

#include "descriptor.h"
#include "query_text.h"

#define TARGET_MAX (1U << 20)
#define QUOTED_MAX 300
#define POLL_MS 1000

static const char *const trouble_words[] = {
#define X(kind, word) word,
    GCH_TROUBLE_MAP(X)
#undef X
};

const char *gch_trouble_word(enum gch_trouble trouble)
{
    return trouble_words[trouble];
}

enum gch_status gch_transport_global_init(void)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? GCH_OK : GCH_ERR_NOMEM;
}

const char *gch_transport_library(void)
{
    return curl_version();
}

/* ---- sockets: a forked child closes them without touching libcurl ---- */

static curl_socket_t open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)context;
    (void)purpose;
    int fd = gch_descriptor_socket(address->family, address->socktype, address->protocol);
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int close_socket(void *context, curl_socket_t fd)
{
    (void)context;
    gch_descriptor_close(fd);
    return 0;
}

/* ---- the reply ---- */

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

static void reply_reset(struct gch_reply *reply)
{
    struct gch_buf body = reply->body;
    gch_buf_reset(&body);
    memset(reply, 0, sizeof(*reply));
    reply->body = body;
    reply->written_rows = -1;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct gch_reply *reply = context;
    size_t room = GCH_REPLY_MAX - reply->body.len;
    reply->cut = reply->cut || size * count > room;
    gch_buf_append(&reply->body, bytes, size * count < room ? size * count : room);
    return gch_buf_status(&reply->body) == GCH_OK ? size * count : 0;
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

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct gch_reply *reply = context;
    size_t len = size * count;
    char value[1024];
    if (len > 13 && strncasecmp(line, "X-ClickHouse-", 13) == 0)
        reply->from_clickhouse = true;
    if (header_value(line, len, "X-ClickHouse-Exception-Code", value, sizeof(value)))
        reply->code = (int)strtol(value, NULL, 10);
    else if (header_value(line, len, "X-ClickHouse-Summary", value, sizeof(value)))
        reply->written_rows = summary_written(value);
    else if (header_value(line, len, "Retry-After", value, sizeof(value)))
        reply->retry_after_ms = (uint32_t)(strtoul(value, NULL, 10) % 86400U) * 1000U;
    return len;
}

/* ---- set-up ---- */

enum gch_status gch_transport_init(struct gch_transport *transport, struct gch_counters *counters, uint32_t connect_timeout_ms,
                                   uint32_t request_timeout_ms)
{
    memset(transport, 0, sizeof(*transport));
    transport->counters = counters;
    transport->connect_timeout_ms = connect_timeout_ms;
    transport->request_timeout_ms = request_timeout_ms;
    gch_buf_init(&transport->target, TARGET_MAX);
    transport->multi = curl_multi_init();
    return transport->multi == NULL ? GCH_ERR_NOMEM : GCH_OK;
}

static void disconnect(struct gch_transport *transport)
{
    if (transport->easy != NULL)
        curl_easy_cleanup(transport->easy);
    curl_slist_free_all(transport->headers);
    transport->easy = NULL;
    transport->headers = NULL;
    gch_url_deinit(&transport->url);
}

void gch_transport_deinit(struct gch_transport *transport)
{
    disconnect(transport);
    if (transport->multi != NULL)
        curl_multi_cleanup(transport->multi);
    transport->multi = NULL;
    gch_buf_deinit(&transport->target);
}

static bool add_header(struct gch_transport *transport, const char *name, const char *value)
{
    struct gch_buf line;
    gch_buf_init(&line, GCH_URL_MAX * 2);
    gch_buf_text(&line, name);
    gch_buf_text(&line, value);
    const char *text = gch_buf_cstr(&line);
    struct curl_slist *list = text == NULL ? NULL : curl_slist_append(transport->headers, text);
    gch_buf_deinit(&line);
    if (list != NULL)
        transport->headers = list;
    return list != NULL;
}

static void set_options(struct gch_transport *transport)
{
    CURL *easy = transport->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)transport->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)transport->request_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "genesis_ch");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transport->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
    if (transport->loopback)
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
}

enum gch_status gch_transport_connect(struct gch_transport *transport, struct gch_url *url, bool loopback)
{
    disconnect(transport);
    transport->url = *url;
    memset(url, 0, sizeof(*url));
    transport->loopback = loopback;
    transport->easy = curl_easy_init();
    bool ok = transport->easy != NULL && add_header(transport, "X-ClickHouse-User: ", transport->url.user) &&
              add_header(transport, transport->url.password[0] != '\0' ? "X-ClickHouse-Key: " : "X-ClickHouse-Key;",
                         transport->url.password) &&
              add_header(transport, "Expect:", "") && add_header(transport, "Content-Type: ", "application/octet-stream");
    if (!ok) {
        disconnect(transport);
        return GCH_ERR_NOMEM;
    }
    set_options(transport);
    return GCH_OK;
}

/* ---- one request ---- */

static const char *make_target(struct gch_transport *transport, const struct gch_request *request)
{
    struct gch_buf *target = &transport->target;
    gch_buf_reset(target);
    gch_buf_text(target, transport->url.base);
    gch_buf_text(target, "?send_progress_in_http_headers=0&wait_end_of_query=1");
    if (!request->without_database) {
        gch_buf_text(target, "&database=");
        gch_query_put_encoded(target, transport->url.database, strlen(transport->url.database));
    }
    if (transport->url.settings[0] != '\0') {
        gch_buf_text(target, "&");
        gch_buf_text(target, transport->url.settings);
    }
    if (request->extra != NULL)
        gch_buf_text(target, request->extra);
    if (request->body != NULL) {
        gch_buf_text(target, "&query=");
        gch_query_put_encoded(target, request->sql, strlen(request->sql));
    }
    return gch_buf_cstr(target);
}

static enum gch_trouble trouble_of_curl(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return GCH_TROUBLE_DNS;
    case CURLE_COULDNT_CONNECT:
        return GCH_TROUBLE_REFUSED;
    case CURLE_OPERATION_TIMEDOUT:
        return GCH_TROUBLE_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
        return GCH_TROUBLE_TLS;
    default:
        return GCH_TROUBLE_SERVER;
    }
}

static const char *cure_of(enum gch_trouble trouble)
{
    switch (trouble) {
    case GCH_TROUBLE_DNS:
        return "check the host name in CLICKHOUSE_URL";
    case GCH_TROUBLE_REFUSED:
        return "check host and port in CLICKHOUSE_URL and that the server runs (ClickHouse Cloud wants https and port 8443)";
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

static void explain_curl(struct gch_transport *transport, CURLcode code, struct gch_reply *reply)
{
    reply->curl_code = (int)code;
    reply->http_status = 0;
    reply->code = 0;
    reply->error_class = GCH_CLASS_RETRY;
    reply->trouble = trouble_of_curl(code);
    (void)gch_err_set(&reply->err, GCH_ERR_REMOTE, "no answer from ClickHouse at %s: %s; %s", transport->url.shown,
                      curl_easy_strerror(code), cure_of(reply->trouble));
}

static bool body_has(const struct gch_reply *reply, const char *needle)
{
    return reply->body.len > 0 && memmem(reply->body.data, reply->body.len, needle, strlen(needle)) != NULL;
}

/* A server's text may quote the data that it could not read; so it is cut, and cut at the first line. */
static int quoted_len(const struct gch_reply *reply)
{
    size_t len = 0;
    while (len < reply->body.len && len < QUOTED_MAX && reply->body.data[len] >= ' ')
        len++;
    return (int)len;
}

/* Decides whether the reply is a success, and what a failure is. */
static enum gch_status judge(struct gch_transport *transport, struct gch_reply *reply)
{
    bool code_in_body = reply->body.len >= 6 && memcmp(reply->body.data, "Code: ", 6) == 0;
    if (reply->code == 0 && code_in_body)
        reply->code = (int)strtol((const char *)reply->body.data + 6, NULL, 10);
    bool exception = code_in_body || body_has(reply, "__exception__");
    if (reply->http_status == 200 && reply->code == 0 && !exception && reply->from_clickhouse && !reply->cut) {
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
        return gch_err_set(&reply->err, GCH_ERR_REMOTE,
                           "what answers at %s (HTTP %d) is not ClickHouse; check host, port and proxy in CLICKHOUSE_URL",
                           transport->url.shown, reply->http_status);
    return gch_err_set(&reply->err, GCH_ERR_REMOTE, "ClickHouse at %s answers HTTP %d: %.*s; %s", transport->url.shown,
                       reply->http_status, quoted_len(reply), (const char *)reply->body.data, cure_of(reply->trouble));
}

/* Drives the transfer; the multi interface is there for its wake-up, so that close() never waits for a slow server. */
static enum gch_status run(struct gch_transport *transport, CURLcode *code)
{
    int running = 1;
    while (running > 0) {
        if (atomic_load(&transport->aborted))
            return GCH_ERR_STOPPED;
        if (curl_multi_perform(transport->multi, &running) != CURLM_OK)
            return GCH_ERR_IO;
        if (running > 0)
            (void)curl_multi_poll(transport->multi, NULL, 0, POLL_MS, NULL);
    }
    int left;
    const CURLMsg *message = curl_multi_info_read(transport->multi, &left);
    *code = message != NULL && message->msg == CURLMSG_DONE ? message->data.result : CURLE_RECV_ERROR;
    return GCH_OK;
}

static void set_body(struct gch_transport *transport, const struct gch_request *request)
{
    const void *body = request->body != NULL ? (const void *)request->body->data : (const void *)request->sql;
    size_t len = request->body != NULL ? request->body->len : strlen(request->sql);
    curl_easy_setopt(transport->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(transport->easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(transport->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
}

enum gch_status gch_transport_send(struct gch_transport *transport, const struct gch_request *request, struct gch_reply *reply)
{
    reply_reset(reply);
    CURL *easy = transport->easy;
    const char *target = make_target(transport, request);
    if (easy == NULL || target == NULL)
        return GCH_ERR_NOMEM;
    struct curl_slist encoded = {(char *)(uintptr_t) "Content-Encoding: zstd", transport->headers};
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->body != NULL ? &encoded : transport->headers);
    curl_easy_setopt(easy, CURLOPT_URL, target);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, reply);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, reply);
    set_body(transport, request);
    gch_count(&transport->counters->requests, 1);
    CURLcode code = CURLE_FAILED_INIT;
    enum gch_status status = GCH_ERR_NOMEM;
    if (curl_multi_add_handle(transport->multi, easy) == CURLM_OK) {
        status = run(transport, &code);
        curl_multi_remove_handle(transport->multi, easy);
    }
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transport->headers);
    if (status == GCH_ERR_STOPPED || status == GCH_ERR_NOMEM)
        return status;
    if (code != CURLE_OK) {
        explain_curl(transport, code, reply);
        return GCH_ERR_REMOTE;
    }
    long http_status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http_status);
    reply->http_status = (int)http_status;
    return judge(transport, reply);
}

void gch_transport_abort(struct gch_transport *transport)
{
    atomic_store(&transport->aborted, true);
    curl_multi_wakeup(transport->multi);
}
