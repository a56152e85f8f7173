#include "schema.h"

static bool read_varint(const struct gch_buf *bytes, size_t *at, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 35; shift += 7) {
        if (*at >= bytes->len)
            return false;
        uint8_t byte = bytes->data[(*at)++];
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

static bool read_name(const struct gch_buf *bytes, size_t *at, struct gch_name *name)
{
    uint64_t len;
    if (!read_varint(bytes, at, &len) || len > bytes->len - *at)
        return false;
    name->text = (const char *)bytes->data + *at;
    name->len = (size_t)len;
    *at += name->len;
    return true;
}

struct gch_name gch_schema_table(const struct gch_buf *bytes, size_t *end)
{
    struct gch_name name = {"", 0};
    *end = 0;
    if (!read_name(bytes, end, &name))
        *end = bytes->len;
    return name;
}

enum gch_status gch_schema_read(struct gch_schema *schema, const struct gch_buf *bytes)
{
    size_t at = 0;
    uint64_t count;
    if (!read_name(bytes, &at, &schema->table) || !read_varint(bytes, &at, &count) || count > GCH_SCHEMA_COLUMNS_MAX)
        return GCH_ERR_INVALID;
    schema->count = (size_t)count;
    for (size_t i = 0; i < 2 * schema->count; i++) {
        struct gch_name *name = i < schema->count ? &schema->names[i] : &schema->types[i - schema->count];
        if (!read_name(bytes, &at, name))
            return GCH_ERR_INVALID;
    }
    return GCH_OK;
}
