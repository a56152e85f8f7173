/* needs: reply.c server_text.c error_class.c buf.c utf8.c status.c */
#include "reply.h"

#include "check.h"
#include "utf8.h"

static struct gch_reply reply;

static void take_headers(const char *headers)
{
    for (const char *at = headers; *at != '\0';) {
        size_t line = strcspn(at, "\n") + 1;
        CHECK(gch_reply_take_header(&reply, at, line));
        at += line;
    }
}

/* A reply as the transport would hand it over, judged. headers: lines that end with \n. */
static enum gch_status judge(int http_status, const char *headers, const char *body, size_t len)
{
    if (reply.body.cap == 0)
        gch_reply_init(&reply);
    gch_reply_reset(&reply);
    take_headers("HTTP/1.1 200 OK\r\n");
    take_headers(headers);
    take_headers("\r\n");
    CHECK(gch_reply_take_body(&reply, body, len));
    reply.http_status = http_status;
    return gch_reply_judge(&reply, "http://u@h:8123/d");
}

static enum gch_status judge_text(int http_status, const char *headers, const char *body)
{
    return judge(http_status, headers, body, strlen(body));
}

#define OURS "X-ClickHouse-Query-Id: q\r\n"

static void test_success(void)
{
    CHECK_INT(judge_text(200, OURS, ""), GCH_OK);
    CHECK_INT(reply.error_class, GCH_CLASS_NONE);
    CHECK_INT(judge_text(200, "x-clickhouse-summary: {\"read_rows\":\"1\",\"written_rows\":\"42\"}\r\n", ""), GCH_OK);
    CHECK_INT(reply.written_rows, 42);
    CHECK_INT(judge_text(200, OURS, "0001_evolution\n"), GCH_OK);
    CHECK_INT(reply.written_rows, -1);
}

/* Each looks like a success to a careless reader. */
static void test_false_success(void)
{
    static const struct {
        int http_status;
        const char *headers;
        const char *body;
    } shapes[] = {
        {200, "", ""},
        {200, "X-ClickHouse-User: default\r\nX-ClickHouse-Key: k\r\n", ""},
        {200, "X-ClickHouse-Format: TSV\r\n", ""},
        {200, OURS "X-ClickHouse-Exception-Code: 0\r\n", ""},
        {200, OURS "X-ClickHouse-Exception-Code: -3\r\n", ""},
        {200, OURS "X-ClickHouse-Exception-Code: x\r\n", ""},
        {200, OURS, "Code: "},
        {200, OURS "Content-Length: 0\r\nContent-Length: 1\r\n", ""},
        {200, OURS "Content-Length: -1\r\n", ""},
        {200, OURS "Content-Length: none\r\n", ""},
        {200, OURS "\r\nHTTP/1.1 200 OK\r\n", ""},
        {200, "Content-Type: text/html\r\n", "<html>log in to the network</html>"},
        {200, OURS "X-ClickHouse-Exception-Code: 60\r\n", ""},
        {200, OURS "X-ClickHouse-Exception-Code: 0\r\n", ""},
        {200, OURS "X-ClickHouse-Exception-Code: 4294967296\r\n", ""},
        {200, OURS "X-ClickHouse-Exception-Code: yes\r\n", ""},
        {200, OURS, "Code: 241. DB::Exception: Memory limit exceeded"},
        {200, OURS, "1\t2\n__exception__\r\nCode: 159. DB::Exception: Timeout"},
        {204, OURS, ""},
        {206, OURS, ""},
        {202, OURS, ""},
        {302, OURS "Location: http://elsewhere/\r\n", ""},
        {100, OURS, ""},
        {0, "", ""},
        {502, "", "<html>Bad Gateway</html>"},
    };
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        CHECK_INT(judge_text(shapes[i].http_status, shapes[i].headers, shapes[i].body), GCH_ERR_REMOTE);
        CHECK(reply.error_class != GCH_CLASS_NONE);
        CHECK(reply.err.text[0] != '\0');
    }
}

/* A statement without a result has no body, whatever it says, and every answer has an end of its headers. */
static void test_whole_and_empty(void)
{
    gch_reply_reset(&reply);
    reply.http_status = 200;
    take_headers("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n" OURS);
    CHECK_INT(gch_reply_judge(&reply, "s"), GCH_ERR_REMOTE);
    take_headers("\r\n");
    CHECK_INT(gch_reply_judge(&reply, "s"), GCH_OK);
    reply.wants_empty = true;
    CHECK_INT(gch_reply_judge(&reply, "s"), GCH_OK);
    CHECK(gch_reply_take_body(&reply, "\n", 1));
    CHECK_INT(gch_reply_judge(&reply, "s"), GCH_ERR_REMOTE);
    CHECK_INT(reply.error_class, GCH_CLASS_RETRY);
    CHECK_INT(judge_text(200, OURS, "\n"), GCH_OK);
    take_headers("X-ClickHouse-Exception-Code: 241\r\n");
    CHECK_INT(gch_reply_judge(&reply, "s"), GCH_ERR_REMOTE);
    CHECK_INT(reply.error_class, GCH_CLASS_SPLIT);
}

