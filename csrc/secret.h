/* Secrets in what is about to be stored: told by the key, by the environment, or by their form.
 *
 * A key is secret when its words (snake, camel, kebab, dotted) say so: password, passwd, passphrase, pwd, secret,
 * credential, authorization, cookie, bearer, "api key" and the like, singular or plural, and token as the last word.
 * Not secret are the tokens of a language model (max_tokens, token_limit, eos_token, tokenizer), and keys whose last
 * word says that the value is about a secret and not one (api_key_env, token_file, password_length).
 *
 * In a text under any other key these are secret: the value of an environment variable with a secret name (found
 * anywhere, if it has 8 bytes or more; one of small letters only, as "postgres", only as the whole text), the password
 * in `scheme://user:password@host`, and what follows a secret name as `name=value`, or as `name: value` at the start of
 * a line.
 *
 * Free of Python. The environment is copied, so code that changes it meanwhile does no harm.
 */
#ifndef GCH_SECRET_H
#define GCH_SECRET_H

#include <stdbool.h>

#include "buf.h"

#define GCH_REDACTED         "[redacted]"
#define GCH_SECRETS_MAX      64          /* environment variables whose values are looked for */
#define GCH_SECRET_VALUE_MIN 8           /* bytes; shorter ones are found everywhere */
#define GCH_SECRET_VALUE_MAX (64U << 10) /* bytes of one value */
#define GCH_SECRET_URL_MAX   4096        /* bytes behind "://" in which a password ends */
#define GCH_SECRET_KEY_MAX   256         /* bytes of a key that are looked at, its last ones */

enum gch_secrecy {
    GCH_SECRECY_NONE,
    GCH_SECRECY_TEXT, /* texts are secret, numbers are not: they are somebody's parameters */
    GCH_SECRECY_ALL   /* a password may be written as a number */
};

struct gch_secrets {
    struct gch_buf values; /* of the environment, one behind the other */
    struct {
        size_t at;
        size_t len;
        bool whole; /* is only secret as a whole text */
    } list[GCH_SECRETS_MAX];
    size_t count;
};

enum gch_secrecy gch_secret_key(const char *key, size_t len);

/* environment is as environ. */
void gch_secrets_init(struct gch_secrets *secrets, char *const *environment);
void gch_secrets_deinit(struct gch_secrets *secrets);

/* True when the text held secrets; it is then appended to out with GCH_REDACTED in their places. */
bool gch_secrets_redact(const struct gch_secrets *secrets, const char *text, size_t len, struct gch_buf *out);

/* A text under a secret key that may stay: nothing, true, false, null, none, a missing value (???), or a reference that
 * was not resolved (${...}). */
bool gch_secret_is_empty(const char *text, size_t len);

#endif
