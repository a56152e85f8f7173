/* needs: url.c status.c buf.c */
#include "url.h"

#include <stdlib.h>

#include "check.h"

#define SECRET "s3cret"

struct want {
    const char *text;
    bool tls;
    const char *host;
    unsigned port;
    const char *user;
    const char *password;
    const char *database;
    const char *settings;
    const char *base;
    const char *shown;
};

static void check_good(const struct want *want)
{
    struct gch_url url;
    struct gch_err err = {""};
    if (!check_count(gch_url_parse(&url, want->text, &err) == GCH_OK, __FILE__, __LINE__, want->text)) {
        printf("    %s\n", err.text);
        return;
    }
    CHECK_INT(url.tls, want->tls);
    CHECK_TEXT(url.host, want->host);
    CHECK_INT(url.port, want->port);
    CHECK_TEXT(url.user, want->user);
    CHECK_TEXT(url.password, want->password);
    CHECK_TEXT(url.database, want->database);
    CHECK_TEXT(url.settings, want->settings);
    CHECK_TEXT(url.base, want->base);
    CHECK_TEXT(url.shown, want->shown);
    gch_url_deinit(&url);
    gch_url_deinit(&url);
    CHECK(url.password == NULL);
}

#define D "default"

static void test_defaults(void)
{
    static const struct want rows[] = {
        {"http://h", false, "h", 8123, D, "", D, "", "http://h:8123/", "http://default@h:8123/default"},
        {"https://h", true, "h", 8443, D, "", D, "", "https://h:8443/", "https://default@h:8443/default"},
        {"clickhouse://h", false, "h", 8123, D, "", D, "", "http://h:8123/", "http://default@h:8123/default"},
        {"CLICKHOUSES://h", true, "h", 8443, D, "", D, "", "https://h:8443/", "https://default@h:8443/default"},
        {"http://h/", false, "h", 8123, D, "", D, "", "http://h:8123/", "http://default@h:8123/default"},
        {"http://h?a=1", false, "h", 8123, D, "", D, "a=1", "http://h:8123/", "http://default@h:8123/default"},
        {"http://h/?", false, "h", 8123, D, "", D, "", "http://h:8123/", "http://default@h:8123/default"},
        {"http://@h", false, "h", 8123, D, "", D, "", "http://h:8123/", "http://default@h:8123/default"},
        {"http://:p@h", false, "h", 8123, D, "p", D, "", "http://h:8123/", "http://default@h:8123/default"},
        {"http://me@h", false, "h", 8123, "me", "", D, "", "http://h:8123/", "http://me@h:8123/default"},
        {"http://me:@h", false, "h", 8123, "me", "", D, "", "http://h:8123/", "http://me@h:8123/default"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_good(&rows[i]);
}

static void test_all_parts(void)
{
    static const struct want rows[] = {
        {"http://u:p@ch.example:9000/db?a=1&b=%20x", false, "ch.example", 9000, "u", "p", "db", "a=1&b=%20x",
         "http://ch.example:9000/", "http://u@ch.example:9000/db"},
        {"http://u%40x:p%3A%2F%40%25@h:1/my%20db/", false, "h", 1, "u@x", "p:/@%", "my db", "", "http://h:1/",
         "http://u%40x@h:1/my%20db"},
        {"http://u:p@q:r@s@h:65535/db/", false, "h", 65535, "u", "p@q:r@s", "db", "", "http://h:65535/",
         "http://u@h:65535/db"},
        {"http://u:a:b@h", false, "h", 8123, "u", "a:b", D, "", "http://h:8123/", "http://u@h:8123/default"},
        {"http://c_h-1.x/a%2Fb", false, "c_h-1.x", 8123, D, "", "a/b", "", "http://c_h-1.x:8123/",
         "http://default@c_h-1.x:8123/a%2Fb"},
        {"http://u:p@h/d?note=a@b", false, "h", 8123, "u", "p", "d", "note=a@b", "http://h:8123/", "http://u@h:8123/d"},
        {"http://u:p+q@h", false, "h", 8123, "u", "p+q", D, "", "http://h:8123/", "http://u@h:8123/default"},
        {"http://\xC3\xBC:p\xC3\xA4@h/\xC3\xB6", false, "h", 8123, "\xC3\xBC", "p\xC3\xA4", "\xC3\xB6", "",
         "http://h:8123/", "http://\xC3\xBC@h:8123/\xC3\xB6"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_good(&rows[i]);
}

static void test_ipv6(void)
{
    static const struct want rows[] = {
        {"http://[::1]", false, "::1", 8123, D, "", D, "", "http://[::1]:8123/", "http://default@[::1]:8123/default"},
        {"https://u:p@[2001:db8::2]:9440/db", true, "2001:db8::2", 9440, "u", "p", "db", "",
         "https://[2001:db8::2]:9440/", "https://u@[2001:db8::2]:9440/db"},
        {"http://[fe80::1%25eth0]:1/", false, "fe80::1%eth0", 1, D, "", D, "", "http://[fe80::1%25eth0]:1/",
         "http://default@[fe80::1%25eth0]:1/default"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        check_good(&rows[i]);
}

/* Every bad URL has to say what is wrong with it and to keep the password to itself. */
static void check_bad(const char *text, const char *says)
{
    struct gch_url url;
    struct gch_err err = {""};
    enum gch_status status = gch_url_parse(&url, text, &err);
    check_int(__FILE__, __LINE__, text, status, GCH_ERR_INVALID);
    if (!check_count(strstr(err.text, says) != NULL, __FILE__, __LINE__, text))
        printf("    \"%s\" does not say \"%s\"\n", err.text, says);
    CHECK(strstr(err.text, "http://") != NULL);
    CHECK(strstr(err.text, SECRET) == NULL);
    CHECK(url.password == NULL && url.host == NULL && url.base == NULL);
    gch_url_deinit(&url);
}

static void test_scheme_errors(void)
{
    check_bad("", "empty");
    check_bad(NULL, "empty");
    check_bad("localhost:8123", "does not start with");
    check_bad("//localhost", "does not start with");
    check_bad("http:/localhost", "does not start with");
    check_bad("u:" SECRET "@localhost", "does not start with");
    check_bad("u:" SECRET "@localhost://", "does not start with");
    check_bad("htp://u:" SECRET "@localhost", "\"htp://\"");
    check_bad("://localhost", "does not start with");
    check_bad("tcp://h:9000", "\"tcp://\"");
}

static void test_host_and_port_errors(void)
{
    check_bad("http://", "host is missing");
    check_bad("http:///db", "host is missing");
    check_bad("http://:8123/", "host is missing");
    check_bad("http://u:" SECRET "@:8123/", "host is missing");
    check_bad("http://u:" SECRET "@h:", "port");
    check_bad("http://u:" SECRET "@h:0", "port");
    check_bad("http://h:65536", "port");
    check_bad("http://h:4294975419", "port");
    check_bad("http://h:123456", "port");
    check_bad("http://h:00008123", "port");
    check_bad("http://h:81x", "port");
    check_bad("http://h:-1", "port");
    check_bad("http://h:+1", "port");
    check_bad("http://h%20x", "host name");
    check_bad("http://h%2Fx", "host name");
    check_bad("http://a,b", "host name");
    check_bad("http://::1:8123", "brackets");
    check_bad("http://[::1", "']'");
    check_bad("http://[::1]8123", "only a port");
    check_bad("http://[::1]:x", "port");
    check_bad("http://[hello]", "not an IPv6 address");
    check_bad("http://[]", "not an IPv6 address");
    check_bad("http://[::1%25]", "not an IPv6 address");
    check_bad("http://[::1%25a/b]", "missing");
}

static void test_escape_errors(void)
{
    check_bad("http://u:" SECRET "%@h", "hexadecimal");
    check_bad("http://u:" SECRET "%4@h", "hexadecimal");
    check_bad("http://u:" SECRET "%zz@h", "hexadecimal");
    check_bad("http://u%:" SECRET "@h", "hexadecimal");
    check_bad("http://h/db%2", "hexadecimal");
    check_bad("http://h/?a=%g1", "hexadecimal");
    check_bad("http://u:" SECRET "%00@h", "control character");
    check_bad("http://u:" SECRET "%0d%0aX-Evil%3A1@h", "control character");
    check_bad("http://h/db%7F", "control character");
}

static void test_other_errors(void)
{
    check_bad("http://h\n", "line break");
    check_bad(" http://h", "space");
    check_bad("http://u:" SECRET "\t@h", "control character");
    check_bad("http://u:#" SECRET "@h", "%23");
    check_bad("http://u:1/" SECRET "@h/db", "name of a database");
    check_bad("http://u:1/" SECRET "@h", "%2F");
    check_bad("http://u:a/" SECRET "@h", "%2F");
    check_bad("http://u:" SECRET "?@h", "%3F");
    check_bad("http://h/a/b", "name of a database");
    check_bad("http://h/?" SECRET, "name=value");
    check_bad("http://h/?a=1&=" SECRET, "name=value");
    check_bad("http://h/?user=u", "do not belong");
    check_bad("http://h/?a=1&password=" SECRET, "do not belong");
    check_bad("http://h/?database=d", "do not belong");
    check_bad("http://h/?p%61ss%57ord=" SECRET, "do not belong");
    check_bad("http://h/?%75ser=u", "do not belong");
}

static void test_length(void)
{
    char text[GCH_URL_MAX + 2];
    struct gch_url url;
    struct gch_err err;
    memset(text, 'd', sizeof text);
    memcpy(text, "http://h/", 9);
    text[GCH_URL_MAX + 1] = '\0';
    CHECK_INT(gch_url_parse(&url, text, &err), GCH_ERR_TOO_BIG);
    text[GCH_URL_MAX] = '\0';
    CHECK_INT(gch_url_parse(&url, text, &err), GCH_OK);
    CHECK_INT(strlen(url.database), GCH_URL_MAX - 9);
    gch_url_deinit(&url);
    memset(text, 0xFF, GCH_URL_MAX);
    memcpy(text, "http://", 7);
    memcpy(text + GCH_URL_MAX - 2, "@h", 2);
    CHECK_INT(gch_url_parse(&url, text, NULL), GCH_OK);
    gch_url_deinit(&url);
}

/* Whatever the bytes, the answer is a status and nothing is leaked or overrun; the sanitized build watches. */
static void test_random_text(void)
{
    static const char alphabet[] = "htps:/@[]%?&=#2Fa1 ._-\x01\xC3";
    unsigned good = 0;
    uint32_t random = 7;
    for (unsigned i = 0; i < 200000; i++) {
        char text[32] = "http://";
        for (size_t at = i % 8; at < sizeof text - 1; at++) {
            random = random * 1664525u + 1013904223u;
            text[at] = alphabet[(random >> 16) % (sizeof alphabet)];
        }
        struct gch_url url;
        good += gch_url_parse(&url, text, NULL) == GCH_OK;
        gch_url_deinit(&url);
    }
    CHECK(good > 100);
}

CHECK_MAIN(test_defaults, test_all_parts, test_ipv6, test_scheme_errors, test_host_and_port_errors, test_escape_errors,
           test_other_errors, test_length, test_random_text)
