#include "py_usage.h"

#include <stdbool.h>

#include "py_json.h"
#include "py_number.h"
#include "py_plain.h"
#include "py_value.h"
#include "rowbinary.h"

#define DEPTH_MAX      8
#define MODALITIES_MAX 16

static void count_replaced(struct gch_convert *convert)
{
    gch_count(&convert->counters->values_replaced, 1);
}

static bool push_name(struct gch_convert *convert, PyObject *key)
{
    Py_ssize_t len = 0;
    const char *name = PyUnicode_Check(key) ? PyUnicode_AsUTF8AndSize(key, &len) : NULL;
    PyErr_Clear();
    if (name == NULL || convert->path->len + (size_t)len + 1 > GCH_NUMBER_PATH_MAX)
        return false;
    if (convert->path->len > 0)
        gch_buf_byte(convert->path, '.');
    gch_buf_append(convert->path, name, (size_t)len);
    return true;
}

static bool is_whole(PyObject *value)
{
    return (PyLong_Check(value) || PyFloat_Check(value) || PyIndex_Check(value)) && !PyBool_Check(value);
}

static int put_usage(struct gch_convert *convert, struct gch_buf *to, PyObject *dict, size_t *count, int depth);

static int put_number(struct gch_convert *convert, struct gch_buf *to, PyObject *value, size_t *count)
{
    uint64_t number;
    int status = gch_number_u64(convert, value, &number);
    gch_rb_string(to, convert->path->data, convert->path->len);
    gch_rb_u64(to, number);
    *count += 1;
    return status;
}

/* A borrowed member, or NULL. The keys are ours, so that no exception tells anything. */
static PyObject *member(PyObject *dict, const char *name, const char *other)
{
    PyObject *value = PyDict_GetItemString(dict, name);
    return value != NULL ? value : PyDict_GetItemString(dict, other);
}

/* One {"modality": "AUDIO", "tokenCount": 5}, as Gemini lists them: its number, under the modality. */
static int put_modality(struct gch_convert *convert, struct gch_buf *to, PyObject *item, size_t *count)
{
    int status = 0;
    size_t mark = convert->path->len;
    PyObject *dict = PyDict_Check(item) ? Py_NewRef(item) : gch_plain(convert, item, &status);
    if (dict != NULL && PyDict_Check(dict)) {
        PyObject *name = Py_XNewRef(PyDict_GetItemString(dict, "modality"));
        PyObject *tokens = Py_XNewRef(member(dict, "tokenCount", "token_count"));
        if (name != NULL && tokens != NULL && is_whole(tokens) && push_name(convert, name))
            status = put_number(convert, to, tokens, count);
        Py_XDECREF(name);
        Py_XDECREF(tokens);
        gch_buf_truncate(convert->path, mark);
    }
    Py_XDECREF(dict);
    return status;
}

static int put_modalities(struct gch_convert *convert, struct gch_buf *to, PyObject *list, size_t *count)
{
    int status = 0;
    for (Py_ssize_t i = 0; i < MODALITIES_MAX && i < PyList_GET_SIZE(list) && status == 0; i++) {
        PyObject *item = Py_NewRef(PyList_GET_ITEM(list, i));
        if (!is_whole(item) && !PyUnicode_Check(item))
            status = put_modality(convert, to, item, count);
        Py_DECREF(item);
    }
    return status;
}

static int put_usage_item(struct gch_convert *convert, struct gch_buf *to, PyObject *value, size_t *count, int depth)
{
    int status = 0;
    if (PyDict_Check(value))
        return depth + 1 < DEPTH_MAX ? put_usage(convert, to, value, count, depth + 1) : 0;
    if (PyList_Check(value))
        return put_modalities(convert, to, value, count);
    if (!is_whole(value)) {
        PyObject *dict = value == Py_None || PyUnicode_Check(value) ? NULL : gch_plain(convert, value, &status);
        if (dict != NULL && PyDict_Check(dict) && depth + 1 < DEPTH_MAX)
            status = put_usage(convert, to, dict, count, depth + 1);
        Py_XDECREF(dict);
        return status;
    }
    return put_number(convert, to, value, count);
}

/* Adds "prefix.key" and the number for every number of a dict; dicts inside it add their own. */
static int put_usage(struct gch_convert *convert, struct gch_buf *to, PyObject *dict, size_t *count, int depth)
{
    Py_ssize_t position = 0;
    PyObject *key;
    PyObject *value;
    int status = 0;
    Py_ssize_t left = PyDict_GET_SIZE(dict);
    while (status == 0 && left-- > 0 && PyDict_Next(dict, &position, &key, &value)) {
        size_t mark = convert->path->len;
        if (!push_name(convert, key))
            continue;
        Py_INCREF(value);
        status = put_usage_item(convert, to, value, count, depth);
        Py_DECREF(value);
        gch_buf_truncate(convert->path, mark);
    }
    return status;
}

