/* The options: one list, from which come the environment, configure() and its checks, and the README's table (tests
 * compare).
 *
 * Precedence: configure() over the environment over the default. The environment is read when a logger opens, at the
 * first log call, never at import.
 */
#ifndef GCH_SETTINGS_H
#define GCH_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "status.h"

/* X(name, environment variable, kind, default, smallest, largest, meaning) */
#define GCH_OPTION_MAP(X)                                                                                              \
    X(url, "CLICKHOUSE_URL", TEXT, "", 0, 0, "server: http(s)://user:password@host:port/database?setting=value")       \
    X(mode, "GENESIS_CH_MODE", MODE, "auto", 0, 0, "auto, http, embedded or disabled")                                 \
    X(home, "GENESIS_CH_HOME", TEXT, "", 0, 0, "directory of the embedded store and of the outbox")                    \
    X(cluster, "GENESIS_CH_CLUSTER", CLUSTER, "", 0, 0,                                                                \
      "cluster of the server on which tables are made, replicated and sharded; else on the server alone")              \
    X(ca_file, "GENESIS_CH_CA_FILE", TEXT, "", 0, 0, "certificates that https trusts, PEM; else those of the system")  \
    X(redact, "GENESIS_CH_REDACT", FLAG, "1", 0, 1, "values of secret-looking keys of a run's config are replaced")    \
    X(project_id, "GENESIS_CH_PROJECT_ID", TEXT, "default", 0, 0, "project of traces, observations and scores")        \
    X(environment, "GENESIS_CH_ENVIRONMENT", TEXT, "default", 0, 0, "their environment, such as production")           \
    X(observations, "GENESIS_CH_OBSERVATIONS", FLAG, "1", 0, 1, "an LLM call is also stored as an observation")        \
    X(scores, "GENESIS_CH_SCORES", FLAG, "0", 0, 1, "the metrics of an individual are also stored as scores")          \
    X(prices, "GENESIS_CH_PRICES", FLAG, "1", 0, 1, "unknown costs come from the prices of an installed LiteLLM")      \
    X(outbox_max_bytes, "GENESIS_CH_OUTBOX_MAX_BYTES", BYTES, "1073741824", 1048576, 1099511627776,                    \
      "cap of the outbox on disk, for each destination")                                                               \
    X(segment_bytes, "GENESIS_CH_SEGMENT_BYTES", BYTES, "4194304", 65536, 134217728, "size of one outbox file")        \
    X(batch_bytes, "GENESIS_CH_BATCH_BYTES", BYTES, "4194304", 1024, 134217728,                                        \
      "rows in one request, before compression")                                                                       \
    X(batch_interval, "GENESIS_CH_BATCH_INTERVAL", SECONDS, "1", 0, 3600,                                              \
      "longest time a row waits for company, seconds")                                                                 \
    X(connect_timeout, "GENESIS_CH_CONNECT_TIMEOUT", SECONDS, "10", 0.1, 3600, "seconds")                              \
    X(request_timeout, "GENESIS_CH_REQUEST_TIMEOUT", SECONDS, "60", 0.1, 3600, "seconds for one request")              \
    X(close_timeout, "GENESIS_CH_CLOSE_TIMEOUT", SECONDS, "5", 0, 3600, "seconds for the last delivery at exit")       \
    X(sync, "GENESIS_CH_SYNC", SYNC, "interval", 0, 0,                                                                 \
      "when rows are brought to the disk itself: always (before the log call returns), interval or never")             \
    X(sync_interval, "GENESIS_CH_SYNC_INTERVAL", SECONDS, "1", 0.01, 3600, "seconds between two syncs")                \
    X(server_idle, "GENESIS_CH_SERVER_IDLE", SECONDS, "300", 0, 86400,                                                 \
      "seconds until an unused embedded server ends, 0: never")

enum gch_option {
#define X(name, env, kind, value, low, high, meaning) GCH_OPTION_##name,
    GCH_OPTION_MAP(X)
#undef X
        GCH_OPTION_COUNT
};

enum gch_option_kind {
    GCH_KIND_TEXT,
    GCH_KIND_MODE,
    GCH_KIND_SYNC,
    GCH_KIND_CLUSTER,
    GCH_KIND_FLAG,
    GCH_KIND_BYTES,
    GCH_KIND_SECONDS
};

enum gch_mode { GCH_MODE_AUTO, GCH_MODE_HTTP, GCH_MODE_EMBEDDED, GCH_MODE_DISABLED };

enum gch_sync { GCH_SYNC_NEVER, GCH_SYNC_INTERVAL, GCH_SYNC_ALWAYS };

struct gch_option_spec {
    const char *name;
    const char *env;
    enum gch_option_kind kind;
    const char *value; /* the default */
    double low;
    double high;
    const char *meaning;
};

struct gch_settings {
    char *text[GCH_OPTION_COUNT];    /* TEXT, MODE, SYNC and CLUSTER; owned */
    double number[GCH_OPTION_COUNT]; /* BYTES, SECONDS; FLAG: 0 or 1 */
    enum gch_mode mode;
    enum gch_sync sync;
};

const struct gch_option_spec *gch_option_get(enum gch_option option);

/* The option of this name, or -1; *nearest is then the one that is most like it. */
int gch_option_find(const char *name, const char **nearest);

/* All defaults. */
enum gch_status gch_settings_init(struct gch_settings *settings) GCH_MUST_CHECK;
void gch_settings_deinit(struct gch_settings *settings);

/* GCH_ERR_INVALID: nothing changed; the sentence names the option, what it got and what it takes. */
enum gch_status gch_settings_set(struct gch_settings *settings, enum gch_option option, const char *value,
                                 struct gch_err *err) GCH_MUST_CHECK;

/* Takes every variable that is set. One that cannot be used is skipped and named in err (the last one). */
enum gch_status gch_settings_read_environment(struct gch_settings *settings, struct gch_err *err) GCH_MUST_CHECK;

static inline bool gch_settings_flag(const struct gch_settings *settings, enum gch_option option)
{
    return settings->number[option] != 0.0;
}

static inline uint32_t gch_settings_ms(const struct gch_settings *settings, enum gch_option option)
{
    return (uint32_t)(settings->number[option] * 1000.0);
}

#endif
