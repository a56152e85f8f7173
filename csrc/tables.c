#include "tables.h"

#include "rowbinary.h"

#define COLUMN(name, form) {#name, GCH_FORM_##form},
#define X(table)           static const struct gch_column columns_##table[] = {GCH_COLUMNS_##table(COLUMN)};
GCH_TABLE_MAP(X)
#undef X

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const struct gch_table tables[] = {
#define X(table) {#table, columns_##table, COUNT(columns_##table)},
    GCH_TABLE_MAP(X)
#undef X
};

static const char *const form_types[] = {
#define X(form, type) type,
    GCH_FORM_MAP(X)
#undef X
};

#define X(table) _Static_assert(COUNT(columns_##table) <= GCH_COLUMNS_MAX, "raise GCH_COLUMNS_MAX");
GCH_TABLE_MAP(X)
#undef X

const struct gch_table *gch_table_get(enum gch_table_id id)
{
    return &tables[id];
}

const char *gch_form_type(enum gch_form form)
{
    return form_types[form];
}

int gch_table_find(const struct gch_table *table, const char *column)
{
    for (size_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, column) == 0)
            return (int)i;
    }
    return -1;
}

void gch_table_put_schema(const struct gch_table *table, struct gch_buf *buf)
{
    gch_rb_string(buf, table->name, strlen(table->name));
    gch_rb_varint(buf, table->column_count);
    for (size_t i = 0; i < table->column_count; i++)
        gch_rb_string(buf, table->columns[i].name, strlen(table->columns[i].name));
    for (size_t i = 0; i < table->column_count; i++) {
        const char *type = form_types[table->columns[i].form];
        gch_rb_string(buf, type, strlen(type));
    }
}
