#include "py_logger.h"

#include "py_core.h"
#include "py_log.h"
#include "py_migrate.h"
#include "py_stats.h"
#include "thread.h"
#include "ticket.h"

/* ---- life ---- */

static PyObject *logger_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    (void)args;
    (void)kwargs;
    struct gch_py_logger *self = (struct gch_py_logger *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->state = gch_state_of_type(type);
    self->overrides = PyDict_New();
    self->tasks = PyDict_New();
    self->codes = PySet_New(NULL);
    gch_scratch_init(&self->scratch);
    if (self->state == NULL || self->overrides == NULL || self->tasks == NULL || self->codes == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static int logger_init(PyObject *object, PyObject *args, PyObject *kwargs)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    static char *names[] = {(char *)(uintptr_t) "prepare", (char *)(uintptr_t) "notify", NULL};
    PyObject *prepare;
    PyObject *notify;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO", names, &prepare, &notify))
        return -1;
    Py_XSETREF(self->prepare, Py_NewRef(prepare));
    Py_XSETREF(self->notify, Py_NewRef(notify));
    return 0;
}

static int logger_traverse(PyObject *object, visitproc visit, void *arg)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    Py_VISIT(Py_TYPE(object));
    Py_VISIT(self->prepare);
    Py_VISIT(self->prepared);
    Py_VISIT(self->notify);
    Py_VISIT(self->overrides);
    Py_VISIT(self->tasks);
    Py_VISIT(self->codes);
    return 0;
}

static int logger_clear(PyObject *object)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    Py_CLEAR(self->prepare);
    Py_CLEAR(self->prepared);
    Py_CLEAR(self->notify);
    Py_CLEAR(self->overrides);
    Py_CLEAR(self->tasks);
    Py_CLEAR(self->codes);
    return 0;
}

static void logger_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    PyObject_GC_UnTrack(object);
    gch_core_drop(self, self->core);
    (void)logger_clear(object);
    gch_scratch_deinit(&self->scratch);
    type->tp_free(object);
    Py_DECREF(type);
}

/* ---- flush, close, connect ---- */

/* seconds from None or a number; -1.0 stands for "no limit". False with an exception set. */
static bool parse_seconds(PyObject *value, double *seconds)
{
    *seconds = -1.0;
    if (value == Py_None)
        return true;
    *seconds = PyFloat_AsDouble(value);
    if (*seconds == -1.0 && PyErr_Occurred() != NULL)
        return false;
    if (*seconds < 0.0)
        *seconds = 0.0;
    return true;
}

/* delivered, pending, rejected, dropped, parked, last_error: of this process so far. */
static PyObject *make_result(struct gch_logger *logger)
{
    struct gch_sender_report report = {0};
    const struct gch_counters *counters = &logger->counters;
    gch_sender_get_report(&logger->sender, &report);
    PyObject *error = report.last_error.text[0] != '\0' ? gch_text(report.last_error.text) : Py_NewRef(Py_None);
    return Py_BuildValue("KKKKKN", (unsigned long long)gch_counted(&counters->rows_delivered),
                         (unsigned long long)gch_logger_pending(logger),
                         (unsigned long long)gch_counted(&counters->rows_rejected),
                         (unsigned long long)gch_counted(&counters->rows_dropped),
                         (unsigned long long)gch_counted(&counters->rows_parked), error);
}

/* At the end, rows that are only in memory are lost when the disk still refuses: counted, and said. */
static void count_unsaved(struct gch_core *core)
{
    struct gch_logger *logger = core->logger;
    uint64_t rows = core->unsaved_counted ? 0 : gch_outbox_unsaved(&logger->outbox);
    if (rows == 0)
        return;
    core->unsaved_counted = true;
    struct gch_err err;
    gch_count(&logger->counters.rows_dropped, rows);
    (void)gch_err_set(&err, GCH_ERR_IO,
                      "%llu rows were only in memory and are lost: the server did not take them in time, and the "
                      "outbox %s cannot be written",
                      (unsigned long long)rows, logger->place.outbox);
    gch_notice_resolve(&logger->notices, GCH_CAUSE_OUTBOX_FULL);
    gch_notice_post(&logger->notices, GCH_CAUSE_OUTBOX_FULL, err.text);
}

/* Flushes the open core; the result, or NULL with Ctrl-C's exception set. */
static PyObject *flush_open(struct gch_py_logger *self, double seconds, bool last)
{
    struct gch_core *core = gch_core_take(self);
    int waited = gch_core_flush(core, seconds);
    PyObject *result = NULL;
    if (last)
        count_unsaved(core);
    if (waited >= 0 && gch_core_tell(self, core->logger) == 0)
        result = make_result(core->logger);
    gch_core_give(core);
    return result;
}

/* What flush and close say when nothing is recorded: None, or the rows that a wrong setting cost, and which. */
static PyObject *make_disabled_result(const struct gch_py_logger *self)
{
    if (!gch_py_logger_is_broken(self))
        Py_RETURN_NONE;
    return Py_BuildValue("iiiKiN", 0, 0, 0, (unsigned long long)self->disabled_rows, 0,
                         gch_text(self->disabled_reason.text));
}

