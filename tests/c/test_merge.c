/* needs: merge.c schema.c query_text.c tables.c rowbinary.c buf.c status.c utf8.c */
/* What the statements do is tested against the engine (tests/test_merge.py); here is which rows they are made for. */
#include "merge.h"

#include "tables.h"

#include "check.h"

static void read_table(enum gch_table_id id, struct gch_buf *bytes, struct gch_schema *schema)
{
    gch_buf_reset(bytes);
    gch_table_put_schema(gch_table_get(id), bytes);
    CHECK_INT(gch_schema_read(schema, bytes), GCH_OK);
}

static void test_every_table_with_ids_has_a_statement(void)
{
    struct gch_buf bytes;
    struct gch_buf sql;
    struct gch_schema schema;
    int merged = 0;
    gch_buf_init(&bytes, 1 << 16);
    gch_buf_init(&sql, 1 << 20);
    for (int id = 0; id < GCH_TABLE_COUNT; id++) {
        const struct gch_table *table = gch_table_get((enum gch_table_id)id);
        bool with_id = table->columns[table->column_count - 1].form == GCH_FORM_SET;
        read_table((enum gch_table_id)id, &bytes, &schema);
        CHECK_INT(gch_merge_applies(&schema), with_id);
        gch_buf_reset(&sql);
        if (!with_id)
            continue;
        CHECK_INT(gch_merge_put_statement(&schema, &sql), GCH_OK);
        const char *text = gch_buf_cstr(&sql);
        CHECK(strncmp(text, "INSERT INTO `", 13) == 0 && strstr(text, "`_set`") == NULL);
        CHECK(strchr(text, '%') == NULL && sql.len < 32768);
        gch_buf_reset(&sql);
        gch_merge_put_structure(&schema, &sql);
        CHECK(strstr(gch_buf_cstr(&sql), "_set%20UInt64") != NULL && strpbrk(gch_buf_cstr(&sql), " ,()&") == NULL);
        merged += 1;
    }
    CHECK_INT(merged, 6);
    gch_buf_deinit(&bytes);
    gch_buf_deinit(&sql);
}

static void test_an_unknown_table_has_none(void)
{
    struct gch_buf sql;
    struct gch_schema schema = {.table = {"other", 5}, .count = 1, .names = {{"_set", 4}}, .types = {{"UInt64", 6}}};
    gch_buf_init(&sql, 1 << 20);
    CHECK(gch_merge_applies(&schema));
    CHECK_INT(gch_merge_put_statement(&schema, &sql), GCH_ERR_INVALID);
    gch_buf_deinit(&sql);
}

static void test_types_do_not_end_the_text_that_they_stand_in(void)
{
    static const char type[] = "DateTime64(3, 'UTC\\')";
    struct gch_buf sql;
    struct gch_schema schema = {.table = {"traces", 6},
                                .count = 3,
                                .names = {{"seen", 4}, {"event_ts", 8}, {"_set", 4}},
                                .types = {{type, sizeof(type) - 1}, {"DateTime64(3)", 13}, {"UInt64", 6}}};
    gch_buf_init(&sql, 1 << 20);
    CHECK_INT(gch_merge_put_statement(&schema, &sql), GCH_OK);
    CHECK(strstr(gch_buf_cstr(&sql), "defaultValueOfTypeName('DateTime64(3, \\'UTC\\\\\\')')") != NULL);
    gch_buf_deinit(&sql);
}

CHECK_MAIN(test_every_table_with_ids_has_a_statement, test_an_unknown_table_has_none,
           test_types_do_not_end_the_text_that_they_stand_in)
