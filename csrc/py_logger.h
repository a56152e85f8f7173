/* genesis_ch._core.Logger: the Python face of gch_logger.
 *
 * The object holds a reference-counted core. It is opened by the first call that needs it; close() takes it away from
 * the object, and the last thread that still waits in flush() frees it. All fields are guarded by the GIL.
 */
#ifndef GCH_PY_LOGGER_H
#define GCH_PY_LOGGER_H

#include "logger.h"
#include "py_row.h"

#define GCH_WAIT_SLICE_MS 50         /* how long a wait goes without looking for Ctrl-C */
#define GCH_SCRATCH_KEEP  (1U << 20) /* memory a logger keeps after a large row */
#define GCH_TASKS_MAX     1024
#define GCH_CODES_MAX     4096

struct gch_core {
    struct gch_logger *logger;
    int users;            /* the object, and each thread that waits without the GIL */
    bool unsaved_counted; /* a close() has counted the rows that are lost with it */
};

struct gch_scratch {
    struct gch_buf row;
    struct gch_buf numbers;
    struct gch_buf path;
};

struct gch_py_logger {
    PyObject_HEAD struct gch_state *state;
    struct gch_core *core; /* NULL: not open */
    bool disabled;         /* open found nowhere to log to; sticky until close() or configure() */
    bool postponed;        /* open could not read its files; the next call tries again */
    bool ending;           /* the interpreter is on its way out */
    PyObject *prepare;     /* called before opening; see genesis_ch/_runtime.py */
    PyObject *prepared;    /* what it returned */
    PyObject *notify;      /* notify(level, count, text) */
    PyObject *overrides;   /* dict of option -> str, from configure() */
    PyObject *tasks;       /* dict of run_id -> task_name */
    PyObject *codes;       /* set of the hashes of programs that were logged since it opened */
    struct gch_scratch scratch;
    bool scratch_busy;
    struct gch_err disabled_reason;
    enum gch_trouble disabled_trouble;
    uint64_t disabled_rows; /* calls that a wrong setting, or a shortage while opening, turned into nothing */
};

/* True when a wrong setting keeps it from recording; where the user asked for none, nothing is lost. */
static inline bool gch_py_logger_is_broken(const struct gch_py_logger *self)
{
    return (self->disabled || self->postponed) && self->disabled_trouble != GCH_TROUBLE_DISABLED;
}

extern PyType_Spec gch_logger_spec;

/* Puts the log methods behind the others in the type's table; call before the type is made. */
PyMethodDef *gch_logger_methods(void);

void gch_scratch_init(struct gch_scratch *scratch);
void gch_scratch_deinit(struct gch_scratch *scratch);

#endif
