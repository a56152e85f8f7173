#include "py_value.h"

#include <math.h>
#include <stdbool.h>

#include "py_json.h"
#include "rowbinary.h"
#include "utf8.h"

static void count_replaced(struct gch_convert *convert)
{
    gch_count(&convert->counters->values_replaced, 1);
}

static void put_chars(struct gch_convert *convert, PyObject *text)
{
    size_t count = (size_t)PyUnicode_GET_LENGTH(text);
    if (PyUnicode_IS_ASCII(text)) {
        gch_rb_string(convert->row, PyUnicode_DATA(text), count);
        return;
    }
    size_t mark = gch_rb_string_begin(convert->row);
    size_t replaced;
    switch (PyUnicode_KIND(text)) {
    case PyUnicode_1BYTE_KIND:
        replaced = gch_utf8_from_latin1(convert->row, PyUnicode_DATA(text), count);
        break;
    case PyUnicode_2BYTE_KIND:
        replaced = gch_utf8_from_ucs2(convert->row, PyUnicode_DATA(text), count);
        break;
    default:
        replaced = gch_utf8_from_ucs4(convert->row, PyUnicode_DATA(text), count);
    }
    gch_rb_string_end(convert->row, mark);
    if (replaced != 0)
        count_replaced(convert);
}

static void put_bytes(struct gch_convert *convert, const char *bytes, Py_ssize_t len)
{
    size_t mark = gch_rb_string_begin(convert->row);
    if (gch_utf8_from_bytes(convert->row, (const uint8_t *)bytes, (size_t)len) != 0)
        count_replaced(convert);
    gch_rb_string_end(convert->row, mark);
}

static bool is_container(PyObject *value)
{
    return PyDict_Check(value) || PyList_Check(value) || PyTuple_Check(value);
}

/* Text of something that is no str: numbers and the like as str() has them, containers as JSON, the unknown as repr. */
static int put_other_text(struct gch_convert *convert, PyObject *value)
{
    int status = 0;
    if (is_container(value)) {
        size_t mark = gch_rb_string_begin(convert->row);
        status = gch_json_put(convert, value, 0);
        gch_rb_string_end(convert->row, mark);
        return status;
    }
    PyObject *text = NULL;
    if (PyLong_Check(value) || PyFloat_Check(value)) {
        text = PyObject_Str(value);
        status = text == NULL ? gch_swallow(convert) : 0;
    } else {
        PyObject *made = gch_plain(convert, value, &status);
        if (made != NULL) {
            status = made == value ? 0 : gch_value_text(convert, made);
            Py_DECREF(made);
            return status;
        }
    }
    if (text == NULL && status == 0)
        text = gch_repr(convert, value, &status);
    if (text != NULL)
        put_chars(convert, text);
    else
        gch_rb_string(convert->row, "", 0);
    Py_XDECREF(text);
    return status;
}

int gch_value_text(struct gch_convert *convert, PyObject *value)
{
    if (value == NULL || value == Py_None)
        gch_rb_string(convert->row, "", 0);
    else if (PyUnicode_Check(value))
        put_chars(convert, value);
    else if (PyBytes_Check(value))
        put_bytes(convert, PyBytes_AS_STRING(value), PyBytes_GET_SIZE(value));
    else if (Py_EnterRecursiveCall(" while text is made") != 0)
        return gch_swallow(convert);
    else {
        int status = put_other_text(convert, value);
        Py_LeaveRecursiveCall();
        return status;
    }
    return 0;
}

int gch_value_json(struct gch_convert *convert, PyObject *value, const char *absent, int with_numbers)
{
    if (value == NULL || value == Py_None) {
        gch_rb_string(convert->row, absent, strlen(absent));
        return 0;
    }
    size_t mark = gch_rb_string_begin(convert->row);
    int status = gch_json_put(convert, value, with_numbers);
    gch_rb_string_end(convert->row, mark);
    return status;
}

/* ---- numbers ---- */

