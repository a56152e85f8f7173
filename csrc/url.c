#include "url.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "buf.h"

#define HTTP_PORT        8123
#define HTTPS_PORT       8443
#define SCHEME_SHOWN_MAX 16
#define PORT_DIGITS_MAX  5
#define DEFAULT_NAME     "default"

/* A part of the text; nothing is copied before it is decoded. */
struct slice {
    const char *at;
    size_t len;
};

struct parse {
    struct gch_url *url;
    struct gch_err *err;
    struct slice rest; /* what has not been read yet */
    bool stray_at;     /* there is an '@' behind the authority, so a password may have cut it short */
};

static enum gch_status refuse(const struct parse *parse, const char *reason)
{
    const char *hint =
        parse->stray_at ? " (in a user name or password write '/' as %2F, '?' as %3F, '#' as %23 and '@' as %40)" : "";
    return gch_err_set(parse->err, GCH_ERR_INVALID,
                       "the ClickHouse URL is not usable: %s%s; the form is http://user:password@host:port/database",
                       reason, hint);
}

/* Cuts off what stands before the first of the stop characters, which stays in rest. */
static struct slice take_until(struct slice *rest, const char *stops)
{
    size_t len = 0;
    while (len < rest->len && strchr(stops, rest->at[len]) == NULL)
        len++;
    struct slice taken = {rest->at, len};
    rest->at += len;
    rest->len -= len;
    return taken;
}

static void skip(struct slice *rest, size_t len)
{
    rest->at += len;
    rest->len -= len;
}

static bool is(struct slice slice, const char *text)
{
    return slice.len == strlen(text) && strncasecmp(slice.at, text, slice.len) == 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool is_control(char c)
{
    return ((unsigned char)c < 0x20) || c == 0x7F;
}

/* The character at the start of rest, decoded, or -1 where a '%' has no two hexadecimal digits. */
static int take_char(struct slice *rest)
{
    char c = rest->at[0];
    if (c != '%') {
        skip(rest, 1);
        return (unsigned char)c;
    }
    int high = rest->len > 2 ? hex_value(rest->at[1]) : -1;
    int low = high < 0 ? -1 : hex_value(rest->at[2]);
    if (low < 0)
        return -1;
    skip(rest, 3);
    return high * 16 + low;
}

/* The copy is in *out before it is complete, so that gch_url_deinit wipes it whatever happens. */
static enum gch_status decode(const struct parse *parse, struct slice slice, char **out)
{
    *out = calloc(slice.len + 1, 1);
    if (*out == NULL)
        return gch_err_set(parse->err, GCH_ERR_NOMEM, "no memory to read the ClickHouse URL");
    for (char *to = *out; slice.len > 0; to++) {
        int c = take_char(&slice);
        if (c < 0)
            return refuse(parse, "a '%' is not followed by two hexadecimal digits (write '%' itself as %25)");
        if (is_control((char)c))
            return refuse(parse, "a percent-escape stands for a control character");
        *to = (char)c;
    }
    return GCH_OK;
}

static enum gch_status decode_or(const struct parse *parse, struct slice slice, const char *otherwise, char **out)
{
    if (slice.len == 0)
        slice = (struct slice){otherwise, strlen(otherwise)};
    return decode(parse, slice, out);
}

static enum gch_status refuse_scheme(const struct parse *parse, struct slice scheme)
{
    bool harmless = scheme.len > 0 && scheme.len <= SCHEME_SHOWN_MAX;
    for (size_t i = 0; i < scheme.len; i++)
        harmless = harmless && (scheme.at[i] | 32) >= 'a' && (scheme.at[i] | 32) <= 'z';
    if (!harmless)
        return refuse(parse, "it does not start with http:// or https://");
    return gch_err_set(parse->err, GCH_ERR_INVALID,
                       "the ClickHouse URL starts with \"%.*s://\"; it has to be http://, https://, clickhouse:// or "
                       "clickhouses://",
                       (int)scheme.len, scheme.at);
}

static enum gch_status read_scheme(struct parse *parse)
{
    const char *end = memmem(parse->rest.at, parse->rest.len, "://", 3);
    if (end == NULL)
        return refuse(parse, "it does not start with http:// or https://");
    struct slice scheme = {parse->rest.at, (size_t)(end - parse->rest.at)};
    bool plain = is(scheme, "http") || is(scheme, "clickhouse");
    parse->url->tls = is(scheme, "https") || is(scheme, "clickhouses");
    if (!plain && !parse->url->tls)
        return refuse_scheme(parse, scheme);
    skip(&parse->rest, scheme.len + 3);
    return GCH_OK;
}

static enum gch_status read_user(const struct parse *parse, struct slice info)
{
    struct slice user = take_until(&info, ":");
    if (info.len > 0)
        skip(&info, 1);
    enum gch_status status = decode_or(parse, user, DEFAULT_NAME, &parse->url->user);
    return status != GCH_OK ? status : decode(parse, info, &parse->url->password);
}

static enum gch_status read_port(const struct parse *parse, struct slice colon_port)
{
    unsigned long port = 0;
    if (colon_port.len == 0) {
        parse->url->port = parse->url->tls ? HTTPS_PORT : HTTP_PORT;
        return GCH_OK;
    }
    skip(&colon_port, 1);
    for (size_t i = 0; i < colon_port.len && i <= PORT_DIGITS_MAX; i++) {
        unsigned digit = (unsigned char)colon_port.at[i] - (unsigned)'0';
        port = digit <= 9 ? port * 10 + digit : (unsigned long)UINT16_MAX + 1;
    }
    if (colon_port.len > PORT_DIGITS_MAX || port == 0 || port > UINT16_MAX)
        return refuse(parse, "the port is not a number from 1 to 65535");
    parse->url->port = (uint16_t)port;
    return GCH_OK;
}

static bool is_name(const char *text)
{
    for (const char *c = text; *c != '\0'; c++) {
        bool letter = ((*c | 32) >= 'a' && (*c | 32) <= 'z') || (unsigned char)*c >= 0x80;
        if (!letter && !(*c >= '0' && *c <= '9') && strchr("-._", *c) == NULL)
            return false;
    }
    return text[0] != '\0';
}

/* An address may end with a zone: fe80::1%eth0. */
static bool is_ipv6(const char *host)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr parsed;
    size_t len = strcspn(host, "%");
    if (len >= sizeof address || (host[len] != '\0' && !is_name(host + len + 1)))
        return false;
    memcpy(address, host, len);
    address[len] = '\0';
    return inet_pton(AF_INET6, address, &parsed) == 1;
}

