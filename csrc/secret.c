#include "secret.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#define WORDS_MAX 16
#define WORD_MAX  32

/* ---- keys ---- */

struct words {
    char word[WORDS_MAX][WORD_MAX + 1]; /* small letters and digits; the last WORDS_MAX words of the key */
    size_t count;
};

static const char *const secret_words[] = {"password",   "passwd",        "passphrase", "pwd",    "secret",
                                           "credential", "authorization", "cookie",     "bearer", "apikey"};
static const char *const password_words[] = {"password", "passwd", "passphrase", "pwd"};
/* What a word may end with when its parts are run together: dbpassword, openaiapikey. */
static const char *const secret_ends[] = {"password",  "passwd",     "secret",    "apikey",      "secretkey",
                                          "accesskey", "privatekey", "authtoken", "accesstoken", "apitoken"};
static const char *const before_key[] = {"api",  "access",     "secret",  "private", "auth",
                                         "sign", "encryption", "signing", "master",  "account"};
static const char *const before_tokens[] = {"api", "access", "auth", "refresh", "bearer", "session", "secret"};
/* A token with one of these words in front is a piece of a model's text. */
static const char *const model_tokens[] = {
    "pad",   "eos",    "bos",        "unk",    "mask",   "sep",    "cls",      "special",   "stop",
    "per",   "max",    "min",        "end",    "start",  "image",  "eot",      "audio",     "video",
    "new",   "next",   "first",      "last",   "prefix", "suffix", "num",      "total",     "input",
    "think", "output", "completion", "prompt", "cached", "each",   "thinking", "delimiter", "begin"};
/* Behind a secret word: the value tells about the secret. */
static const char *const about[] = {"env",    "var",    "variable", "name",  "file",     "path",   "dir",
                                    "field",  "header", "type",     "len",   "length",   "count",  "min",
                                    "max",    "policy", "required", "limit", "strength", "column", "rotation",
                                    "dim",    "size",   "seed",     "index", "prompt",   "script", "hint",
                                    "folder", "url",    "uri",      "ttl",   "expiry"};

#define IS_ONE_OF(word, list) is_one_of(word, list, sizeof(list) / sizeof(list[0]))

static bool is_one_of(const char *word, const char *const *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(word, list[i]) == 0)
            return true;
    }
    return false;
}

static bool ends_secretly(const char *word)
{
    size_t len = strlen(word);
    for (size_t i = 0; i < sizeof(secret_ends) / sizeof(secret_ends[0]); i++) {
        size_t end = strlen(secret_ends[i]);
        if (len > end && strcmp(word + len - end, secret_ends[i]) == 0)
            return true;
    }
    return false;
}

/* A word begins behind a separator, at a capital behind a small letter, and at the last capital of several before a
 * small letter: apiKey, APIKey. */
static bool begins_word(const char *key, size_t len, size_t at)
{
    if (at == 0 || !isalnum((unsigned char)key[at - 1]))
        return true;
    if (!isupper((unsigned char)key[at]))
        return false;
    return !isupper((unsigned char)key[at - 1]) || (at + 1 < len && islower((unsigned char)key[at + 1]));
}

static void split(struct words *words, const char *key, size_t len)
{
    size_t size = 0;
    words->count = 0;
    for (size_t at = 0; at < len; at++) {
        if (!isalnum((unsigned char)key[at]))
            continue;
        if (begins_word(key, len, at)) {
            if (words->count == WORDS_MAX)
                memmove(words->word[0], words->word[1], sizeof(words->word[0]) * --words->count);
            words->count += 1;
            size = 0;
        }
        char *word = words->word[words->count - 1];
        if (size < WORD_MAX)
            word[size++] = (char)tolower((unsigned char)key[at]);
        word[size] = '\0';
    }
}

static bool token_is_secret(const struct words *words, size_t at, bool plural)
{
    const char *before = at == 0 ? "" : words->word[at - 1];
    if (plural)
        return IS_ONE_OF(before, before_tokens);
    return at + 1 == words->count && !IS_ONE_OF(before, model_tokens);
}

