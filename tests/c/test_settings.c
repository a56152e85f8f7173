/* needs: settings.c likeness.c buf.c status.c utf8.c */
#include "settings.h"

#include <stdlib.h>

#include "check.h"

static void test_defaults_and_environment(void)
{
    struct gch_settings settings;
    struct gch_err err = {{0}};
    CHECK_INT(gch_settings_init(&settings), GCH_OK);
    CHECK(settings.number[GCH_OPTION_close_timeout] == 5.0 && settings.mode == GCH_MODE_AUTO);
    CHECK_INT(gch_settings_ms(&settings, GCH_OPTION_batch_interval), 1000);
    CHECK(setenv("GENESIS_CH_BATCH_INTERVAL", "0.25", 1) == 0 && setenv("GENESIS_CH_MODE", "http", 1) == 0 &&
          setenv("GENESIS_CH_SEGMENT_BYTES", "many", 1) == 0);
    CHECK_INT(gch_settings_read_environment(&settings, &err), GCH_ERR_INVALID);
    CHECK_INT(gch_settings_ms(&settings, GCH_OPTION_batch_interval), 250);
    CHECK_INT(settings.mode, GCH_MODE_HTTP);
    CHECK(settings.number[GCH_OPTION_segment_bytes] == 4194304.0);
    CHECK(strstr(err.text, "GENESIS_CH_SEGMENT_BYTES") != NULL && strstr(err.text, "many") != NULL);
    gch_settings_deinit(&settings);
}

static void test_values_that_cannot_be_used(void)
{
    static const char *const wrong[] = {"", " ", "x", "1x", "-1", "nan", "inf", "1e999", "3601", "0x10 ", "1,5"};
    struct gch_settings settings;
    struct gch_err err;
    CHECK_INT(gch_settings_init(&settings), GCH_OK);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        if (gch_settings_set(&settings, GCH_OPTION_close_timeout, wrong[i], &err) != GCH_ERR_INVALID)
            CHECK_TEXT(wrong[i], "refused");
        CHECK(settings.number[GCH_OPTION_close_timeout] == 5.0);
    }
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_mode, "cloud", &err), GCH_ERR_INVALID);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_sync, "sometimes", &err), GCH_ERR_INVALID);
    CHECK(strstr(err.text, "GENESIS_CH_SYNC") != NULL && settings.sync == GCH_SYNC_INTERVAL);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_sync, "always", &err), GCH_OK);
    CHECK_INT(settings.sync, GCH_SYNC_ALWAYS);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_cluster, "main; DROP", &err), GCH_ERR_INVALID);
    CHECK(strstr(err.text, "GENESIS_CH_CLUSTER") != NULL && settings.text[GCH_OPTION_cluster][0] == '\0');
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_cluster, "main-1", &err), GCH_OK);
    CHECK_TEXT(settings.text[GCH_OPTION_cluster], "main-1");
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_cluster, "", &err), GCH_OK);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_sync_interval, "0", &err), GCH_ERR_INVALID);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_mode, "cloud", &err), GCH_ERR_INVALID);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_close_timeout, "0", &err), GCH_OK);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_close_timeout, "3600", &err), GCH_OK);
    gch_settings_deinit(&settings);
}

static void test_names(void)
{
    const char *nearest;
    CHECK_INT(gch_option_find("close_timeout", &nearest), GCH_OPTION_close_timeout);
    CHECK_INT(gch_option_find("clos_timeout", &nearest), -1);
    CHECK_TEXT(nearest, "close_timeout");
}

CHECK_MAIN(test_defaults_and_environment, test_values_that_cannot_be_used, test_names)
