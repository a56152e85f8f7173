#include "place.h"

#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"

#define HOME_NAME ".genesis_ch"

static char *join(const char *a, const char *b)
{
    struct gch_buf path;
    gch_buf_init(&path, PATH_MAX * 2);
    gch_buf_printf(&path, "%s/%s", a, b);
    const char *text = gch_buf_cstr(&path);
    char *copy = text == NULL ? NULL : strdup(text);
    gch_buf_deinit(&path);
    return copy;
}

static char *absolute(const char *path)
{
    char here[PATH_MAX];
    if (path[0] == '/')
        return strdup(path);
    if (path[0] == '~' && path[1] == '/' && getenv("HOME") != NULL)
        return join(getenv("HOME"), path + 2);
    return getcwd(here, sizeof(here)) == NULL ? NULL : join(here, path);
}

static bool is_directory(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

/* The nearest existing .genesis_ch, going up from the working directory; else the one to be made in it. */
static char *nearest_home(void)
{
    char here[PATH_MAX];
    if (getcwd(here, sizeof(here)) == NULL)
        return NULL;
    char *first = join(here, HOME_NAME);
    for (;;) {
        char *candidate = join(strcmp(here, "/") == 0 ? "" : here, HOME_NAME);
        if (candidate == NULL || is_directory(candidate)) {
            free(first);
            return candidate;
        }
        free(candidate);
        char *slash = strrchr(here, '/');
        if (slash == NULL || strcmp(here, "/") == 0)
            return first;
        slash[slash == here ? 1 : 0] = '\0';
    }
}

static char *state_home(void)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    if (state != NULL && state[0] == '/')
        return join(state, "genesis_ch");
    if (home != NULL && home[0] == '/')
        return join(home, ".local/state/genesis_ch");
    struct passwd entry;
    struct passwd *found = NULL;
    char text[4096];
    (void)getpwuid_r(getuid(), &entry, text, sizeof(text), &found);
    return join(found != NULL ? found->pw_dir : "", ".local/state/genesis_ch");
}

/* FNV-1a: a short name for a destination, the same on every machine. */
static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text != '\0'; text++)
        hash = (hash ^ (uint8_t)*text) * UINT64_C(0x100000001b3);
    return hash;
}

static enum gch_status resolve_http(struct gch_place *place, const struct gch_settings *settings)
{
    if (gch_url_parse(&place->url, settings->text[GCH_OPTION_url], &place->reason) != GCH_OK) {
        struct gch_err reason = place->reason;
        place->mode = GCH_MODE_DISABLED;
        place->trouble = GCH_TROUBLE_URL;
        (void)gch_err_set(&place->reason, GCH_ERR_INVALID, "ClickHouse logging disabled: %s", reason.text);
        return GCH_OK;
    }
    char name[64];
    (void)snprintf(name, sizeof(name), "outbox/%016" PRIx64, hash_text(place->url.shown));
    char *base = settings->text[GCH_OPTION_home][0] != '\0' ? absolute(settings->text[GCH_OPTION_home]) : state_home();
    place->mode = GCH_MODE_HTTP;
    place->outbox = base == NULL ? NULL : join(base, name);
    place->shown = strdup(place->url.shown);
    const char *ca_file = settings->text[GCH_OPTION_ca_file];
    place->ca_file = ca_file[0] == '\0' ? strdup("") : absolute(ca_file);
    free(base);
    return place->outbox == NULL || place->shown == NULL || place->ca_file == NULL ? GCH_ERR_NOMEM : GCH_OK;
}

static enum gch_status resolve_embedded(struct gch_place *place, const struct gch_settings *settings)
{
    place->mode = GCH_MODE_EMBEDDED;
    place->home =
        settings->text[GCH_OPTION_home][0] != '\0' ? absolute(settings->text[GCH_OPTION_home]) : nearest_home();
    if (place->home == NULL)
        return GCH_ERR_NOMEM;
    place->outbox = join(place->home, "outbox");
    place->shown = strdup(place->home);
    return place->outbox == NULL || place->shown == NULL ? GCH_ERR_NOMEM : GCH_OK;
}

static enum gch_status disable(struct gch_place *place, const char *why)
{
    place->mode = GCH_MODE_DISABLED;
    place->trouble = GCH_TROUBLE_DISABLED;
    (void)gch_err_set(&place->reason, GCH_OK, "ClickHouse logging disabled: %s", why);
    return GCH_OK;
}

enum gch_status gch_place_resolve(struct gch_place *place, const struct gch_settings *settings, bool embedded_installed)
{
    memset(place, 0, sizeof(*place));
    bool url = settings->text[GCH_OPTION_url][0] != '\0';
    switch (settings->mode) {
    case GCH_MODE_DISABLED:
        return disable(place, "GENESIS_CH_MODE is disabled");
    case GCH_MODE_HTTP:
        if (url)
            return resolve_http(place, settings);
        return disable(
            place,
            "GENESIS_CH_MODE is http and CLICKHOUSE_URL is not set; set it to http://user:password@host:8123/database");
    case GCH_MODE_EMBEDDED:
        if (embedded_installed)
            return resolve_embedded(place, settings);
        return disable(
            place, "GENESIS_CH_MODE is embedded and the engine is not installed; pip install 'genesis_ch[embedded]'");
    default:
        if (url)
            return resolve_http(place, settings);
        if (embedded_installed)
            return resolve_embedded(place, settings);
        return disable(place, "CLICKHOUSE_URL is not set and no engine is installed; set "
                              "CLICKHOUSE_URL=http://user:password@host:8123/database, "
                              "or pip install 'genesis_ch[embedded]'");
    }
}

void gch_place_deinit(struct gch_place *place)
{
    gch_url_deinit(&place->url);
    free(place->home);
    free(place->ca_file);
    free(place->outbox);
    free(place->shown);
    memset(place, 0, sizeof(*place));
}