static bool word_is_secret(const struct words *words, size_t at)
{
    char word[WORD_MAX + 1];
    size_t len = strlen(words->word[at]);
    memcpy(word, words->word[at], len + 1);
    bool plural = len > 3 && word[len - 1] == 's' && word[len - 2] != 's';
    if (plural)
        word[len - 1] = '\0';
    if (strcmp(word, "token") == 0)
        return token_is_secret(words, at, plural);
    if (strcmp(word, "key") == 0)
        return at > 0 && IS_ONE_OF(words->word[at - 1], before_key);
    return IS_ONE_OF(word, secret_words) || ends_secretly(word);
}

enum gch_secrecy gch_secret_key(const char *key, size_t len)
{
    struct words words;
    size_t skipped = len > GCH_SECRET_KEY_MAX ? len - GCH_SECRET_KEY_MAX : 0;
    split(&words, key + skipped, len - skipped);
    if (words.count == 0 || IS_ONE_OF(words.word[words.count - 1], about))
        return GCH_SECRECY_NONE;
    for (size_t i = 0; i < words.count; i++) {
        if (word_is_secret(&words, i))
            return IS_ONE_OF(words.word[words.count - 1], password_words) ? GCH_SECRECY_ALL : GCH_SECRECY_TEXT;
    }
    return GCH_SECRECY_NONE;
}

bool gch_secret_is_empty(const char *text, size_t len)
{
    static const char *const words[] = {"???", "true", "false", "null", "none"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (len == strlen(words[i]) && strncasecmp(text, words[i], len) == 0)
            return true;
    }
    bool reference = len > 3 && text[0] == '$' && text[1] == '{' && memchr(text, '}', len) == text + len - 1;
    return len == 0 || reference;
}

/* ---- the environment ---- */

static bool is_word(const char *value, size_t len)
{
    size_t at = 0;
    while (at < len && islower((unsigned char)value[at]))
        at++;
    return at == len;
}

static bool is_path(const char *value)
{
    struct stat found;
    return value[0] == '/' && stat(value, &found) == 0;
}

void gch_secrets_init(struct gch_secrets *secrets, char *const *environment)
{
    gch_buf_init(&secrets->values, GCH_SECRETS_MAX * GCH_SECRET_VALUE_MAX);
    secrets->count = 0;
    for (; environment != NULL && *environment != NULL && secrets->count < GCH_SECRETS_MAX; environment++) {
        const char *value = strchr(*environment, '=');
        size_t len = value == NULL ? 0 : strnlen(value + 1, GCH_SECRET_VALUE_MAX + 1);
        if (len < GCH_SECRET_VALUE_MIN || len > GCH_SECRET_VALUE_MAX || is_path(value + 1) ||
            gch_secret_key(*environment, (size_t)(value - *environment)) == GCH_SECRECY_NONE)
            continue;
        size_t at = secrets->values.len;
        gch_buf_append(&secrets->values, value + 1, len);
        if (gch_buf_status(&secrets->values) != GCH_OK)
            return;
        secrets->list[secrets->count].at = at;
        secrets->list[secrets->count].len = len;
        secrets->list[secrets->count++].whole = is_word(value + 1, len);
    }
}

void gch_secrets_deinit(struct gch_secrets *secrets)
{
    gch_buf_deinit(&secrets->values);
    secrets->count = 0;
}

/* ---- texts ---- */

/* A secret in a text; len 0: none. */
struct found {
    size_t at;
    size_t len;
};

static struct found first_value(const struct gch_secrets *secrets, const char *text, size_t len, size_t from)
{
    struct found best = {len, 0};
    for (size_t i = 0; i < secrets->count; i++) {
        const uint8_t *value = secrets->values.data + secrets->list[i].at;
        size_t size = secrets->list[i].len;
        const char *at =
            secrets->list[i].whole && (from != 0 || len != size) ? NULL : memmem(text + from, len - from, value, size);
        size_t where = at == NULL ? len : (size_t)(at - text);
        if (at != NULL && (where < best.at || (where == best.at && size > best.len)))
            best = (struct found){where, size};
    }
    return best;
}

