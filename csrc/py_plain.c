#include "py_plain.h"

#include <stdbool.h>

#define PLAIN "genesis_ch._plain"

int gch_forgive(void)
{
    if (PyErr_Occurred() == NULL)
        return 0;
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return -1;
    PyErr_Clear();
    return 0;
}

int gch_swallow(struct gch_convert *convert)
{
    bool raised = PyErr_Occurred() != NULL;
    int status = gch_forgive();
    if (raised && status == 0)
        gch_count(&convert->counters->values_replaced, 1);
    return status;
}

PyObject *gch_plain_fetch(PyObject **kept, const char *module_name, const char *name)
{
    if (*kept != NULL)
        return *kept;
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *function = module == NULL ? NULL : PyObject_GetAttrString(module, name);
    Py_XDECREF(module);
    /* Importing ran Python, and another thread may have been here. */
    if (*kept == NULL)
        *kept = function;
    else
        Py_XDECREF(function);
    return *kept;
}

PyObject *gch_plain(struct gch_convert *convert, PyObject *value, int *status)
{
    struct gch_state *state = convert->state;
    *status = 0;
    PyObject *made =
        gch_plain_fetch(&state->plain, PLAIN, "plain") == NULL ? NULL : PyObject_CallOneArg(state->plain, value);
    if (made == Py_NotImplemented) {
        Py_DECREF(made);
        return NULL;
    }
    if (made == NULL)
        *status = gch_forgive();
    return made;
}

PyObject *gch_repr(struct gch_convert *convert, PyObject *value, int *status)
{
    *status = 0;
    gch_count(&convert->counters->values_replaced, 1);
    PyObject *text = PyObject_Repr(value);
    if (text == NULL) {
        *status = gch_forgive();
        if (*status != 0)
            return NULL;
        text = PyUnicode_FromFormat("<%s object whose repr failed>", Py_TYPE(value)->tp_name);
    }
    if (text != NULL && PyUnicode_GET_LENGTH(text) > GCH_REPR_MAX) {
        gch_count(&convert->counters->values_cut, 1);
        Py_SETREF(text, PyUnicode_Substring(text, 0, GCH_REPR_MAX));
    }
    if (text == NULL)
        *status = gch_forgive();
    return text;
}

PyObject *gch_plain_seconds(struct gch_convert *convert, PyObject *value)
{
    struct gch_state *state = convert->state;
    return gch_plain_fetch(&state->seconds, PLAIN, "seconds") == NULL ? NULL
                                                                      : PyObject_CallOneArg(state->seconds, value);
}

PyObject *gch_plain_program(struct gch_convert *convert, PyObject *code)
{
    struct gch_state *state = convert->state;
    return gch_plain_fetch(&state->program, "genesis_ch._plain", "program") == NULL
               ? NULL
               : PyObject_CallOneArg(state->program, code);
}
