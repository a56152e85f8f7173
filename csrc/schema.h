/* What a SCHEMA frame says (gch_table_put_schema): a table's name, and its columns' names and types.
 *
 * Read from bytes that passed their checksum but may be of an older or newer release, so nothing in them is believed.
 * Everything points into those bytes.
 */
#ifndef GCH_SCHEMA_H
#define GCH_SCHEMA_H

#include <stdbool.h>

#include "buf.h"

#define GCH_SCHEMA_COLUMNS_MAX 64

struct gch_name {
    const char *text; /* not NUL-terminated */
    size_t len;
};

struct gch_schema {
    struct gch_name table;
    size_t count;
    struct gch_name names[GCH_SCHEMA_COLUMNS_MAX];
    struct gch_name types[GCH_SCHEMA_COLUMNS_MAX];
};

/* GCH_ERR_INVALID: cut, or more than GCH_SCHEMA_COLUMNS_MAX columns. */
enum gch_status gch_schema_read(struct gch_schema *schema, const struct gch_buf *bytes) GCH_MUST_CHECK;

/* The name of the table alone, empty when it cannot be read; *end is where the header of RowBinaryWithNamesAndTypes
 * begins. */
struct gch_name gch_schema_table(const struct gch_buf *bytes, size_t *end);

static inline bool gch_name_is(struct gch_name name, const char *text)
{
    return name.len == strlen(text) && memcmp(name.text, text, name.len) == 0;
}

#endif
