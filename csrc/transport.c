#include "transport.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <strings.h>

#include "descriptor.h"
#include "query_text.h"
#include "retry.h"

#define TARGET_MAX (1U << 20)
#define POLL_MS    1000

_Static_assert(sizeof(((struct gch_transport *)0)->trouble) >= CURL_ERROR_SIZE, "libcurl writes that many bytes");

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

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    return gch_reply_take_body(context, bytes, size * count) ? size * count : 0;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    return gch_reply_take_header(context, line, size * count) ? size * count : 0;
}

/* ---- set-up ---- */

enum gch_status gch_transport_init(struct gch_transport *transport, struct gch_counters *counters,
                                   uint32_t connect_timeout_ms, uint32_t request_timeout_ms)
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

/* This machine: localhost, a name below it, 127.x.x.x or ::1. */
static bool is_loopback(const char *host)
{
    size_t len = strlen(host);
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return (ntohl(v4.s_addr) >> 24) == 127;
    if (inet_pton(AF_INET6, host, &v6) == 1)
        return IN6_IS_ADDR_LOOPBACK(&v6);
    return strcasecmp(host, "localhost") == 0 || (len > 10 && strcasecmp(host + len - 10, ".localhost") == 0);
}

/* Most of it is libcurl's default; it stands here so that a build with other defaults does not loosen it. */
static void set_trust(struct gch_transport *transport)
{
    CURL *easy = transport->easy;
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transport->trouble);
    if (transport->ca_file != NULL && transport->ca_file[0] != '\0') {
        curl_easy_setopt(easy, CURLOPT_CAINFO, transport->ca_file);
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    }
}

static void set_options(struct gch_transport *transport)
{
    CURL *easy = transport->easy;
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)transport->connect_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)transport->request_timeout_ms);
    curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "genesis_ch");
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transport->headers);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, close_socket);
#if LIBCURL_VERSION_NUM >= 0x074000
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
#endif
    if (is_loopback(transport->url.host))
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    set_trust(transport);
}

enum gch_status gch_transport_connect(struct gch_transport *transport, struct gch_url *url)
{
    disconnect(transport);
    transport->url = *url;
    memset(url, 0, sizeof(*url));
    transport->easy = curl_easy_init();
    bool ok = transport->easy != NULL && add_header(transport, "X-ClickHouse-User: ", transport->url.user) &&
              add_header(transport, transport->url.password[0] != '\0' ? "X-ClickHouse-Key: " : "X-ClickHouse-Key;",
                         transport->url.password) &&
              add_header(transport, "Expect:", "");
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
    case CURLE_SSL_INVALIDCERTSTATUS:
        return GCH_TROUBLE_TLS;
    default:
        return GCH_TROUBLE_SERVER;
    }
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
    const struct gch_buf *bytes = request->body != NULL   ? request->body
                                  : request->form != NULL ? &request->form->bytes
                                                          : NULL;
    const void *body = bytes != NULL ? (const void *)bytes->data : (const void *)request->sql;
    size_t len = bytes != NULL ? bytes->len : strlen(request->sql);
    curl_easy_setopt(transport->easy, CURLOPT_POST, 1L);
    curl_easy_setopt(transport->easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(transport->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
}

/* libcurl's lists hold text that may be changed, and it does not change this one. */
static char *text(const char *line)
{
    return (char *)(uintptr_t)line;
}

/* Seconds are read by reply.c; of the header's other form, a date, libcurl knows how far away it is. */
static void take_retry_date(CURL *easy, struct gch_reply *reply)
{
    curl_off_t seconds = 0;
    if (reply->retry_after_ms != 0 || curl_easy_getinfo(easy, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK)
        return;
    curl_off_t most = GCH_RETRY_AFTER_MAX_MS / 1000;
    if (seconds > 0)
        reply->retry_after_ms = (uint32_t)(seconds < most ? seconds : most) * 1000U;
}

enum gch_status gch_transport_send(struct gch_transport *transport, const struct gch_request *request,
                                   struct gch_reply *reply)
{
    gch_reply_reset(reply);
    reply->wants_empty = request->no_result;
    transport->trouble[0] = '\0';
    CURL *easy = transport->easy;
    const char *target = make_target(transport, request);
    if (easy == NULL || target == NULL)
        return GCH_ERR_NOMEM;
    char content_type[128] = "Content-Type: application/octet-stream";
    if (request->form != NULL)
        (void)snprintf(content_type, sizeof(content_type), "Content-Type: multipart/form-data; boundary=%s",
                       request->form->boundary);
    struct curl_slist type = {content_type, transport->headers};
    struct curl_slist encoded = {text("Content-Encoding: zstd"), &type};
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->body != NULL ? &encoded : &type);
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
        enum gch_trouble trouble = trouble_of_curl(code);
        bool own_words = trouble == GCH_TROUBLE_TLS && transport->trouble[0] != '\0';
        gch_reply_fail(reply, trouble, transport->url.shown, own_words ? transport->trouble : curl_easy_strerror(code));
        return GCH_ERR_REMOTE;
    }
    long http_status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &http_status);
    reply->http_status = (int)http_status;
    take_retry_date(easy, reply);
    return gch_reply_judge(reply, transport->url.shown);
}

void gch_transport_abort(struct gch_transport *transport)
{
    atomic_store(&transport->aborted, true);
    curl_multi_wakeup(transport->multi);
}