/* A number out of anything: *found says whether there is one. Text is read as Python reads it; an array of one element counts. */
static int number_of(struct gch_convert *convert, PyObject *value, double *number, bool *found)
{
    *found = true;
    if (PyFloat_Check(value)) {
        *number = PyFloat_AS_DOUBLE(value);
        return 0;
    }
    PyObject *made = PyNumber_Float(value);
    if (made != NULL) {
        *number = PyFloat_AsDouble(made);
        Py_DECREF(made);
        return 0;
    }
    *found = PyErr_ExceptionMatches(PyExc_OverflowError) && PyLong_Check(value);
    if (*found) {
        int sign = PyObject_RichCompareBool(value, Py_False, Py_LT);
        *number = sign == 1 ? -INFINITY : INFINITY;
    }
    PyErr_Clear();
    if (*found) {
        gch_count(&convert->counters->values_clamped, 1);
        return 0;
    }
    int status;
    PyObject *plain = gch_plain(convert, value, &status);
    if (plain != NULL) {
        *found = PyFloat_Check(plain) || PyLong_Check(plain);
        if (*found)
            *number = PyFloat_Check(plain) ? PyFloat_AS_DOUBLE(plain) : PyLong_AsDouble(plain);
        Py_DECREF(plain);
        status = gch_swallow(convert);
    }
    return status;
}

int gch_value_f64(struct gch_convert *convert, PyObject *value, double absent)
{
    double number = absent;
    if (value != NULL && value != Py_None) {
        bool found;
        number = NAN;
        int status = number_of(convert, value, &number, &found);
        if (status != 0)
            return status;
        if (!found)
            count_replaced(convert);
    }
    gch_rb_f64(convert->row, number);
    return 0;
}

static int64_t clamp(struct gch_convert *convert, double number, int64_t low, int64_t high)
{
    if (isnan(number)) {
        count_replaced(convert);
        return 0;
    }
    number = trunc(number);
    if (number >= (double)low && number <= (double)high)
        return (int64_t)number;
    gch_count(&convert->counters->values_clamped, 1);
    return number < (double)low ? low : high;
}

/* An integer in [low, high] out of anything; floats lose their fraction, what is no number is 0. */
static int integer_of(struct gch_convert *convert, PyObject *value, int64_t low, int64_t high, int64_t *integer)
{
    *integer = 0;
    if (PyLong_Check(value)) {
        int overflow;
        long long exact = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (exact == -1 && PyErr_Occurred() != NULL)
            return gch_swallow(convert);
        *integer = overflow > 0 ? high : overflow < 0 ? low : exact > high ? high : exact < low ? low : exact;
        if (overflow != 0 || *integer != exact)
            gch_count(&convert->counters->values_clamped, 1);
        return 0;
    }
    bool found;
    double number = 0.0;
    int status = number_of(convert, value, &number, &found);
    if (status != 0)
        return status;
    if (!found)
        count_replaced(convert);
    *integer = clamp(convert, number, low, high);
    return 0;
}

int gch_value_i32(struct gch_convert *convert, PyObject *value)
{
    int64_t integer = 0;
    int status = 0;
    if (value != NULL && value != Py_None)
        status = integer_of(convert, value, INT32_MIN, INT32_MAX, &integer);
    gch_rb_i32(convert->row, (int32_t)integer);
    return status;
}

int gch_value_null_i32(struct gch_convert *convert, PyObject *value)
{
    bool given = value != NULL && value != Py_None;
    gch_rb_u8(convert->row, given ? 0 : 1);
    return given ? gch_value_i32(convert, value) : 0;
}

int gch_value_null_u64(struct gch_convert *convert, PyObject *value)
{
    bool given = value != NULL && value != Py_None;
    gch_rb_u8(convert->row, given ? 0 : 1);
    if (!given)
        return 0;
    int64_t integer;
    int status = integer_of(convert, value, 0, INT64_MAX, &integer);
    gch_rb_u64(convert->row, (uint64_t)integer);
    return status;
}

int gch_value_bool(struct gch_convert *convert, PyObject *value)
{
    int truth = 0;
    int status = 0;
    if (value != NULL && value != Py_None)
        truth = PyObject_IsTrue(value);
    if (truth < 0) {
        truth = 0;
        status = gch_swallow(convert);
    }
    gch_rb_u8(convert->row, (uint8_t)truth);
    return status;
}

