/* needs: json_read.c status.c ; libs: libcjson */
#include "json_read.h"

#include "check.h"

static struct gch_endpoint endpoint;
static struct gch_err err;

static enum gch_status read_bytes(const char *text, size_t len)
{
    memset(&endpoint, 0x55, sizeof endpoint);
    err.text[0] = '\0';
    return gch_json_read_endpoint(&endpoint, text, len, &err);
}

static enum gch_status read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void test_endpoint(void)
{
    CHECK_INT(read_text("{\"url\": \"http://127.0.0.1:41234\", \"token\": \"a\\\"b\", \"pid\": 77, \"more\": [1]}\n"),
              GCH_OK);
    CHECK_TEXT(endpoint.url, "http://127.0.0.1:41234");
    CHECK_TEXT(endpoint.token, "a\"b");
    CHECK_INT(endpoint.pid, 77);
}

static void test_every_field_must_be_there(void)
{
    CHECK_INT(read_text("{\"token\": \"t\", \"pid\": 1}"), GCH_ERR_INVALID);
    CHECK(strstr(err.text, "\"url\"") != NULL);
    CHECK_INT(read_text("{\"url\": \"u\", \"pid\": 1}"), GCH_ERR_INVALID);
    CHECK(strstr(err.text, "\"token\"") != NULL);
    CHECK_INT(read_text("{\"url\": \"u\", \"token\": \"t\"}"), GCH_ERR_INVALID);
    CHECK(strstr(err.text, "\"pid\"") != NULL);
    CHECK_INT(read_text("{\"url\": \"\", \"token\": \"t\", \"pid\": 1}"), GCH_ERR_INVALID);
    CHECK_INT(read_text("{\"url\": 1, \"token\": \"t\", \"pid\": 1}"), GCH_ERR_INVALID);
    CHECK_INT(read_text("{\"URL\": \"u\", \"token\": \"t\", \"pid\": 1}"), GCH_ERR_INVALID);
}

static void test_pid(void)
{
    static const char *const wrong[] = {"0", "-1", "1.5", "1e300", "\"7\"", "null", "true"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[100];
        snprintf(text, sizeof text, "{\"url\": \"u\", \"token\": \"t\", \"pid\": %s}", wrong[i]);
        CHECK_INT(read_text(text), GCH_ERR_INVALID);
    }
    CHECK_INT(read_text("{\"url\": \"u\", \"token\": \"t\", \"pid\": 4194304}"), GCH_OK);
    CHECK_INT(endpoint.pid, 4194304);
}

static void test_what_is_not_an_object(void)
{
    static const char *const wrong[] = {
        "", " ", "[]", "null", "7", "{", "{\"url\": \"u\"", "{} x", "{\"url\": \"u\", \"token\": \"t\", \"pid\": 1}}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_INT(read_text(wrong[i]), GCH_ERR_INVALID);
        CHECK(err.text[0] != '\0');
    }
}

static void test_lengths(void)
{
    char text[GCH_ENDPOINT_FILE_MAX + 1];
    const char *head = "{\"token\": \"t\", \"pid\": 1, \"url\": \"";
    memset(text, ' ', sizeof text);
    memcpy(text, head, strlen(head));
    memset(text + strlen(head), 'u', sizeof endpoint.url);
    memcpy(text + strlen(head) + sizeof endpoint.url, "\"}", 2);
    CHECK_INT(read_bytes(text, GCH_ENDPOINT_FILE_MAX), GCH_ERR_INVALID);
    memcpy(text + strlen(head) + sizeof endpoint.url - 1, "\"} ", 3);
    CHECK_INT(read_bytes(text, GCH_ENDPOINT_FILE_MAX), GCH_OK);
    CHECK_INT(strlen(endpoint.url), sizeof endpoint.url - 1);
    CHECK_INT(read_bytes(text, GCH_ENDPOINT_FILE_MAX + 1), GCH_ERR_TOO_BIG);
}

/* No byte behind the length may be looked at; the sanitized build sees to that. */
static void test_text_without_nul(void)
{
    char text[] = {'{', '"', 'u', 'r', 'l', '"', ':', '"', 'u', '"', '}'};
    for (size_t len = 0; len <= sizeof text; len++)
        CHECK_INT(read_bytes(text, len), GCH_ERR_INVALID);
}

CHECK_MAIN(test_endpoint, test_every_field_must_be_there, test_pid, test_what_is_not_an_object, test_lengths,
           test_text_without_nul)
