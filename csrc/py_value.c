#include "py_value.h"

#include <math.h>
#include <stdbool.h>

#include "py_json.h"
#include "py_number.h"
#include "py_plain.h"
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

static int put_json(struct gch_convert *convert, PyObject *value)
{
    size_t mark = gch_rb_string_begin(convert->row);
    int status = gch_json_put(convert, value, 0);
    gch_rb_string_end(convert->row, mark);
    return status;
}

/* Text of something that is no str: numbers in digits, containers as JSON, the unknown as repr. */
static int put_other_text(struct gch_convert *convert, PyObject *value)
{
    int status = 0;
    if (is_container(value))
        return put_json(convert, value);
    PyObject *text = NULL;
    if (PyLong_Check(value) || PyFloat_Check(value)) {
        text = gch_number_text(value);
        status = text == NULL ? gch_swallow(convert) : 0;
    } else {
        PyObject *made = gch_plain(convert, value, &status);
        if (made != NULL) {
            /* A container is written from the value itself, so that one inside itself is seen at once. */
            status = is_container(made) ? put_json(convert, value) : gch_value_text(convert, made);
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

int gch_value_null_text(struct gch_convert *convert, PyObject *value)
{
    bool given = value != NULL && value != Py_None;
    gch_rb_u8(convert->row, given ? 0 : 1);
    return given ? gch_value_text(convert, value) : 0;
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

int gch_value_f64(struct gch_convert *convert, PyObject *value, double absent)
{
    double number = absent;
    int status = value == NULL || value == Py_None ? 0 : gch_number_f64(convert, value, &number);
    gch_rb_f64(convert->row, number);
    return status;
}

int gch_value_i32(struct gch_convert *convert, PyObject *value)
{
    int32_t number = 0;
    int status = value == NULL || value == Py_None ? 0 : gch_number_i32(convert, value, &number);
    gch_rb_i32(convert->row, number);
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
    uint64_t number;
    int status = gch_number_u64(convert, value, &number);
    gch_rb_u64(convert->row, number);
    return status;
}

/* A whole number from 0 to most. One beyond is counted once, here if gch_number_i32 has not. */
static int number_within(struct gch_convert *convert, PyObject *value, int32_t most, int32_t *number)
{
    uint64_t before = gch_counted(&convert->counters->values_clamped);
    int status = gch_number_i32(convert, value, number);
    bool beyond = *number < 0 || *number > most;
    if (beyond && gch_counted(&convert->counters->values_clamped) == before)
        gch_count(&convert->counters->values_clamped, 1);
    *number = *number < 0 ? 0 : *number > most ? most : *number;
    return status;
}

static int put_u16(struct gch_convert *convert, PyObject *value)
{
    int32_t number;
    int status = number_within(convert, value, UINT16_MAX, &number);
    gch_rb_u16(convert->row, (uint16_t)number);
    return status;
}

int gch_value_null_u16(struct gch_convert *convert, PyObject *value)
{
    bool given = value != NULL && value != Py_None;
    gch_rb_u8(convert->row, given ? 0 : 1);
    return given ? put_u16(convert, value) : 0;
}

int gch_value_u8(struct gch_convert *convert, PyObject *value)
{
    int32_t number = 0;
    int status = value == NULL || value == Py_None ? 0 : number_within(convert, value, UINT8_MAX, &number);
    gch_rb_u8(convert->row, (uint8_t)number);
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

/* What an iterator yields, at most GCH_ITEMS_MAX; what came before it failed counts. */
static PyObject *drain(struct gch_convert *convert, PyObject *iterator, int *status)
{
    PyObject *list = PyList_New(0);
    PyObject *item = NULL;
    while (list != NULL && PyList_GET_SIZE(list) < GCH_ITEMS_MAX) {
        item = PyIter_Next(iterator);
        if (item == NULL || PyList_Append(list, item) != 0)
            break;
        Py_CLEAR(item);
    }
    if (list != NULL && PyList_GET_SIZE(list) == GCH_ITEMS_MAX)
        gch_count(&convert->counters->values_cut, 1);
    Py_XDECREF(item);
    *status = gch_swallow(convert);
    return list;
}

static PyObject *only(PyObject *value)
{
    PyObject *list = PyList_New(1);
    if (list != NULL)
        PyList_SET_ITEM(list, 0, Py_NewRef(value));
    return list;
}

PyObject *gch_items(struct gch_convert *convert, PyObject *value, int *status)
{
    *status = 0;
    PyObject *list = NULL;
    if (PyList_Check(value) || PyTuple_Check(value)) {
        list = PySequence_List(value);
    } else if (PyUnicode_Check(value) || PyBytes_Check(value) || PyDict_Check(value)) {
        list = only(value);
    } else {
        PyObject *plain = gch_plain(convert, value, status);
        PyObject *iterator = plain == NULL && *status == 0 ? PyObject_GetIter(value) : NULL;
        if (iterator != NULL)
            list = drain(convert, iterator, status);
        else if (*status == 0)
            *status = gch_forgive();
        if (list == NULL && *status == 0)
            list = plain != NULL && PyList_Check(plain) ? Py_NewRef(plain) : only(value);
        Py_XDECREF(iterator);
        Py_XDECREF(plain);
    }
    if (list == NULL && *status == 0)
        *status = gch_swallow(convert);
    return list;
}

int gch_value_tags(struct gch_convert *convert, PyObject *value)
{
    int status = 0;
    PyObject *list = value == NULL || value == Py_None ? NULL : gch_items(convert, value, &status);
    Py_ssize_t count = list == NULL ? 0 : PyList_GET_SIZE(list);
    gch_rb_varint(convert->row, (uint64_t)count);
    for (Py_ssize_t i = 0; i < count && status == 0; i++)
        status = gch_value_text(convert, PyList_GET_ITEM(list, i));
    Py_XDECREF(list);
    return status;
}

void gch_value_numbers(struct gch_convert *convert, size_t count)
{
    bool whole = gch_buf_status(convert->numbers) == GCH_OK;
    if (!whole)
        gch_count(&convert->counters->values_cut, 1);
    gch_rb_varint(convert->row, whole ? count : 0);
    if (whole)
        gch_buf_append(convert->row, convert->numbers->data, convert->numbers->len);
}

int gch_value_time(struct gch_convert *convert, PyObject *value, int64_t *ms)
{
    if (value == NULL || value == Py_None)
        return 0;
    double seconds = NAN;
    if (PyFloat_Check(value) || PyLong_Check(value)) {
        seconds = PyFloat_AsDouble(value);
    } else {
        PyObject *made = gch_plain_seconds(convert, value);
        if (made != NULL && made != Py_None)
            seconds = PyFloat_AsDouble(made);
        Py_XDECREF(made);
    }
    if (PyErr_Occurred() != NULL)
        seconds = NAN;
    int status = gch_forgive();
    /* What DateTime64(3) holds: 1900-01-01 to 2299-12-31. */
    if (status == 0 && seconds >= -2208988800.0 && seconds < 10413792000.0)
        *ms = (int64_t)llround(seconds * 1000.0);
    else
        count_replaced(convert);
    return status;
}

int gch_value_null_time(struct gch_convert *convert, PyObject *value)
{
    int64_t ms = INT64_MIN;
    int status = gch_value_time(convert, value, &ms);
    gch_rb_u8(convert->row, ms == INT64_MIN ? 1 : 0);
    if (ms != INT64_MIN)
        gch_rb_i64(convert->row, ms);
    return status;
}