static size_t span(const char *text, size_t len, size_t at, const char *stops)
{
    size_t end = at;
    while (end < len && text[end] != '\0' && strchr(stops, text[end]) == NULL)
        end++;
    return end;
}

/* The password in user:password@ behind "://". An '@' behind host:port/ belongs to the path. */
static struct found url_password(const char *text, size_t len, size_t at)
{
    size_t most = len - at < GCH_SECRET_URL_MAX ? len : at + GCH_SECRET_URL_MAX;
    size_t colon = span(text, most, at, ":/?#@ \t\r\n\"'<>");
    if (colon >= most || text[colon] != ':')
        return (struct found){0, 0};
    size_t end = span(text, most, colon, " \t\r\n\"'<>");
    const char *last = memrchr(text + colon, '@', end - colon);
    size_t digits = colon + 1;
    while (digits < end && isdigit((unsigned char)text[digits]))
        digits++;
    bool port = digits > colon + 1 && digits < end && text[digits] == '/';
    if (last == NULL || port || last == text + colon + 1)
        return (struct found){0, 0};
    return (struct found){colon + 1, (size_t)(last - text) - colon - 1};
}

static bool is_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-';
}

static bool begins_line(const char *text, size_t at)
{
    while (at > 0 && strchr(" \t-\"'{,.", text[at - 1]) != NULL && text[at - 1] != '\0')
        at--;
    return at == 0 || text[at - 1] == '\n';
}

/* The value behind a name that ends where a '=' or a ':' stands. */
static struct found named_value(const char *text, size_t len, size_t at)
{
    size_t end = at;
    while (end > 0 && strchr(" \"'", text[end - 1]) != NULL && text[end - 1] != '\0')
        end--;
    size_t start = end;
    while (start > 0 && end - start < GCH_SECRET_KEY_MAX && is_name(text[start - 1]))
        start--;
    bool line = text[at] == ':';
    if (start == end || gch_secret_key(text + start, end - start) == GCH_SECRECY_NONE ||
        (line && !begins_line(text, start)))
        return (struct found){0, 0};
    size_t value = at + 1;
    while ((line || end < at) && value < len && (text[value] == ' ' || text[value] == '\t'))
        value++;
    char mark[2] = {value < len ? text[value] : '\0', '\0'};
    bool quoted = mark[0] == '"' || mark[0] == '\'';
    value += quoted ? 1 : 0;
    size_t stop = span(text, len, value, quoted ? mark : line ? "\r\n" : " \t\r\n&;,\"'");
    bool keep = gch_secret_is_empty(text + value, stop - value) ||
                (stop - value == strlen(GCH_REDACTED) && memcmp(text + value, GCH_REDACTED, stop - value) == 0);
    return keep ? (struct found){0, 0} : (struct found){value, stop - value};
}

static struct found first_form(const char *text, size_t len, size_t from)
{
    for (size_t at = from; at < len; at++) {
        struct found found = {0, 0};
        if (text[at] == ':' && at + 3 <= len && memcmp(text + at, "://", 3) == 0)
            found = url_password(text, len, at + 3);
        else if (text[at] == '=' || text[at] == ':')
            found = named_value(text, len, at);
        if (found.len > 0)
            return found;
    }
    return (struct found){len, 0};
}

bool gch_secrets_redact(const struct gch_secrets *secrets, const char *text, size_t len, struct gch_buf *out)
{
    size_t from = 0;
    bool held = false;
    struct found value = {0, 0};
    struct found form = {0, 0};
    for (;;) {
        if (!held || value.at < from)
            value = first_value(secrets, text, len, from);
        if (!held || form.at < from)
            form = first_form(text, len, from);
        struct found next = value.len > 0 && (form.len == 0 || value.at <= form.at) ? value : form;
        if (next.len == 0)
            break;
        gch_buf_append(out, text + from, next.at - from);
        gch_buf_text(out, GCH_REDACTED);
        from = next.at + next.len;
        held = true;
    }
    if (held)
        gch_buf_append(out, text + from, len - from);
    return held;
}
