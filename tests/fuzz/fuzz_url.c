/* needs: url.c buf.c status.c utf8.c */
/* Any URL: it is refused with a sentence, or taken apart into what can be put together again; the password shows
 * nowhere.
 *
 * The first NUL of the input stands for a password that would be known again.
 */
#include "fuzz.h"

#include <ctype.h>

#include "buf.h"
#include "url.h"

static const char canary[] = "S3cr3tC4nary";

/* As text for gch_url_parse: the canary in the place of the first NUL, the end at the second. */
static char *text_of(const uint8_t *data, size_t size)
{
    const uint8_t *hole = size == 0 ? NULL : memchr(data, '\0', size);
    if (hole == NULL)
        return fuzz_text(data, size);
    size_t before = (size_t)(hole - data);
    size_t behind = size - before - 1;
    char *text = malloc(before + sizeof canary + behind);
    FUZZ_CHECK(text != NULL);
    memcpy(text, data, before);
    memcpy(text + before, canary, sizeof canary - 1);
    memcpy(text + before + sizeof canary - 1, hole + 1, behind);
    text[before + sizeof canary - 1 + behind] = '\0';
    return text;
}

static void put_encoded(struct gch_buf *text, const char *part)
{
    for (; *part != '\0'; part++)
        gch_buf_printf(text, "%%%02x", (unsigned)(unsigned char)*part);
}

/* The URL that says the same, written in another way. */
static char *compose(const struct gch_url *url)
{
    struct gch_buf text;
    gch_buf_init(&text, 1U << 20);
    gch_buf_text(&text, url->tls ? "clickhouses://" : "CLICKHOUSE://");
    put_encoded(&text, url->user);
    gch_buf_byte(&text, ':');
    put_encoded(&text, url->password);
    gch_buf_text(&text, strchr(url->host, ':') == NULL ? "@" : "@[");
    put_encoded(&text, url->host);
    gch_buf_printf(&text, "%s:%u/", strchr(url->host, ':') == NULL ? "" : "]", (unsigned)url->port);
    put_encoded(&text, url->database);
    gch_buf_printf(&text, "/?%s", url->settings);
    const char *whole = gch_buf_cstr(&text);
    FUZZ_CHECK(whole != NULL);
    char *copy = fuzz_text(whole, text.len);
    gch_buf_deinit(&text);
    return copy;
}

static void check_same_place(const struct gch_url *url, const char *text, const char *user, const char *password,
                             const char *database)
{
    struct gch_url again;
    struct gch_err err = {""};
    if (strlen(text) > GCH_URL_MAX)
        return;
    FUZZ_CHECK(gch_url_parse(&again, text, &err) == GCH_OK);
    FUZZ_CHECK(again.tls == url->tls && again.port == url->port && strcmp(again.host, url->host) == 0);
    FUZZ_CHECK(strcmp(again.user, user) == 0 && strcmp(again.password, password) == 0);
    FUZZ_CHECK(strcmp(again.database, database) == 0 && strcmp(again.base, url->base) == 0);
    gch_url_deinit(&again);
}

/* No credential may hide behind the '?', however it is written: those travel in the URL and are logged with it. */
static void check_settings(const char *settings)
{
    static const char *const refused[] = {"user", "password", "database"};
    for (const char *at = settings; *at != '\0'; at += strcspn(at, "&"), at += *at == '&') {
        char name[16] = "";
        size_t len = 0;
        for (const char *from = at; *from != '=' && *from != '\0' && len < sizeof name - 1; len++) {
            unsigned byte = (unsigned char)*from;
            if (*from == '%')
                FUZZ_CHECK(sscanf(from + 1, "%2x", &byte) == 1);
            from += *from == '%' ? 3 : 1;
            name[len] = (char)tolower((int)byte);
        }
        for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
            FUZZ_CHECK(strcmp(name, refused[i]) != 0);
    }
}

static void check_good(const struct gch_url *url)
{
    FUZZ_CHECK(url->host[0] != '\0' && url->user[0] != '\0' && url->database[0] != '\0' && url->port != 0);
    char *text = compose(url);
    check_same_place(url, text, url->user, url->password, url->database);
    free(text);
    check_same_place(url, url->shown, url->user, "", url->database);
    check_same_place(url, url->base, "default", "", "default");
    check_settings(url->settings);
    bool elsewhere =
        strstr(url->user, canary) != NULL || strstr(url->host, canary) != NULL || strstr(url->database, canary) != NULL;
    FUZZ_CHECK(elsewhere || strstr(url->shown, canary) == NULL);
    FUZZ_CHECK(strstr(url->host, canary) != NULL || strstr(url->base, canary) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct gch_url url;
    struct gch_err err = {""};
    char *text = text_of(data, size);
    if (gch_url_parse(&url, text, &err) == GCH_OK) {
        check_good(&url);
    } else {
        fuzz_check_sentence(err.text, sizeof err.text);
        FUZZ_CHECK(strstr(err.text, canary) == NULL);
        FUZZ_CHECK(url.password == NULL && url.host == NULL && url.base == NULL);
    }
    gch_url_deinit(&url);
    free(text);
    return 0;
}