/* ---- collections ---- */

int gch_value_tags(struct gch_convert *convert, PyObject *value)
{
    if (value == NULL || value == Py_None) {
        gch_rb_varint(convert->row, 0);
        return 0;
    }
    PyObject *list = PyUnicode_Check(value) ? NULL : PySequence_List(value);
    if (list == NULL) {
        int status = gch_swallow(convert);
        gch_rb_varint(convert->row, 1);
        return status != 0 ? status : gch_value_text(convert, value);
    }
    gch_rb_varint(convert->row, (uint64_t)PyList_GET_SIZE(list));
    int status = 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list) && status == 0; i++)
        status = gch_value_text(convert, PyList_GET_ITEM(list, i));
    Py_DECREF(list);
    return status;
}

/* Adds "prefix.key" and the number for every whole number of a dict; dicts inside it add their own. */
static int put_usage(struct gch_convert *convert, struct gch_buf *to, PyObject *dict, size_t *count, int depth)
{
    Py_ssize_t position = 0;
    PyObject *key;
    PyObject *value;
    int status = 0;
    while (status == 0 && depth < GCH_JSON_DEPTH && PyDict_Next(dict, &position, &key, &value)) {
        size_t mark = convert->path->len;
        const char *name = PyUnicode_Check(key) ? PyUnicode_AsUTF8(key) : NULL;
        PyErr_Clear();
        if (name == NULL || mark + strlen(name) + 1 > GCH_NUMBER_PATH_MAX)
            continue;
        if (mark > 0)
            gch_buf_byte(convert->path, '.');
        gch_buf_text(convert->path, name);
        if (PyLong_Check(value) && !PyBool_Check(value)) {
            int64_t integer;
            status = integer_of(convert, value, 0, INT64_MAX, &integer);
            gch_rb_string(to, convert->path->data, convert->path->len);
            gch_rb_u64(to, (uint64_t)integer);
            *count += 1;
        } else if (PyDict_Check(value)) {
            Py_INCREF(value);
            status = put_usage(convert, to, value, count, depth + 1);
            Py_DECREF(value);
        }
        gch_buf_truncate(convert->path, mark);
    }
    return status;
}

int gch_value_usage(struct gch_convert *convert, PyObject *value)
{
    int status = 0;
    size_t count = 0;
    PyObject *dict = NULL;
    if (value != NULL && value != Py_None) {
        dict = PyDict_Check(value) ? Py_NewRef(value) : gch_plain(convert, value, &status);
        if (dict == NULL || !PyDict_Check(dict))
            count_replaced(convert);
    }
    gch_buf_reset(convert->numbers);
    gch_buf_reset(convert->path);
    if (dict != NULL && PyDict_Check(dict) && status == 0)
        status = put_usage(convert, convert->numbers, dict, &count, 0);
    Py_XDECREF(dict);
    gch_rb_varint(convert->row, count);
    gch_buf_append(convert->row, convert->numbers->data, convert->numbers->len);
    return status;
}

int gch_value_time(struct gch_convert *convert, PyObject *value, int64_t *ms)
{
    if (value == NULL || value == Py_None)
        return 0;
    double seconds = NAN;
    if (PyFloat_Check(value) || PyLong_Check(value)) {
        seconds = PyFloat_AsDouble(value);
    } else {
        PyObject *module = PyImport_ImportModule("genesis_ch._plain");
        PyObject *made = module == NULL ? NULL : PyObject_CallMethod(module, "seconds", "O", value);
        if (made != NULL && made != Py_None)
            seconds = PyFloat_AsDouble(made);
        Py_XDECREF(module);
        Py_XDECREF(made);
    }
    int status = gch_swallow(convert);
    /* What DateTime64(3) holds: 1900-01-01 to 2299-12-31. */
    if (status == 0 && seconds >= -2208988800.0 && seconds < 10413792000.0)
        *ms = (int64_t)llround(seconds * 1000.0);
    else
        count_replaced(convert);
    return status;
}
