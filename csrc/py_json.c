#include "py_json.h"

#include <math.h>
#include <stdbool.h>

#include "json_write.h"
#include "py_number.h"
#include "py_plain.h"
#include "rowbinary.h"

/* Where the walk is: the containers it is inside of, so that a container inside itself is seen. */
struct walk {
    struct gch_convert *convert;
    PyObject *inside[GCH_JSON_DEPTH];
    int depth;
    bool numbers;             /* every container so far is a dict */
    enum gch_secrecy secrecy; /* of what is written now, by the keys above it */
};

static int put(struct walk *walk, PyObject *value);

static void put_str(struct gch_convert *convert, PyObject *text)
{
    size_t count = (size_t)PyUnicode_GET_LENGTH(text);
    const void *chars = PyUnicode_DATA(text);
    size_t replaced;
    switch (PyUnicode_KIND(text)) {
    case PyUnicode_1BYTE_KIND:
        replaced = gch_json_latin1(convert->row, chars, count);
        break;
    case PyUnicode_2BYTE_KIND:
        replaced = gch_json_ucs2(convert->row, chars, count);
        break;
    default:
        replaced = gch_json_ucs4(convert->row, chars, count);
    }
    if (replaced != 0)
        gch_count(&convert->counters->values_replaced, 1);
}

static void put_redacted(struct gch_convert *convert)
{
    gch_buf_text(convert->row, "\"" GCH_REDACTED "\"");
    gch_count(&convert->counters->values_redacted, 1);
}

/* True when the text held secrets and stands redacted in the row. */
static bool put_without_secrets(struct walk *walk, const char *text, size_t len)
{
    struct gch_convert *convert = walk->convert;
    if (walk->secrecy != GCH_SECRECY_NONE) {
        if (gch_secret_is_empty(text, len))
            return false;
        put_redacted(convert);
        return true;
    }
    struct gch_buf shown;
    gch_buf_init(&shown, (len + 1) * sizeof(GCH_REDACTED));
    bool held = gch_secrets_redact(convert->secrets, text, len, &shown);
    if (held && gch_buf_status(&shown) == GCH_OK) {
        (void)gch_json_bytes(convert->row, shown.data, shown.len);
        gch_count(&convert->counters->values_redacted, 1);
    } else if (held) {
        put_redacted(convert);
    }
    gch_buf_deinit(&shown);
    return held;
}

/* A text that is a value, not a key. One whose bytes cannot be had (no memory) is not shown. */
static void put_text(struct walk *walk, PyObject *text)
{
    if (walk->convert->secrets == NULL) {
        put_str(walk->convert, text);
        return;
    }
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "replace");
    if (bytes == NULL) {
        PyErr_Clear();
        put_redacted(walk->convert);
        return;
    }
    if (!put_without_secrets(walk, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)))
        put_str(walk->convert, text);
    Py_DECREF(bytes);
}

/* Integers past 64 bits are written in full, JSON has no limit; those that only have a hexadecimal text, as that. */
static int put_big_int(struct walk *walk, PyObject *value)
{
    struct gch_buf *row = walk->convert->row;
    PyObject *text = gch_number_text(value);
    if (text == NULL) {
        gch_buf_text(row, "null");
        return gch_swallow(walk->convert);
    }
    Py_ssize_t len = PyUnicode_GET_LENGTH(text);
    if (PyUnicode_FindChar(text, 'x', 0, len, 1) >= 0)
        put_str(walk->convert, text);
    else
        gch_buf_append(row, PyUnicode_DATA(text), (size_t)len);
    Py_DECREF(text);
    return 0;
}

static void take_number(struct walk *walk, double value)
{
    struct gch_convert *convert = walk->convert;
    if (!walk->numbers || convert->path->len == 0 || !isfinite(value))
        return;
    gch_rb_string(convert->numbers, convert->path->data, convert->path->len);
    gch_rb_f64(convert->numbers, value);
    convert->number_count += 1;
}

