/* needs: schema.c tables.c rowbinary.c buf.c status.c utf8.c */
#include "schema.h"

#include <stdlib.h>

#include "tables.h"

#include "check.h"

static void test_every_table_and_every_cut(void)
{
    struct gch_schema schema;
    for (int id = 0; id < GCH_TABLE_COUNT; id++) {
        const struct gch_table *table = gch_table_get((enum gch_table_id)id);
        struct gch_buf bytes;
        size_t header;
        gch_buf_init(&bytes, 1 << 16);
        gch_table_put_schema(table, &bytes);
        CHECK_INT(gch_schema_read(&schema, &bytes), GCH_OK);
        CHECK(gch_name_is(schema.table, table->name) && schema.count == table->column_count);
        CHECK(gch_name_is(gch_schema_table(&bytes, &header), table->name) && header == strlen(table->name) + 1);
        for (size_t i = 0; i < schema.count; i++) {
            CHECK(gch_name_is(schema.names[i], table->columns[i].name));
            CHECK(gch_name_is(schema.types[i], gch_form_type(table->columns[i].form)));
        }
        for (size_t len = 0; len < bytes.len; len++) {
            struct gch_buf cut = {.data = malloc(len + 1), .len = len}; /* its own block, for the sanitizer */
            memcpy(cut.data, bytes.data, len);
            CHECK_INT(gch_schema_read(&schema, &cut), GCH_ERR_INVALID);
            (void)gch_schema_table(&cut, &header);
            CHECK(header <= len);
            free(cut.data);
        }
        gch_buf_deinit(&bytes);
    }
}

static void test_too_many_columns(void)
{
    struct gch_schema schema;
    uint8_t bytes[] = {1, 't', GCH_SCHEMA_COLUMNS_MAX + 1, 0, 0};
    struct gch_buf many = {.data = bytes, .len = sizeof(bytes)};
    CHECK_INT(gch_schema_read(&schema, &many), GCH_ERR_INVALID);
    uint8_t endless[] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    struct gch_buf overlong = {.data = endless, .len = sizeof(endless)};
    CHECK_INT(gch_schema_read(&schema, &overlong), GCH_ERR_INVALID);
}

CHECK_MAIN(test_every_table_and_every_cut, test_too_many_columns)
