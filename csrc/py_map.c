#include "py_map.h"

#include <stdbool.h>

#include "py_json.h"
#include "py_plain.h"
#include "py_value.h"
#include "rowbinary.h"

#define LONELY "value"

/* A str of our own whose text is stored as it is: then two keys that differ stay different. */
static bool is_plain_key(PyObject *key)
{
    return PyUnicode_CheckExact(key) && PyUnicode_KIND(key) == PyUnicode_1BYTE_KIND;
}

static bool has_plain_keys(PyObject *dict)
{
    Py_ssize_t position = 0;
    PyObject *key;
    while (PyDict_Next(dict, &position, &key, NULL)) {
        if (!is_plain_key(key))
            return false;
    }
    return true;
}

/* The key's text as it will be stored, as a new str; NULL as of gch_json_key. */
static PyObject *stored_key(struct gch_convert *convert, PyObject *key, int *status)
{
    PyObject *text = gch_json_key(convert, key, status);
    if (text == NULL)
        return NULL;
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-32-le", "surrogatepass");
    PyObject *stored = NULL;
    int order = -1;
    if (bytes != NULL)
        stored = PyUnicode_DecodeUTF32(PyBytes_AS_STRING(bytes), PyBytes_GET_SIZE(bytes), "replace", &order);
    if (stored == NULL)
        *status = gch_swallow(convert);
    else if (PyUnicode_Compare(stored, text) != 0)
        gch_count(&convert->counters->values_replaced, 1);
    Py_XDECREF(bytes);
    Py_DECREF(text);
    return stored;
}

/* A new dict whose keys are the texts to store. dict is nobody else's. */
static PyObject *with_text_keys(struct gch_convert *convert, PyObject *dict, int *status)
{
    Py_ssize_t position = 0;
    PyObject *key;
    PyObject *value;
    PyObject *made = PyDict_New();
    while (made != NULL && *status == 0 && PyDict_Next(dict, &position, &key, &value)) {
        PyObject *text = stored_key(convert, key, status);
        if (text != NULL && PyDict_SetItem(made, text, value) != 0)
            Py_CLEAR(made);
        Py_XDECREF(text);
    }
    if (made == NULL)
        *status = gch_swallow(convert);
    return made;
}

/* A dict of our own with text for keys, as a new reference; NULL: the value is no mapping, or *status is -1. */
static PyObject *own_dict(struct gch_convert *convert, PyObject *value, int *status)
{
    PyObject *plain = PyDict_CheckExact(value) ? Py_NewRef(value) : gch_plain(convert, value, status);
    PyObject *dict = plain != NULL && PyDict_Check(plain) ? PyDict_Copy(plain) : NULL;
    Py_XDECREF(plain);
    if (PyErr_Occurred() != NULL && *status == 0)
        *status = gch_swallow(convert);
    if (dict != NULL && !has_plain_keys(dict))
        Py_SETREF(dict, with_text_keys(convert, dict, status));
    return dict;
}

static int put_entries(struct gch_convert *convert, PyObject *dict)
{
    Py_ssize_t position = 0;
    PyObject *key;
    PyObject *value;
    int status = 0;
    gch_rb_varint(convert->row, (uint64_t)PyDict_GET_SIZE(dict));
    while (status == 0 && PyDict_Next(dict, &position, &key, &value)) {
        status = gch_value_text(convert, key);
        if (status == 0)
            status = gch_value_text(convert, value);
    }
    return status;
}

int gch_value_map(struct gch_convert *convert, PyObject *value)
{
    int status = 0;
    if (value == NULL || value == Py_None) {
        gch_rb_varint(convert->row, 0);
        return 0;
    }
    PyObject *dict = own_dict(convert, value, &status);
    if (dict != NULL && status == 0) {
        status = put_entries(convert, dict);
    } else if (status == 0) {
        gch_rb_varint(convert->row, 1);
        gch_rb_string(convert->row, LONELY, strlen(LONELY));
        status = gch_value_text(convert, value);
    }
    Py_XDECREF(dict);
    return status;
}