/* Opens when nothing is open yet, because dead processes may have left rows. None: recording is disabled. */
static PyObject *logger_flush(PyObject *object, PyObject *timeout)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    double seconds;
    int raised;
    if (!parse_seconds(timeout, &seconds))
        return NULL;
    if (gch_core_open(self, &raised) == GCH_OK)
        return flush_open(self, seconds, false);
    return raised != 0 ? NULL : make_disabled_result(self);
}

/* None: nothing was open. */
static PyObject *logger_close(PyObject *object, PyObject *timeout)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    double seconds;
    if (!parse_seconds(timeout, &seconds))
        return NULL;
    bool open = self->core != NULL && !gch_logger_inherited(self->core->logger);
    /* Held, so that a core that another thread opens meanwhile is not taken for it. */
    struct gch_core *core = open ? gch_core_take(self) : self->core;
    PyObject *result = open ? flush_open(self, seconds, true) : make_disabled_result(self);
    gch_core_drop(self, core);
    if (open)
        gch_core_give(core);
    return result;
}

static PyObject *logger_connect(PyObject *object, PyObject *timeout)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    double seconds;
    int raised;
    if (!parse_seconds(timeout, &seconds))
        return NULL;
    if (gch_core_open(self, &raised) != GCH_OK)
        return raised != 0 ? NULL
                           : Py_BuildValue("isN", 1, gch_trouble_word(self->disabled_trouble),
                                           gch_text(self->disabled_reason.text));
    struct gch_core *core = gch_core_take(self);
    int waited = gch_core_connect(core, seconds);
    PyObject *result = NULL;
    if (waited >= 0 && gch_core_tell(self, core->logger) == 0) {
        struct gch_sender_report report;
        gch_sender_get_report(&core->logger->sender, &report);
        const char *reason =
            report.last_error.text[0] != '\0' ? report.last_error.text : "no answer in time; give it a longer timeout";
        enum gch_trouble trouble = report.trouble != GCH_TROUBLE_NONE ? report.trouble : GCH_TROUBLE_TIMEOUT;
        result = waited == 0 ? Py_BuildValue("iss", 0, "none", "")
                             : Py_BuildValue("isN", 1, gch_trouble_word(trouble), gch_text(reason));
    }
    gch_core_give(core);
    return result;
}

/* url, user, password, database, settings; None before a connection was made. */
static PyObject *logger_endpoint(PyObject *object, PyObject *unused)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    (void)unused;
    if (self->core == NULL || gch_logger_inherited(self->core->logger))
        Py_RETURN_NONE;
    struct gch_core *core = gch_core_take(self);
    const struct gch_place *place = &core->logger->place;
    struct gch_sender_report report;
    PyObject *result;
    gch_sender_get_report(&core->logger->sender, &report);
    if (place->mode == GCH_MODE_HTTP)
        result = Py_BuildValue("ssssss", place->url.base, place->url.user, place->url.password, place->url.database,
                               place->url.settings, place->ca_file);
    else if (report.endpoint.url[0] == '\0')
        result = Py_NewRef(Py_None);
    else
        result = Py_BuildValue("ssssss", report.endpoint.url, "default", report.endpoint.token, "default", "", "");
    gch_core_give(core);
    return result;
}

/* ---- options ---- */

static PyObject *option_text(int option, PyObject *name, PyObject *value)
{
    bool flag = gch_option_get((enum gch_option)option)->kind == GCH_KIND_FLAG;
    if ((PyBool_Check(value) && !flag) || !(PyUnicode_Check(value) || PyLong_Check(value) || PyFloat_Check(value)))
        return PyErr_Format(PyExc_TypeError, "%U takes text or a number, not %s", name, Py_TYPE(value)->tp_name);
    return PyObject_Str(value);
}

/* The option's number, or -1 with an exception set that names the nearest. */
static int find_option(PyObject *name)
{
    const char *nearest;
    const char *text = PyUnicode_AsUTF8(name);
    int option = text == NULL ? -1 : gch_option_find(text, &nearest);
    if (text != NULL && option < 0)
        PyErr_Format(PyExc_TypeError, "configure() has no option \"%U\"; did you mean \"%s\"?", name, nearest);
    return option;
}

/* The value as the text that opening would take; NULL with an exception set when it would not. */
static PyObject *check_value(int option, PyObject *name, PyObject *value)
{
    PyObject *text = option_text(option, name, value);
    const char *bytes = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    if (bytes == NULL) {
        Py_XDECREF(text);
        return NULL;
    }
    struct gch_settings settings;
    struct gch_url url = {0};
    struct gch_err err = {{0}};
    enum gch_status status = gch_settings_init(&settings);
    if (status == GCH_OK)
        status = gch_settings_set(&settings, (enum gch_option)option, bytes, &err);
    if (status == GCH_OK && option == GCH_OPTION_url && bytes[0] != '\0')
        status = gch_url_parse(&url, bytes, &err);
    gch_url_deinit(&url);
    gch_settings_deinit(&settings);
    if (status == GCH_OK)
        return text;
    Py_DECREF(text);
    return PyErr_Format(PyExc_ValueError, "configure(): %s", err.text);
}