static void test_headers_have_a_cap(void)
{
    static const char line[] = "X-Filler: 0123456789012345678901234567890123456789\r\n";
    gch_reply_reset(&reply);
    size_t taken = 0;
    while (gch_reply_take_header(&reply, line, sizeof(line) - 1))
        taken += sizeof(line) - 1;
    CHECK(taken <= GCH_REPLY_HEADERS_MAX && taken + sizeof(line) > GCH_REPLY_HEADERS_MAX);
}

static void test_classes(void)
{
    CHECK_INT(judge_text(401, OURS "X-ClickHouse-Exception-Code: 516\r\n", "Code: 516."), GCH_ERR_REMOTE);
    CHECK_INT(reply.error_class, GCH_CLASS_AUTH);
    CHECK_INT(reply.trouble, GCH_TROUBLE_AUTH);
    CHECK_INT(judge_text(404, OURS, "Code: 60. DB::Exception: no table"), GCH_ERR_REMOTE);
    CHECK_INT(reply.code, 60);
    CHECK_INT(reply.error_class, GCH_CLASS_SCHEMA);
    CHECK_INT(judge_text(400, OURS, "Code: 469. DB::Exception: constraint"), GCH_ERR_REMOTE);
    CHECK_INT(reply.error_class, GCH_CLASS_REJECT);
    CHECK_INT(judge_text(413, "", ""), GCH_ERR_REMOTE);
    CHECK_INT(reply.error_class, GCH_CLASS_SPLIT);
    CHECK_INT(judge_text(503, "", ""), GCH_ERR_REMOTE);
    CHECK_INT(reply.error_class, GCH_CLASS_RETRY);
}

static void test_retry_after(void)
{
    static const struct {
        const char *header;
        uint32_t ms;
    } cases[] = {
        {"Retry-After: 7\r\n", 7000},
        {"retry-after:0\r\n", 0},
        {"Retry-After: 86400\r\n", 86400000},
        {"Retry-After: 99999999999\r\n", 86400000},
        {"Retry-After: Wed, 21 Oct 2026 07:28:00 GMT\r\n", 0},
        {"Retry-After-Not: 7\r\n", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)!judge_text(503, cases[i].header, "");
        CHECK_INT(reply.retry_after_ms, cases[i].ms);
    }
}

/* The server's words are cut at the first line, and are valid UTF-8 wherever they are cut. */
static void test_words(void)
{
    CHECK_INT(judge_text(400, OURS, "Code: 27. DB::Exception: x\nsecret row"), GCH_ERR_REMOTE);
    CHECK(strstr(reply.err.text, "DB::Exception: x... (CANNOT_PARSE_INPUT_ASSERTION_FAILED);") != NULL);
    CHECK(strstr(reply.err.text, "secret") == NULL);
    char body[400] = "Code: 27. ";
    for (size_t i = 10; i + 2 < sizeof(body); i += 2)
        memcpy(body + i, "\xc3\xa9", 2);
    CHECK_INT(judge(400, OURS, body, 399), GCH_ERR_REMOTE);
    struct gch_buf text;
    gch_buf_init(&text, 4096);
    CHECK_INT(gch_utf8_from_bytes(&text, (const uint8_t *)reply.err.text, strlen(reply.err.text)), 0);
    gch_buf_deinit(&text);
}

static void test_long_body(void)
{
    static char body[GCH_REPLY_MAX + 1];
    memset(body, 'x', sizeof(body));
    CHECK_INT(judge(200, OURS, body, sizeof(body)), GCH_ERR_REMOTE);
    CHECK_INT(reply.body.len, GCH_REPLY_MAX);
    memcpy(body, "Code: 60. ", 10);
    CHECK_INT(judge(404, OURS, body, sizeof(body)), GCH_ERR_REMOTE);
    CHECK_INT(reply.error_class, GCH_CLASS_SCHEMA);
    gch_reply_deinit(&reply);
}

CHECK_MAIN(test_success, test_false_success, test_whole_and_empty, test_headers_have_a_cap, test_classes,
           test_retry_after, test_words, test_long_body)