static enum gch_status read_ipv6(const struct parse *parse, struct slice authority)
{
    skip(&authority, 1);
    struct slice host = take_until(&authority, "]");
    if (authority.len == 0)
        return refuse(parse, "the ']' behind the IPv6 address is missing");
    skip(&authority, 1);
    enum gch_status status = decode(parse, host, &parse->url->host);
    if (status != GCH_OK)
        return status;
    if (!is_ipv6(parse->url->host))
        return refuse(parse, "what stands in brackets is not an IPv6 address");
    if (authority.len > 0 && authority.at[0] != ':')
        return refuse(parse, "behind the ']' only a port may follow");
    return read_port(parse, authority);
}

static enum gch_status read_host(const struct parse *parse, struct slice authority)
{
    if (authority.len > 0 && authority.at[0] == '[')
        return read_ipv6(parse, authority);
    struct slice host = take_until(&authority, ":");
    if (authority.len > 0 && memchr(authority.at + 1, ':', authority.len - 1) != NULL)
        return refuse(parse, "the host holds more than one ':' (an IPv6 address stands in brackets)");
    if (host.len == 0)
        return refuse(parse, "the host is missing");
    enum gch_status status = decode(parse, host, &parse->url->host);
    if (status != GCH_OK)
        return status;
    if (!is_name(parse->url->host))
        return refuse(parse, "the host name holds a character that no host name has");
    return read_port(parse, authority);
}

/* The last '@' is the one, because people leave those in a password as they are. */
static enum gch_status read_authority(struct parse *parse)
{
    struct slice authority = take_until(&parse->rest, "/?");
    parse->stray_at = memchr(parse->rest.at, '@', parse->rest.len) != NULL;
    struct slice info = {authority.at, 0};
    const char *at = memrchr(authority.at, '@', authority.len);
    if (at != NULL) {
        info.len = (size_t)(at - authority.at);
        skip(&authority, info.len + 1);
    }
    enum gch_status status = read_user(parse, info);
    return status != GCH_OK ? status : read_host(parse, authority);
}

static enum gch_status read_database(struct parse *parse)
{
    struct slice path = take_until(&parse->rest, "?");
    if (path.len > 0)
        skip(&path, 1);
    if (path.len > 0 && path.at[path.len - 1] == '/')
        path.len--;
    if (memchr(path.at, '/', path.len) != NULL || memchr(path.at, '@', path.len) != NULL)
        return refuse(parse, "the path is more than the name of a database");
    return decode_or(parse, path, DEFAULT_NAME, &parse->url->database);
}

/* Whether a name, which may hold percent-escapes, stands for text. */
static bool decodes_to(struct slice name, const char *text)
{
    for (; name.len > 0 && *text != '\0'; text++) {
        if ((take_char(&name) | 32) != *text)
            return false;
    }
    return name.len == 0 && *text == '\0';
}

/* ClickHouse would take these three, but then the password would travel and be logged as a part of the URL. */
static bool is_elsewhere(struct slice name)
{
    return decodes_to(name, "user") || decodes_to(name, "password") || decodes_to(name, "database");
}

