#include "py_decode.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "decimal.h"

bool gch_cursor_varint(struct gch_cursor *cursor, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;
        *value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return true;
    }
    return false;
}

static bool take(struct gch_cursor *cursor, void *to, size_t len)
{
    if ((size_t)(cursor->end - cursor->at) < len)
        return false;
    memcpy(to, cursor->at, len);
    cursor->at += len;
    return true;
}

bool gch_cursor_text(struct gch_cursor *cursor, const char **text, size_t *len)
{
    uint64_t value;
    if (!gch_cursor_varint(cursor, &value) || value > (uint64_t)(cursor->end - cursor->at))
        return false;
    *text = (const char *)cursor->at;
    *len = (size_t)value;
    cursor->at += value;
    return true;
}

static PyObject *decode_string(struct gch_cursor *cursor)
{
    const char *text;
    size_t len;
    return gch_cursor_text(cursor, &text, &len) ? PyUnicode_DecodeUTF8(text, (Py_ssize_t)len, "replace") : NULL;
}

static PyObject *decode_integer(struct gch_cursor *cursor, size_t size, bool with_sign)
{
    uint64_t value = 0;
    if (!take(cursor, &value, size))
        return NULL;
    if (!with_sign)
        return PyLong_FromUnsignedLongLong(value);
    unsigned unused = (unsigned)(64 - 8 * size);
    return PyLong_FromLongLong((int64_t)(value << unused) >> unused);
}

static PyObject *decode_float(struct gch_cursor *cursor, size_t size)
{
    double value;
    float narrow;
    if (size == sizeof(value))
        return take(cursor, &value, sizeof(value)) ? PyFloat_FromDouble(value) : NULL;
    return take(cursor, &narrow, sizeof(narrow)) ? PyFloat_FromDouble((double)narrow) : NULL;
}

static PyObject *decode_bool(struct gch_cursor *cursor)
{
    uint8_t value;
    return take(cursor, &value, 1) ? PyBool_FromLong(value) : NULL;
}

/* Ticks since the epoch as "2026-11-21 03:13:31.250". */
static PyObject *decode_time(struct gch_cursor *cursor, size_t size, unsigned digits)
{
    static const int64_t powers[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};
    int64_t ticks = 0;
    if (digits > 9 || !take(cursor, &ticks, size))
        return NULL;
    int64_t part = ticks % powers[digits];
    time_t seconds = (time_t)(ticks / powers[digits]) - (part < 0);
    part += part < 0 ? powers[digits] : 0;
    struct tm day;
    if (gmtime_r(&seconds, &day) == NULL)
        return PyLong_FromLongLong(ticks);
    char text[80];
    size_t len = strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &day);
    if (digits > 0)
        (void)snprintf(text + len, sizeof(text) - len, ".%0*" PRId64, (int)digits, part);
    return PyUnicode_FromString(text);
}

/* What stands in "Decimal(18, 12)", as text with the digits it has; more than 18 digits are not read. */
static PyObject *decode_decimal(struct gch_cursor *cursor, const char *type, size_t len)
{
    unsigned parts[2] = {0, 0};
    int part = 0;
    char text[GCH_DECIMAL_TEXT_MAX];
    int32_t narrow = 0;
    int64_t units = 0;
    for (size_t i = 0; i < len; i++) {
        part += type[i] == ',';
        if (part > 1 || parts[part] > 99)
            return NULL;
        if (type[i] >= '0' && type[i] <= '9')
            parts[part] = parts[part] * 10 + (unsigned)(type[i] - '0');
    }
    if (parts[0] == 0 || parts[0] > 18 || parts[1] > parts[0])
        return NULL;
    if (parts[0] > 9 ? !take(cursor, &units, sizeof(units)) : !take(cursor, &narrow, sizeof(narrow)))
        return NULL;
    size_t written = gch_decimal_write(parts[0] > 9 ? units : narrow, parts[1], text);
    return PyUnicode_FromStringAndSize(text, (Py_ssize_t)written);
}

/* Two little-endian halves. */
static PyObject *decode_uuid(struct gch_cursor *cursor)
{
    uint64_t halves[2];
    char text[40];
    if (!take(cursor, halves, sizeof(halves)))
        return NULL;
    (void)snprintf(text, sizeof(text), "%08" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%04" PRIx64 "-%012" PRIx64,
                   halves[0] >> 32, halves[0] >> 16 & 0xFFFF, halves[0] & 0xFFFF, halves[1] >> 48,
                   halves[1] & UINT64_C(0xFFFFFFFFFFFF));
    return PyUnicode_FromString(text);
}

