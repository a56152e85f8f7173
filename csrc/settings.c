#include "settings.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "likeness.h"

#ifdef __APPLE__
#include <xlocale.h>
#endif

#include "cluster.h"

static const struct gch_option_spec specs[] = {
#define X(name, env, kind, value, low, high, meaning) {#name, env, GCH_KIND_##kind, value, low, high, meaning},
    GCH_OPTION_MAP(X)
#undef X
};

const struct gch_option_spec *gch_option_get(enum gch_option option)
{
    return &specs[option];
}

int gch_option_find(const char *name, const char **nearest)
{
    size_t best = 0;
    *nearest = specs[0].name;
    for (int i = 0; i < GCH_OPTION_COUNT; i++) {
        if (strcmp(specs[i].name, name) == 0)
            return i;
        size_t like = gch_likeness(name, specs[i].name);
        if (like > best) {
            best = like;
            *nearest = specs[i].name;
        }
    }
    return -1;
}

enum gch_status gch_settings_init(struct gch_settings *settings)
{
    memset(settings, 0, sizeof(*settings));
    for (int i = 0; i < GCH_OPTION_COUNT; i++) {
        enum gch_status status = gch_settings_set(settings, (enum gch_option)i, specs[i].value, NULL);
        if (status != GCH_OK)
            return status;
    }
    return GCH_OK;
}

void gch_settings_deinit(struct gch_settings *settings)
{
    for (int i = 0; i < GCH_OPTION_COUNT; i++)
        free(settings->text[i]);
    memset(settings, 0, sizeof(*settings));
}

static enum gch_status set_text(struct gch_settings *settings, enum gch_option option, const char *value)
{
    char *copy = strdup(value);
    if (copy == NULL)
        return GCH_ERR_NOMEM;
    free(settings->text[option]);
    settings->text[option] = copy;
    return GCH_OK;
}

/* The place of value in a list of words that ends with NULL, or -1. */
static int find_word(const char *const *words, const char *value)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(value, words[i]) == 0)
            return i;
    }
    return -1;
}

static enum gch_status set_mode(struct gch_settings *settings, const char *value, struct gch_err *err)
{
    static const char *const modes[] = {"auto", "http", "embedded", "disabled", NULL};
    int mode = find_word(modes, value);
    if (mode < 0)
        return gch_err_set(err, GCH_ERR_INVALID,
                           "mode (GENESIS_CH_MODE) is \"%.40s\"; it takes auto, http, embedded or disabled", value);
    settings->mode = (enum gch_mode)mode;
    return set_text(settings, GCH_OPTION_mode, value);
}

static enum gch_status set_sync(struct gch_settings *settings, const char *value, struct gch_err *err)
{
    static const char *const syncs[] = {"never", "interval", "always", NULL};
    int sync = find_word(syncs, value);
    if (sync < 0)
        return gch_err_set(err, GCH_ERR_INVALID,
                           "sync (GENESIS_CH_SYNC) is \"%.40s\"; it takes always, interval or never", value);
    settings->sync = (enum gch_sync)sync;
    return set_text(settings, GCH_OPTION_sync, value);
}

static enum gch_status set_cluster(struct gch_settings *settings, const char *value, struct gch_err *err)
{
    if (value[0] != '\0' && !gch_cluster_name_is_legal(value))
        return gch_err_set(err, GCH_ERR_INVALID,
                           "cluster (GENESIS_CH_CLUSTER) is \"%.40s\"; it takes a name of letters, digits, _ and -, or "
                           "one {macro}",
                           value);
    return set_text(settings, GCH_OPTION_cluster, value);
}

static enum gch_status set_flag(struct gch_settings *settings, enum gch_option option, const char *value,
                                struct gch_err *err)
{
    static const char *const words[] = {"0", "false", "no", "off", "1", "true", "yes", "on"};
    for (size_t i = 0; i < 8; i++) {
        if (strcasecmp(value, words[i]) == 0) {
            settings->number[option] = i < 4 ? 0.0 : 1.0;
            return GCH_OK;
        }
    }
    return gch_err_set(err, GCH_ERR_INVALID, "%s (%s) is \"%.40s\"; it takes 1 or 0, true or false", specs[option].name,
                       specs[option].env, value);
}

/* With a point, whatever locale the experiment has set. */
static double read_number(const char *value, char **end)
{
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain == (locale_t)0)
        return strtod(value, end);
    double number = strtod_l(value, end, plain);
    freelocale(plain);
    return number;
}

static enum gch_status set_number(struct gch_settings *settings, enum gch_option option, const char *value,
                                  struct gch_err *err)
{
    const struct gch_option_spec *spec = &specs[option];
    char *end;
    double number = read_number(value, &end);
    if (end == value || *end != '\0' || !(number >= spec->low && number <= spec->high))
        return gch_err_set(err, GCH_ERR_INVALID, "%s (%s) is \"%.40s\"; it takes a number of %s from %.15g to %.15g",
                           spec->name, spec->env, value, spec->kind == GCH_KIND_BYTES ? "bytes" : "seconds", spec->low,
                           spec->high);
    settings->number[option] = spec->kind == GCH_KIND_BYTES ? floor(number) : number;
    return GCH_OK;
}

enum gch_status gch_settings_set(struct gch_settings *settings, enum gch_option option, const char *value,
                                 struct gch_err *err)
{
    switch (specs[option].kind) {
    case GCH_KIND_TEXT:
        return set_text(settings, option, value);
    case GCH_KIND_MODE:
        return set_mode(settings, value, err);
    case GCH_KIND_SYNC:
        return set_sync(settings, value, err);
    case GCH_KIND_CLUSTER:
        return set_cluster(settings, value, err);
    case GCH_KIND_FLAG:
        return set_flag(settings, option, value, err);
    default:
        return set_number(settings, option, value, err);
    }
}

enum gch_status gch_settings_read_environment(struct gch_settings *settings, struct gch_err *err)
{
    enum gch_status result = GCH_OK;
    for (int i = 0; i < GCH_OPTION_COUNT; i++) {
        const char *value = getenv(specs[i].env);
        if (value == NULL || *value == '\0')
            continue;
        enum gch_status status = gch_settings_set(settings, (enum gch_option)i, value, err);
        if (status != GCH_OK)
            result = status;
    }
    return result;
}
