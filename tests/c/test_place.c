/* needs: place.c settings.c likeness.c url.c buf.c status.c utf8.c query_text.c descriptor.c */
#include "place.h"

#include "scratch.h"

static struct gch_settings settings;
static struct gch_place place;

static void resolve(const char *url, const char *home, const char *mode, bool installed)
{
    gch_settings_deinit(&settings);
    gch_place_deinit(&place);
    CHECK_INT(gch_settings_init(&settings), GCH_OK);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_url, url, NULL), GCH_OK);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_home, home, NULL), GCH_OK);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_mode, mode, NULL), GCH_OK);
    CHECK_INT(gch_place_resolve(&place, &settings, installed), GCH_OK);
}

static void test_which(void)
{
    resolve("", "", "auto", false);
    CHECK(place.mode == GCH_MODE_DISABLED && strstr(place.reason.text, "CLICKHOUSE_URL") != NULL &&
          strstr(place.reason.text, "[embedded]") != NULL);
    resolve("", "/h", "auto", true);
    CHECK_INT(place.mode, GCH_MODE_EMBEDDED);
    CHECK_TEXT(place.outbox, "/h/outbox");
    resolve("http://u:secret@h/d", "/h", "auto", true);
    CHECK_INT(place.mode, GCH_MODE_HTTP);
    CHECK(strstr(place.shown, "secret") == NULL && strstr(place.outbox, "/h/outbox/") == place.outbox);
    resolve("http://u:secret@h/d", "/h", "embedded", true);
    CHECK_INT(place.mode, GCH_MODE_EMBEDDED);
    resolve("http://u:secret@h/d", "/h", "disabled", true);
    CHECK_INT(place.mode, GCH_MODE_DISABLED);
    resolve("", "/h", "http", true);
    CHECK_INT(place.mode, GCH_MODE_DISABLED);
    resolve("htp:/u:secret@h", "/h", "auto", true);
    CHECK(place.mode == GCH_MODE_DISABLED && place.trouble == GCH_TROUBLE_URL &&
          strstr(place.reason.text, "secret") == NULL);
}

static void test_outbox_of_a_server(void)
{
    char one[256];
    resolve("http://u:one@h:8123/d", "/h", "auto", false);
    (void)snprintf(one, sizeof(one), "%s", place.outbox);
    resolve("http://u:two@h:8123/d", "/h", "auto", false);
    CHECK_TEXT(place.outbox, one);
    resolve("http://u:one@h:8123/e", "/h", "auto", false);
    CHECK(strcmp(place.outbox, one) != 0);
    CHECK(setenv("XDG_STATE_HOME", "/state", 1) == 0);
    resolve("http://u:one@h:8123/d", "", "auto", false);
    CHECK(strncmp(place.outbox, "/state/genesis_ch/outbox/", 25) == 0);
}

static void test_nearest_home(void)
{
    char *top = scratch_path();
    char want[9000];
    CHECK(chdir(top) == 0 && mkdir("a", 0700) == 0 && mkdir("a/b", 0700) == 0 && chdir("a/b") == 0);
    resolve("", "", "auto", true);
    (void)snprintf(want, sizeof(want), "%s/a/b/.genesis_ch", top);
    CHECK_TEXT(place.home, want);
    CHECK(mkdir("../.genesis_ch", 0700) == 0);
    resolve("", "", "auto", true);
    (void)snprintf(want, sizeof(want), "%s/a/.genesis_ch", top);
    CHECK_TEXT(place.home, want);
    resolve("", "mine", "auto", true);
    (void)snprintf(want, sizeof(want), "%s/a/b/mine", top);
    CHECK_TEXT(place.home, want);
    gch_settings_deinit(&settings);
    gch_place_deinit(&place);
    free(top);
}

CHECK_MAIN(test_which, test_outbox_of_a_server, test_nearest_home)
