/* What the extension's files share: the module's state and the pieces of one log call.
 *
 * Everything in py_*.c runs with the GIL. A C file that is not py_*.c never sees Python.
 */
#ifndef GCH_PY_STATE_H
#define GCH_PY_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "buf.h"
#include "counters.h"
#include "secret.h"
#include "tables.h"

#define GCH_ARGUMENTS_MAX 40
#define GCH_METHODS_MAX   24
#define GCH_CONTEXT_MAX   16

struct gch_state {
    PyTypeObject *logger_type;
    PyObject *seconds; /* genesis_ch._plain.seconds, likewise */
    PyObject *plain;   /* genesis_ch._plain.plain, fetched at the first value that needs it */
    PyObject *program; /* genesis_ch._plain.program, likewise */
    PyObject *prices;  /* genesis_ch._prices.cost, likewise; None: there are no prices */
    PyObject *names[GCH_METHODS_MAX][GCH_ARGUMENTS_MAX]; /* interned argument names, by method */
    PyObject *context;                                   /* the ContextVar of py_context.h */
    PyObject *context_names[GCH_CONTEXT_MAX];            /* interned keys of what it holds */
    PyObject *pareto_names[GCH_COLUMNS_MAX]; /* interned keys of a Pareto individual, by column; NULL: not one */
};

extern struct PyModuleDef gch_module;

static inline struct gch_state *gch_state_of_module(PyObject *module)
{
    return PyModule_GetState(module);
}

/* The state behind Logger or a subclass; NULL with an exception set only if the type is not ours. */
static inline struct gch_state *gch_state_of_type(PyTypeObject *type)
{
    PyObject *module = PyType_GetModuleByDef(type, &gch_module);
    return module == NULL ? NULL : gch_state_of_module(module);
}

/* An id that a method returns; None when memory was too short for it. */
static inline PyObject *gch_or_none(PyObject *id)
{
    if (id != NULL)
        return id;
    PyErr_Clear();
    Py_RETURN_NONE;
}

/* A new str of any bytes: what is no UTF-8 (a path, a server's words) becomes U+FFFD. */
static inline PyObject *gch_text(const char *text)
{
    return PyUnicode_DecodeUTF8(text, (Py_ssize_t)strlen(text), "replace");
}

/* What converting the values of one call needs and counts. */
struct gch_convert {
    struct gch_state *state;
    struct gch_counters *counters;
    struct gch_buf *row;     /* where the row goes */
    struct gch_buf *numbers; /* name and value of each finite number in metrics, RowBinary */
    struct gch_buf *path;    /* the dotted key in work */
    size_t number_count;
    const struct gch_secrets *secrets; /* what must not be stored, or NULL: store as given */
};

/* What a conversion returns: -1 only when an exception that must reach the caller is set (KeyboardInterrupt,
 * SystemExit); everything else was stored as documented and counted. */

#endif