static enum gch_status check_setting(const struct parse *parse, struct slice setting)
{
    struct slice rest = setting;
    while (rest.len > 0) {
        if (take_char(&rest) < 0)
            return refuse(parse, "a '%' in the settings is not followed by two hexadecimal digits");
    }
    struct slice name = take_until(&setting, "=");
    if (name.len == 0 || setting.len == 0)
        return refuse(parse, "behind the '?' only settings in the form name=value&name=value may follow");
    if (is_elsewhere(name))
        return refuse(parse, "user, password and database do not belong behind the '?'");
    return GCH_OK;
}

static enum gch_status read_settings(struct parse *parse)
{
    enum gch_status status = GCH_OK;
    if (parse->rest.len > 0)
        skip(&parse->rest, 1);
    parse->url->settings = strndup(parse->rest.at, parse->rest.len);
    if (parse->url->settings == NULL)
        return gch_err_set(parse->err, GCH_ERR_NOMEM, "no memory to read the ClickHouse URL");
    while (parse->rest.len > 0 && status == GCH_OK) {
        struct slice setting = take_until(&parse->rest, "&");
        if (parse->rest.len > 0)
            skip(&parse->rest, 1);
        if (setting.len > 0)
            status = check_setting(parse, setting);
    }
    return status;
}

static void append_encoded(struct gch_buf *buf, const char *text)
{
    char one[2] = {0};
    for (; *text != '\0'; text++) {
        one[0] = *text;
        if (is_name(one))
            gch_buf_byte(buf, (uint8_t)*text);
        else
            gch_buf_printf(buf, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

static void append_host(struct gch_buf *buf, const struct gch_url *url)
{
    bool ipv6 = strchr(url->host, ':') != NULL;
    size_t len = strcspn(url->host, "%");
    gch_buf_text(buf, ipv6 ? "[" : "");
    gch_buf_append(buf, url->host, len);
    append_encoded(buf, url->host + len);
    gch_buf_printf(buf, "%s:%u/", ipv6 ? "]" : "", (unsigned)url->port);
}

static enum gch_status compose(const struct parse *parse)
{
    struct gch_url *url = parse->url;
    struct gch_buf base;
    struct gch_buf shown;
    gch_buf_init(&base, 4 * GCH_URL_MAX);
    gch_buf_init(&shown, 4 * GCH_URL_MAX);
    gch_buf_text(&base, url->tls ? "https://" : "http://");
    gch_buf_text(&shown, url->tls ? "https://" : "http://");
    append_encoded(&shown, url->user);
    gch_buf_byte(&shown, '@');
    append_host(&base, url);
    append_host(&shown, url);
    append_encoded(&shown, url->database);
    const char *base_text = gch_buf_cstr(&base);
    const char *shown_text = gch_buf_cstr(&shown);
    url->base = base_text == NULL ? NULL : strdup(base_text);
    url->shown = shown_text == NULL ? NULL : strdup(shown_text);
    gch_buf_deinit(&base);
    gch_buf_deinit(&shown);
    if (url->base == NULL || url->shown == NULL)
        return gch_err_set(parse->err, GCH_ERR_NOMEM, "no memory to read the ClickHouse URL");
    return GCH_OK;
}

static enum gch_status check_text(const struct parse *parse)
{
    if (parse->rest.len == 0)
        return refuse(parse, "it is empty");
    for (size_t i = 0; i < parse->rest.len; i++) {
        char c = parse->rest.at[i];
        if (is_control(c) || c == ' ')
            return refuse(parse, "it holds a space, a line break or another control character");
        if (c == '#')
            return refuse(parse, "it holds a '#' (write it as %23)");
    }
    return GCH_OK;
}

enum gch_status gch_url_parse(struct gch_url *url, const char *text, struct gch_err *err)
{
    static enum gch_status (*const steps[])(struct parse *) = {read_scheme, read_authority, read_database,
                                                               read_settings};
    *url = (struct gch_url){0};
    size_t len = text == NULL ? 0 : strnlen(text, GCH_URL_MAX + 1);
    if (len > GCH_URL_MAX)
        return gch_err_set(err, GCH_ERR_TOO_BIG, "the ClickHouse URL is longer than %d bytes", GCH_URL_MAX);
    struct parse parse = {.url = url, .err = err, .rest = {text, len}};
    enum gch_status status = check_text(&parse);
    for (size_t i = 0; i < sizeof steps / sizeof *steps && status == GCH_OK; i++)
        status = steps[i](&parse);
    if (status == GCH_OK)
        status = compose(&parse);
    if (status != GCH_OK)
        gch_url_deinit(url);
    return status;
}

static void wipe(char *text)
{
    volatile char *at = text;
    while (at != NULL && *at != '\0')
        *at++ = '\0';
}

void gch_url_deinit(struct gch_url *url)
{
    wipe(url->password);
    free(url->host);
    free(url->user);
    free(url->password);
    free(url->database);
    free(url->settings);
    free(url->base);
    free(url->shown);
    *url = (struct gch_url){0};
}