static int put_int(struct walk *walk, PyObject *value)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (number == -1 && PyErr_Occurred() != NULL)
        return gch_swallow(walk->convert);
    if (overflow == 0) {
        gch_json_int(walk->convert->row, number);
        take_number(walk, (double)number);
        return 0;
    }
    double wide = PyLong_AsDouble(value);
    if (wide == -1.0 && PyErr_Occurred() != NULL)
        PyErr_Clear();
    else
        take_number(walk, wide);
    return put_big_int(walk, value);
}

static void put_double(struct walk *walk, double value)
{
    (void)gch_json_double(walk->convert->row, value);
    take_number(walk, value);
}

/* ---- containers ---- */

static bool enter(struct walk *walk, PyObject *container)
{
    for (int i = walk->depth - 1; i >= 0; i--) {
        if (walk->inside[i] == container) {
            gch_buf_text(walk->convert->row, "\"<the container itself>\"");
            gch_count(&walk->convert->counters->values_cut, 1);
            return false;
        }
    }
    if (walk->depth == GCH_JSON_DEPTH) {
        gch_buf_text(walk->convert->row, "\"<nested too deeply>\"");
        gch_count(&walk->convert->counters->values_cut, 1);
        return false;
    }
    walk->inside[walk->depth++] = container;
    return true;
}

/* The dotted path grows by the key's text. False: a path too long, or a key with a lone surrogate, names no number. */
static bool push_path(struct walk *walk, PyObject *key)
{
    struct gch_buf *path = walk->convert->path;
    Py_ssize_t len = 0;
    const char *text = PyUnicode_AsUTF8AndSize(key, &len);
    if (text == NULL || path->len + (size_t)len + 1 > GCH_NUMBER_PATH_MAX) {
        PyErr_Clear();
        return false;
    }
    if (path->len > 0)
        gch_buf_byte(path, '.');
    gch_buf_append(path, text, (size_t)len);
    return true;
}

static PyObject *simple_key_text(PyObject *key)
{
    if (PyUnicode_Check(key))
        return Py_NewRef(key);
    if (key == Py_None || key == Py_True || key == Py_False)
        return PyUnicode_FromString(key == Py_None ? "null" : key == Py_True ? "true" : "false");
    return PyLong_Check(key) || PyFloat_Check(key) ? gch_number_text(key) : NULL;
}

PyObject *gch_json_key(struct gch_convert *convert, PyObject *key, int *status)
{
    *status = 0;
    PyObject *text = simple_key_text(key);
    if (text != NULL || PyErr_Occurred() != NULL) {
        *status = gch_forgive();
        return text;
    }
    PyObject *made = PyTuple_Check(key) ? NULL : gch_plain(convert, key, status);
    text = made == NULL ? NULL : simple_key_text(made);
    Py_XDECREF(made);
    if (text == NULL && *status == 0)
        *status = gch_forgive();
    if (text == NULL && *status == 0) {
        text = PyObject_Str(key);
        *status = text == NULL ? gch_forgive() : 0;
    }
    if (text == NULL && *status == 0)
        text = gch_repr(convert, key, status);
    return text;
}

