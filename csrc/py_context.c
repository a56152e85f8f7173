#include "py_context.h"

#include "py_plain.h"

static const char *const arguments[] = {
#define X(entry, argument) argument,
    GCH_CONTEXT_MAP(X)
#undef X
};

const char *gch_context_argument(enum gch_context_entry entry)
{
    return arguments[entry];
}

int gch_context_init(struct gch_state *state)
{
    state->context = PyContextVar_New("genesis_ch.context", NULL);
    for (int i = 0; i < GCH_CONTEXT_COUNT && state->context != NULL; i++) {
        state->context_names[i] = PyUnicode_InternFromString(arguments[i]);
        if (state->context_names[i] == NULL)
            return -1;
    }
    return state->context == NULL ? -1 : 0;
}

PyObject *gch_context_get(struct gch_state *state)
{
    PyObject *dict = NULL;
    if (PyContextVar_Get(state->context, NULL, &dict) != 0)
        PyErr_Clear();
    if (dict != NULL && !PyDict_CheckExact(dict))
        Py_CLEAR(dict);
    return dict;
}

PyObject *gch_context_entry(struct gch_state *state, PyObject *dict, enum gch_context_entry entry)
{
    PyObject *value = PyDict_GetItemWithError(dict, state->context_names[entry]);
    if (value == NULL)
        (void)gch_forgive();
    return value == Py_None ? NULL : value;
}

PyObject *gch_context_metadata(PyObject *of_context, PyObject *given)
{
    if (!PyDict_Check(given) || !PyDict_Check(of_context))
        return NULL;
    PyObject *merged = PyDict_Copy(of_context);
    if (merged != NULL && PyDict_Update(merged, given) != 0)
        Py_CLEAR(merged);
    return merged;
}