/* A mapping, or what has the form of one; NULL, and counted: neither. */
static PyObject *mapping_of(struct gch_convert *convert, PyObject *value, int *status)
{
    PyObject *dict = PyDict_Check(value) ? Py_NewRef(value) : gch_plain(convert, value, status);
    if (dict != NULL && PyDict_Check(dict))
        return dict;
    if (*status == 0)
        count_replaced(convert);
    Py_XDECREF(dict);
    return NULL;
}

static int walk(struct gch_convert *convert, PyObject *value)
{
    int status = 0;
    gch_buf_reset(convert->numbers);
    gch_buf_reset(convert->path);
    convert->number_count = 0;
    if (value == NULL || value == Py_None)
        return 0;
    PyObject *dict = mapping_of(convert, value, &status);
    if (dict != NULL)
        status = put_usage(convert, convert->numbers, dict, &convert->number_count, 0);
    Py_XDECREF(dict);
    return status;
}

/* What the caller says himself, if it is a number. */
static int take_said(struct gch_convert *convert, PyObject *value, struct gch_usage *usage,
                     void (*take)(struct gch_usage *usage, uint64_t tokens))
{
    uint64_t tokens;
    if (value == NULL || value == Py_None)
        return 0;
    int status = gch_number_u64(convert, value, &tokens);
    if (status == 0)
        take(usage, tokens);
    return status;
}

int gch_value_usage_read(struct gch_convert *convert, PyObject *value, PyObject *input_tokens, PyObject *output_tokens,
                         struct gch_usage *usage)
{
    gch_usage_init(usage);
    int status = walk(convert, value);
    if (gch_buf_status(convert->numbers) == GCH_OK)
        gch_usage_take_pairs(usage, convert->numbers->data, convert->numbers->len);
    if (status == 0)
        status = take_said(convert, input_tokens, usage, gch_usage_take_input);
    if (status == 0)
        status = take_said(convert, output_tokens, usage, gch_usage_take_output);
    gch_usage_sort(usage);
    if ((usage->flags & GCH_USAGE_CLAMPED) != 0)
        gch_count(&convert->counters->values_clamped, 1);
    return status;
}

void gch_value_usage_given(struct gch_convert *convert)
{
    gch_value_numbers(convert, convert->number_count);
}

void gch_value_usage_buckets(struct gch_convert *convert, const struct gch_usage *usage)
{
    bool whole = gch_buf_status(convert->numbers) == GCH_OK;
    gch_usage_put(usage, convert->numbers->data, whole ? convert->numbers->len : 0, convert->row);
}

static void put_tokens(struct gch_convert *convert, bool known, uint64_t tokens)
{
    gch_rb_u8(convert->row, known ? 0 : 1);
    if (known)
        gch_rb_u64(convert->row, tokens);
}

void gch_value_usage_input(struct gch_convert *convert, const struct gch_usage *usage)
{
    uint64_t tokens = usage->said_input;
    bool known = usage->has_said_input || gch_usage_prompt(usage, &tokens);
    put_tokens(convert, known, tokens);
}

void gch_value_usage_output(struct gch_convert *convert, const struct gch_usage *usage)
{
    bool known = usage->has_said_output || gch_usage_knows(usage, GCH_USAGE_OUTPUT);
    put_tokens(convert, known, usage->has_said_output ? usage->said_output : usage->value[GCH_USAGE_OUTPUT]);
}

int gch_value_usage(struct gch_convert *convert, PyObject *value)
{
    int status = walk(convert, value);
    gch_value_usage_given(convert);
    return status;
}

PyObject *gch_usage_dict(const struct gch_usage *usage)
{
    PyObject *dict = PyDict_New();
    for (enum gch_usage_bucket bucket = 0; bucket < GCH_USAGE_BUCKET_COUNT && dict != NULL; bucket++) {
        if (!gch_usage_knows(usage, bucket))
            continue;
        PyObject *number = PyLong_FromUnsignedLongLong(usage->value[bucket]);
        if (number == NULL || PyDict_SetItemString(dict, gch_usage_name(bucket), number) != 0)
            Py_CLEAR(dict);
        Py_XDECREF(number);
    }
    return dict;
}
