/* needs: secret.c buf.c status.c utf8.c */
#include "secret.h"

#include <stdlib.h>
#include <time.h>

#include "check.h"

static enum gch_secrecy secrecy(const char *key)
{
    return gch_secret_key(key, strlen(key));
}

static void test_secret_keys(void)
{
    static const char *const keys[] = {
        "api_key",        "apiKey",       "API-KEY",       "APIKey",      "apikey",         "openai_api_key",
        "OPENAI_API_KEY", "openaiApiKey", "openaiapikey",  "llm.api_key", "api_keys",       "accessToken",
        "access_token",   "token",        "TOKEN",         "hf_token",    "HF-Token",       "api_tokens",
        "refreshTokens",  "clientSecret", "client-secret", "secret",      "secrets",        "aws_secret_access_key",
        "access_key_id",  "private_key",  "credentials",   "Credential",  "db_credentials", "Authorization",
        "cookie",         "x-api-key",    "secret_key",    "bearer",      "auth_token",     "api key",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        (void)check_count(secrecy(keys[i]) == GCH_SECRECY_TEXT, __FILE__, __LINE__, keys[i]);
    }
}

static void test_passwords(void)
{
    static const char *const keys[] = {"password",   "db_password", "dbPassword", "DB-PASSWD",
                                       "passphrase", "pwd",         "passwords"};
    for (size_t i = 0; i + 1 < sizeof(keys) / sizeof(keys[0]); i++)
        CHECK_INT(secrecy(keys[i]), GCH_SECRECY_ALL);
    CHECK_INT(secrecy("passwords"), GCH_SECRECY_TEXT);
    CHECK_INT(secrecy("dbpassword"), GCH_SECRECY_TEXT);
}

/* A researcher's parameters. */
static void test_other_keys(void)
{
    static const char *const keys[] = {
        "max_tokens",
        "maxTokens",
        "tokenizer",
        "token_limit",
        "num_tokens",
        "input_tokens",
        "tokens_per_minute",
        "tokens",
        "eos_token",
        "pad_token",
        "pad_token_id",
        "cost_per_token",
        "token_budget",
        "max_new_tokens",
        "total_tokens",
        "api_key_env",
        "api_key_name",
        "token_file",
        "password_length",
        "secret_name",
        "key",
        "keys",
        "sort_key",
        "primary_key",
        "author",
        "secretary",
        "keyboard",
        "author_tokens",
        "",
        "---",
        "special_tokens",
        "model",
        "monkey",
        "passage",
        "compass",
        "auth",
        "credential_path",
        "tokenization",
        "thinking_tokens",
        "prompt_token",
        "stop_token",
        "key_metric",
    };
    for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        (void)check_count(secrecy(keys[i]) == GCH_SECRECY_NONE, __FILE__, __LINE__, keys[i]);
    }
}

static void test_long_keys(void)
{
    char key[2000];
    memset(key, 'a', sizeof(key));
    memcpy(key + sizeof(key) - 8, "_api_key", 8);
    CHECK_INT(gch_secret_key(key, sizeof(key)), GCH_SECRECY_TEXT);
    for (size_t i = 0; i + 9 < sizeof(key); i += 2)
        key[i] = '.';
    CHECK_INT(gch_secret_key(key, sizeof(key)), GCH_SECRECY_TEXT);
    memset(key, 0xC3, sizeof(key));
    CHECK_INT(gch_secret_key(key, sizeof(key)), GCH_SECRECY_NONE);
}

static const char *const environment[] = {"OPENAI_API_KEY=sk-env-12345",
                                          "SHORT_TOKEN=1234567",
                                          "PATH=/usr/bin:/bin:/none",
                                          "POSTGRES_PASSWORD=postgres",
                                          "GOOGLE_APPLICATION_CREDENTIALS=/dev/null",
                                          "MAX_TOKENS=12345678",
                                          "LONGER_API_KEY=sk-env-12345-and-more",
                                          "NO_VALUE_TOKEN",
                                          NULL};
static char shown[4096];

/* What is stored of a text. */
static const char *redact(const char *text)
{
    struct gch_secrets secrets;
    struct gch_buf out;
    gch_secrets_init(&secrets, (char *const *)(uintptr_t)environment);
    CHECK_INT(secrets.count, 3);
    gch_buf_init(&out, sizeof(shown) - 1);
    bool held = gch_secrets_redact(&secrets, text, strlen(text), &out);
    CHECK_INT(gch_buf_status(&out), GCH_OK);
    CHECK(held == (out.len > 0));
    (void)snprintf(shown, sizeof(shown), "%s", held ? gch_buf_cstr(&out) : text);
    gch_buf_deinit(&out);
    gch_secrets_deinit(&secrets);
    return shown;
}