static PyObject *decode_nullable(struct gch_cursor *cursor, const char *type, size_t len, int depth)
{
    uint8_t is_null;
    if (!take(cursor, &is_null, 1))
        return NULL;
    return is_null != 0 ? Py_NewRef(Py_None) : gch_decode_value(cursor, type, len, depth);
}

static PyObject *decode_array(struct gch_cursor *cursor, const char *type, size_t len, int depth)
{
    uint64_t count;
    if (!gch_cursor_varint(cursor, &count) || count > (uint64_t)(cursor->end - cursor->at))
        return NULL;
    PyObject *list = PyList_New(0);
    for (uint64_t i = 0; i < count && list != NULL; i++) {
        PyObject *item = gch_decode_value(cursor, type, len, depth);
        if (item == NULL || PyList_Append(list, item) != 0)
            Py_CLEAR(list);
        Py_XDECREF(item);
    }
    return list;
}

/* The comma between the two types of a map, outside of their own parentheses. */
static size_t comma_in(const char *type, size_t len)
{
    int depth = 0;
    for (size_t i = 0; i < len; i++) {
        depth += (type[i] == '(') - (type[i] == ')');
        if (type[i] == ',' && depth == 0)
            return i;
    }
    return len;
}

static PyObject *decode_map(struct gch_cursor *cursor, const char *type, size_t len, int depth)
{
    size_t comma = comma_in(type, len);
    size_t second = comma;
    while (second < len && (type[second] == ',' || type[second] == ' '))
        second++;
    uint64_t count;
    if (!gch_cursor_varint(cursor, &count) || count > (uint64_t)(cursor->end - cursor->at))
        return NULL;
    PyObject *map = PyDict_New();
    for (uint64_t i = 0; i < count && map != NULL; i++) {
        PyObject *key = gch_decode_value(cursor, type, comma, depth);
        PyObject *value = key == NULL ? NULL : gch_decode_value(cursor, type + second, len - second, depth);
        if (value == NULL || PyDict_SetItem(map, key, value) != 0)
            Py_CLEAR(map);
        Py_XDECREF(key);
        Py_XDECREF(value);
    }
    return map;
}

static bool is_type(const char *type, size_t len, const char *name)
{
    return len == strlen(name) && memcmp(type, name, len) == 0;
}

/* What stands between "Name(" and ")". */
static bool inner_type(const char **type, size_t *len, const char *name)
{
    size_t name_len = strlen(name);
    if (*len < name_len + 2 || memcmp(*type, name, name_len) != 0 || (*type)[name_len] != '(' ||
        (*type)[*len - 1] != ')')
        return false;
    *type += name_len + 1;
    *len -= name_len + 2;
    return true;
}

static PyObject *decode_number(struct gch_cursor *cursor, const char *type, size_t len)
{
    static const struct {
        const char *name;
        size_t size;
        bool with_sign;
    } integers[] = {{"Int8", 1, true},   {"Int16", 2, true},   {"Int32", 4, true},   {"Int64", 8, true},
                    {"UInt8", 1, false}, {"UInt16", 2, false}, {"UInt32", 4, false}, {"UInt64", 8, false}};
    for (size_t i = 0; i < sizeof(integers) / sizeof(integers[0]); i++) {
        if (is_type(type, len, integers[i].name))
            return decode_integer(cursor, integers[i].size, integers[i].with_sign);
    }
    if (is_type(type, len, "Float64") || is_type(type, len, "Float32"))
        return decode_float(cursor, is_type(type, len, "Float64") ? 8 : 4);
    return is_type(type, len, "DateTime") ? decode_time(cursor, 4, 0) : NULL;
}

PyObject *gch_decode_value(struct gch_cursor *cursor, const char *type, size_t len, int depth)
{
    if (depth >= GCH_DECODE_DEPTH_MAX)
        return NULL;
    if (is_type(type, len, "String"))
        return decode_string(cursor);
    if (is_type(type, len, "Bool"))
        return decode_bool(cursor);
    if (is_type(type, len, "UUID"))
        return decode_uuid(cursor);
    if (inner_type(&type, &len, "LowCardinality"))
        return gch_decode_value(cursor, type, len, depth + 1);
    if (inner_type(&type, &len, "Nullable"))
        return decode_nullable(cursor, type, len, depth + 1);
    if (inner_type(&type, &len, "Array"))
        return decode_array(cursor, type, len, depth + 1);
    if (inner_type(&type, &len, "Map"))
        return decode_map(cursor, type, len, depth + 1);
    if (inner_type(&type, &len, "Decimal"))
        return decode_decimal(cursor, type, len);
    if (inner_type(&type, &len, "DateTime64"))
        return decode_time(cursor, 8, len > 0 ? (unsigned)(type[0] - '0') : 10);
    return decode_number(cursor, type, len);
}
