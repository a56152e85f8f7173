/* needs: update.c multipart.c thread.c query_text.c rowbinary.c tables.c buf.c status.c utf8.c */
#include "update.h"

#include <stdlib.h>

#include "check.h"

static const struct gch_update sample = {
    .run_id = "r'1",
    .run_id_len = 3,
    .status = "failed",
    .status_len = 6,
    .error = "a\nb",
    .error_len = 3,
    .total_generations = -1,
    .at_ms = 5,
    .end_time_ms = 6,
    .version_us = 7,
};

static void test_round_trip_and_every_cut(void)
{
    struct gch_buf buf;
    struct gch_update got;
    gch_buf_init(&buf, 4096);
    gch_update_put(&buf, &sample);
    CHECK_INT(gch_update_get(&got, buf.data, buf.len), GCH_OK);
    CHECK_BYTES(got.run_id, got.run_id_len, sample.run_id, sample.run_id_len);
    CHECK_BYTES(got.status, got.status_len, sample.status, sample.status_len);
    CHECK_BYTES(got.error, got.error_len, sample.error, sample.error_len);
    CHECK_INT(got.total_generations, -1);
    CHECK(got.at_ms == 5 && got.end_time_ms == 6 && got.version_us == 7);
    for (size_t len = 0; len < buf.len; len++) {
        uint8_t *cut = malloc(len + 1); /* its own block, so that a sanitizer sees a read behind it */
        memcpy(cut, buf.data, len);
        CHECK_INT(gch_update_get(&got, cut, len), GCH_ERR_INVALID);
        free(cut);
    }
    gch_buf_deinit(&buf);
}

static void test_statement_binds_everything(void)
{
    struct gch_buf buf;
    gch_buf_init(&buf, 1 << 20);
    gch_update_put_insert(&buf);
    const char *sql = gch_buf_cstr(&buf);
    const char *names[] = {"{run_id:String}", "{status:String}",  "{error:String}", "{total_generations:Int32}",
                           "{at:Int64}",      "{end_time:Int64}", "{version:Int64}"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        CHECK(strstr(sql, names[i]) != NULL);
    CHECK(strncmp(sql, "INSERT INTO evolution_runs (run_id, ", 36) == 0 &&
          strstr(sql, " FINAL WHERE run_id = {run_id:String}") != NULL);
    gch_buf_reset(&buf);
    gch_update_put_mutation(&buf);
    CHECK(strstr(gch_buf_cstr(&buf), "_ts") == NULL);
    gch_buf_reset(&buf);
    gch_update_put_plain_version(&buf);
    CHECK_TEXT(gch_buf_cstr(&buf), "ALTER TABLE evolution_runs MODIFY COLUMN event_ts DateTime64(6) DEFAULT _ts");
    struct gch_multipart form;
    gch_multipart_init(&form, 1 << 20);
    gch_multipart_begin(&form);
    gch_update_put_parameters(&form, &sample);
    static const char *const fields[] = {
        "run_id\"\r\n\r\nr\\'1", "status\"\r\n\r\nfailed", "error\"\r\n\r\na\\nb", "total_generations\"\r\n\r\n-1",
        "at\"\r\n\r\n5",         "end_time\"\r\n\r\n6",    "version\"\r\n\r\n7"};
    const char *bytes = gch_buf_cstr(&form.bytes);
    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
        char field[128];
        (void)snprintf(field, sizeof(field), "name=\"param_%s\r\n", fields[i]);
        CHECK(strstr(bytes, field) != NULL);
    }
    gch_multipart_deinit(&form);
    gch_buf_deinit(&buf);
}

static void test_long_text_is_cut_between_characters(void)
{
    struct gch_multipart form;
    struct gch_update update = sample;
    size_t len = 300001;
    char *text = malloc(len);
    for (size_t i = 0; i < len; i++)
        text[i] = "\xE2\x82\xAC"[i % 3];
    gch_multipart_init(&form, 1 << 20);
    gch_multipart_begin(&form);
    update.error = text;
    update.error_len = len;
    gch_update_put_parameters(&form, &update);
    const char *error = strstr(gch_buf_cstr(&form.bytes), "\"param_error\"") + 17;
    CHECK_INT(strcspn(error, "\r"), GCH_UPDATE_TEXT_MAX / 3 * 3);
    CHECK(form.bytes.len < 2 * GCH_UPDATE_TEXT_MAX + 1000);
    gch_multipart_deinit(&form);
    free(text);
}

CHECK_MAIN(test_round_trip_and_every_cut, test_statement_binds_everything, test_long_text_is_cut_between_characters)