/* What is below a secret key is secret too, whatever its own keys are. */
static void look_at_key(struct walk *walk, PyObject *key)
{
    PyObject *bytes = PyUnicode_AsEncodedString(key, "utf-8", "replace");
    enum gch_secrecy secrecy = GCH_SECRECY_TEXT;
    if (bytes != NULL)
        secrecy = gch_secret_key(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    PyErr_Clear();
    Py_XDECREF(bytes);
    walk->secrecy = secrecy > walk->secrecy ? secrecy : walk->secrecy;
}

static int put_item(struct walk *walk, PyObject *key, PyObject *value, bool first)
{
    struct gch_convert *convert = walk->convert;
    int status;
    PyObject *text = gch_json_key(convert, key, &status);
    if (text == NULL)
        return status;
    if (!first)
        gch_buf_byte(convert->row, ',');
    put_str(convert, text);
    gch_buf_byte(convert->row, ':');
    size_t path_len = convert->path->len;
    bool numbers = walk->numbers;
    enum gch_secrecy secrecy = walk->secrecy;
    walk->numbers = numbers && push_path(walk, text);
    if (convert->secrets != NULL)
        look_at_key(walk, text);
    Py_DECREF(text);
    status = put(walk, value);
    walk->numbers = numbers;
    walk->secrecy = secrecy;
    gch_buf_truncate(convert->path, path_len);
    return status;
}

static int put_dict(struct walk *walk, PyObject *dict)
{
    Py_ssize_t position = 0;
    PyObject *key;
    PyObject *value;
    int status = 0;
    bool first = true;
    Py_ssize_t left = PyDict_GET_SIZE(dict);
    gch_buf_byte(walk->convert->row, '{');
    while (status == 0 && left-- > 0 && PyDict_Next(dict, &position, &key, &value)) {
        Py_INCREF(key);
        Py_INCREF(value);
        status = put_item(walk, key, value, first);
        first = false;
        Py_DECREF(key);
        Py_DECREF(value);
    }
    gch_buf_byte(walk->convert->row, '}');
    return status;
}

static int put_list(struct walk *walk, PyObject *list)
{
    int status = 0;
    bool numbers = walk->numbers;
    Py_ssize_t count = PySequence_Fast_GET_SIZE(list);
    walk->numbers = false;
    gch_buf_byte(walk->convert->row, '[');
    for (Py_ssize_t i = 0; status == 0 && i < count && i < PySequence_Fast_GET_SIZE(list); i++) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(list, i));
        if (i > 0)
            gch_buf_byte(walk->convert->row, ',');
        status = put(walk, item);
        Py_DECREF(item);
    }
    gch_buf_byte(walk->convert->row, ']');
    walk->numbers = numbers;
    return status;
}

/* An object that is none of JSON's own. Its plain form may again hold anything, itself too, so it counts as a level. */
static int put_other(struct walk *walk, PyObject *value)
{
    int status;
    if (!enter(walk, value))
        return 0;
    PyObject *made = gch_plain(walk->convert, value, &status);
    if (made != NULL && made != value) {
        status = put(walk, made);
    } else if (status == 0) {
        PyObject *text = gch_repr(walk->convert, value, &status);
        if (text != NULL)
            put_text(walk, text);
        else
            gch_buf_text(walk->convert->row, "null");
        Py_XDECREF(text);
    }
    Py_XDECREF(made);
    walk->depth -= 1;
    return status;
}

static int put_container(struct walk *walk, PyObject *value)
{
    if (!enter(walk, value))
        return 0;
    int status = PyDict_CheckExact(value) ? put_dict(walk, value) : put_list(walk, value);
    walk->depth -= 1;
    return status;
}

static int put(struct walk *walk, PyObject *value)
{
    struct gch_buf *row = walk->convert->row;
    if (gch_buf_status(row) != GCH_OK)
        return 0;
    if (PyUnicode_Check(value))
        put_text(walk, value);
    else if (walk->secrecy == GCH_SECRECY_ALL && PyNumber_Check(value) && !PyBool_Check(value))
        put_redacted(walk->convert);
    else if (PyFloat_Check(value))
        put_double(walk, PyFloat_AS_DOUBLE(value));
    else if (value == Py_None)
        gch_buf_text(row, "null");
    else if (value == Py_True)
        gch_buf_text(row, "true");
    else if (value == Py_False)
        gch_buf_text(row, "false");
    else if (PyLong_Check(value))
        return put_int(walk, value);
    else if (PyDict_CheckExact(value) || PyList_Check(value) || PyTuple_Check(value))
        return put_container(walk, value);
    else
        return put_other(walk, value);
    return 0;
}

int gch_json_put(struct gch_convert *convert, PyObject *value, int with_numbers)
{
    struct walk walk;
    walk.convert = convert;
    walk.depth = 0;
    walk.numbers = with_numbers != 0;
    walk.secrecy = GCH_SECRECY_NONE;
    gch_buf_reset(convert->path);
    return put(&walk, value);
}