static int change_option(PyObject *changed, PyObject *name, PyObject *value)
{
    int option = find_option(name);
    if (option < 0)
        return -1;
    if (value == Py_None)
        return PyDict_Contains(changed, name) == 1 ? PyDict_DelItem(changed, name) : 0;
    PyObject *text = check_value(option, name, value);
    int status = text == NULL ? -1 : PyDict_SetItem(changed, name, text);
    Py_XDECREF(text);
    return status;
}

/* Takes all options or none. None as a value takes an option back. */
static PyObject *logger_set_options(PyObject *object, PyObject *options)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    if (!PyDict_CheckExact(options))
        return PyErr_Format(PyExc_TypeError, "options are a dict");
    PyObject *changed = PyDict_Copy(self->overrides);
    PyObject *name;
    PyObject *value;
    Py_ssize_t position = 0;
    while (changed != NULL && PyDict_Next(options, &position, &name, &value)) {
        if (change_option(changed, name, value) != 0)
            Py_CLEAR(changed);
    }
    if (changed == NULL)
        return NULL;
    Py_SETREF(self->overrides, changed);
    Py_RETURN_NONE;
}

/* Seconds that an option has now, by configure(), the environment or its default. */
static PyObject *logger_seconds(PyObject *object, PyObject *name)
{
    struct gch_settings settings;
    int option = find_option(name);
    if (option < 0 || gch_core_settings((struct gch_py_logger *)object, &settings) != GCH_OK)
        return PyErr_Occurred() != NULL ? NULL : PyFloat_FromDouble(0.0);
    double seconds = settings.number[option];
    gch_settings_deinit(&settings);
    return PyFloat_FromDouble(seconds);
}

static PyObject *logger_get_enabled(PyObject *object, void *unused)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    struct gch_place place;
    (void)unused;
    if (self->core != NULL && !gch_logger_inherited(self->core->logger))
        Py_RETURN_TRUE;
    if (gch_core_look(self, &place) != 0)
        return NULL;
    bool enabled = place.mode != GCH_MODE_DISABLED;
    gch_place_deinit(&place);
    return PyBool_FromLong(enabled);
}

static PyObject *logger_end(PyObject *object, PyObject *unused)
{
    (void)unused;
    ((struct gch_py_logger *)object)->ending = true;
    Py_RETURN_NONE;
}

static PyMethodDef own_methods[] = {
    {"_flush", logger_flush, METH_O, PyDoc_STR("_flush(timeout): see ClickHouseLogger.flush")},
    {"_close", logger_close, METH_O, PyDoc_STR("_close(timeout): see ClickHouseLogger.close")},
    {"_connect", logger_connect, METH_O, PyDoc_STR("_connect(timeout): (failed, kind, reason)")},
    {"_endpoint", logger_endpoint, METH_NOARGS,
     PyDoc_STR("_endpoint(): (url, user, password, database, settings) or None")},
    {"_set_options", logger_set_options, METH_O, PyDoc_STR("_set_options(options): see ClickHouseLogger.configure")},
    {"_seconds", logger_seconds, METH_O, PyDoc_STR("_seconds(option): the option as it stands")},
    {"_migrate", gch_migrate, METH_VARARGS, gch_migrate_doc},
    {"_end", logger_end, METH_NOARGS, PyDoc_STR("_end(): the interpreter is ending; start no thread any more")},
    {"stats", gch_stats_get, METH_NOARGS,
     PyDoc_STR(
         "stats($self, /)\n--\n\nCounters and state of this process's recording, as a dict; see docs/operations.md.")},
};

#define OWN (sizeof(own_methods) / sizeof(own_methods)[0])

static PyMethodDef all_methods[OWN + GCH_METHOD_COUNT + 1];

PyMethodDef *gch_logger_methods(void)
{
    memcpy(all_methods, own_methods, sizeof(own_methods));
    memcpy(all_methods + OWN, gch_log_methods, sizeof(gch_log_methods));
    return all_methods;
}

static PyGetSetDef properties[] = {
    {"enabled", logger_get_enabled, NULL,
     PyDoc_STR("True when rows are recorded, or would be with the environment as it is now. Opens nothing."), NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, (void *)(uintptr_t) "The recorder behind ch_logger; use genesis_ch.ClickHouseLogger."},
    {Py_tp_new, logger_new},
    {Py_tp_init, logger_init},
    {Py_tp_traverse, logger_traverse},
    {Py_tp_clear, logger_clear},
    {Py_tp_dealloc, logger_dealloc},
    {Py_tp_methods, all_methods},
    {Py_tp_getset, properties},
    {0, NULL},
};

PyType_Spec gch_logger_spec = {
    .name = "genesis_ch._core.Logger",
    .basicsize = sizeof(struct gch_py_logger),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
    .slots = slots,
};