static void test_environment(void)
{
    CHECK_TEXT(redact("sk-env-12345"), "[redacted]");
    CHECK_TEXT(redact("a sk-env-12345, sk-env-12345-and-more!"), "a [redacted], [redacted]!");
    CHECK_TEXT(redact("1234567 /usr/bin:/bin:/none /dev/null 12345678"),
               "1234567 /usr/bin:/bin:/none /dev/null 12345678");
    CHECK_TEXT(redact("postgres"), "[redacted]");
    CHECK_TEXT(redact("postgres 14"), "postgres 14");
    CHECK_TEXT(redact(""), "");
}

static void test_urls(void)
{
    CHECK_TEXT(redact("postgres://user:pa:ss/w@rd@host:5432/db?x=1"), "postgres://user:[redacted]@host:5432/db?x=1");
    CHECK_TEXT(redact("redis://:pw@h and https://u:x@h/"), "redis://:[redacted]@h and https://u:[redacted]@h/");
    CHECK_TEXT(redact("http://host:8123/db@x, http://u@h, http://h/a:b@c"),
               "http://host:8123/db@x, http://u@h, http://h/a:b@c");
    CHECK_TEXT(redact("http://u:@h, ://, a://b:"), "http://u:@h, ://, a://b:");
    CHECK_TEXT(redact("https://h/?api_key=abc&max_tokens=5&token=t#x"),
               "https://h/?api_key=[redacted]&max_tokens=5&token=[redacted]");
}

/* Each of them is looked at alone, not with all that follow: a log call takes no minutes for a list of addresses. */
static void test_many_urls_without_a_space(void)
{
    static const char url[] = "http://host.example:8000/v1,";
    size_t count = 40000;
    size_t len = count * (sizeof(url) - 1);
    char *text = malloc(len + 1);
    struct gch_secrets secrets;
    struct gch_buf out;
    gch_secrets_init(&secrets, NULL);
    gch_buf_init(&out, len);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * (sizeof(url) - 1), url, sizeof(url));
    clock_t begun = clock();
    CHECK(!gch_secrets_redact(&secrets, text, len, &out));
    CHECK((clock() - begun) / CLOCKS_PER_SEC < 15);
    gch_buf_deinit(&out);
    gch_secrets_deinit(&secrets);
    free(text);
}

static void test_names_in_texts(void)
{
    CHECK_TEXT(redact("--api-key=abc --max-tokens=100 llm.token=x"),
               "--api-key=[redacted] --max-tokens=100 llm.token=[redacted]");
    CHECK_TEXT(redact("host=h password='a b' user=u"), "host=h password='[redacted]' user=u");
    CHECK_TEXT(redact("model: m\n  api_key: a b\n- token: \"x\"\nmax_tokens: 3"),
               "model: m\n  api_key: [redacted]\n- token: \"[redacted]\"\nmax_tokens: 3");
    CHECK_TEXT(redact("{\"apiKey\": \"abc\", \"n\": 1, \"secret\":\"x\"}"),
               "{\"apiKey\": \"[redacted]\", \"n\": 1, \"secret\":\"x\"}");
    CHECK_TEXT(redact("Find out the secret: it is simple."), "Find out the secret: it is simple.");
    CHECK_TEXT(redact("api_key=${oc.env:KEY} password= token=???"), "api_key=${oc.env:KEY} password= token=???");
    CHECK_TEXT(redact("= : =: token"), "= : =: token");
    CHECK_TEXT(redact("password = a b"), "password = [redacted] b");
}

static void test_empty(void)
{
    CHECK(gch_secret_is_empty("", 0) && gch_secret_is_empty("???", 3) && gch_secret_is_empty("True", 4) &&
          gch_secret_is_empty("${oc.env:A}", 11));
    CHECK(!gch_secret_is_empty("${a}b}", 6) && !gch_secret_is_empty("$", 1) && !gch_secret_is_empty("x", 1));
}

CHECK_MAIN(test_secret_keys, test_passwords, test_other_keys, test_long_keys, test_environment, test_urls,
           test_many_urls_without_a_space, test_names_in_texts, test_empty)
