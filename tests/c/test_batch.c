/* needs: batch.c schema.c query_text.c tables.c rowbinary.c buf.c status.c utf8.c ; libs: libzstd */
#include "batch.h"

#include <stdlib.h>
#include <zstd.h>

#include "tables.h"

#include "check.h"

static struct gch_buf schema;

static void test_statement(void)
{
    struct gch_batch batch;
    struct gch_buf sql;
    gch_buf_init(&schema, 1 << 16);
    gch_buf_init(&sql, 1 << 20);
    gch_table_put_schema(gch_table_get(GCH_TABLE_code_lineages), &schema);
    gch_batch_init(&batch);
    gch_batch_reset(&batch, &schema);
    struct gch_schema read;
    CHECK_INT(gch_schema_read(&read, &schema), GCH_OK);
    CHECK_INT(gch_batch_put_statement(&read, &sql), GCH_OK);
    const char *text = gch_buf_cstr(&sql);
    CHECK(strncmp(text, "INSERT INTO `code_lineages` (`run_id`, `child_id`, ", 51) == 0);
    CHECK(strstr(text, "`_ts`) FORMAT RowBinaryWithNamesAndTypes") != NULL);
    gch_batch_deinit(&batch);
    gch_buf_deinit(&sql);
}

static void test_rows_through_zstd(void)
{
    struct gch_batch batch;
    struct gch_buf body;
    gch_batch_init(&batch);
    gch_batch_reset(&batch, &schema);
    gch_buf_init(&body, GCH_BATCH_BYTES_MAX);
    for (unsigned i = 0; i < 1000; i++) {
        uint8_t row[500];
        memset(row, (int)(i & 255), sizeof(row));
        CHECK_INT(gch_batch_add(&batch, row, i % 500), GCH_OK);
    }
    size_t name;
    const char *table = gch_batch_table(&batch, &name);
    size_t header = schema.len - (size_t)((const uint8_t *)table - schema.data) - name;
    const size_t ranges[][2] = {{0, 1000}, {0, 1}, {499, 500}, {500, 1000}, {7, 7}};
    for (size_t r = 0; r < sizeof(ranges) / sizeof(*ranges); r++) {
        size_t room = 1 << 20;
        uint8_t *plain = malloc(room);
        CHECK_INT(gch_batch_compress(&batch, ranges[r][0], ranges[r][1], &body), GCH_OK);
        size_t len = ZSTD_decompress(plain, room, body.data, body.len);
        CHECK(!ZSTD_isError(len) && memcmp(plain, table + name, header) == 0);
        size_t at = header;
        for (size_t i = ranges[r][0]; i < ranges[r][1]; i++) {
            size_t row_len;
            const uint8_t *row = gch_batch_row(&batch, i, &row_len);
            CHECK(row_len == i % 500 && memcmp(row, plain + at, row_len) == 0);
            at += row_len;
        }
        CHECK_INT(len, at);
        for (size_t cut = 0; cut + 1 < body.len; cut += 1 + body.len / 50)
            CHECK(ZSTD_isError(ZSTD_decompress(plain, room, body.data, cut)) || cut == 0);
        free(plain);
    }
    gch_batch_deinit(&batch);
    gch_buf_deinit(&body);
    gch_buf_deinit(&schema);
}

CHECK_MAIN(test_statement, test_rows_through_zstd)
