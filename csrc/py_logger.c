#include "py_logger.h"

#include "py_core.h"
#include "py_log.h"
#include "thread.h"

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
    gch_scratch_init(&self->scratch);
    gch_random(self->random, sizeof(self->random));
    if (self->state == NULL || self->overrides == NULL || self->tasks == NULL) {
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
    return 0;
}

static void logger_dealloc(PyObject *object)
{
    PyTypeObject *type = Py_TYPE(object);
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    PyObject_GC_UnTrack(object);
    gch_core_drop(self);
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
    return Py_BuildValue("KKKKKz", (unsigned long long)gch_counted(&counters->rows_delivered),
                         (unsigned long long)gch_logger_pending(logger), (unsigned long long)gch_counted(&counters->rows_rejected),
                         (unsigned long long)gch_counted(&counters->rows_dropped), (unsigned long long)gch_counted(&counters->rows_parked),
                         report.last_error.text[0] != '\0' ? report.last_error.text : NULL);
}

/* Flushes the open core; the result, or NULL with Ctrl-C's exception set. */
static PyObject *flush_open(struct gch_py_logger *self, double seconds)
{
    struct gch_core *core = gch_core_take(self);
    int waited = gch_core_flush(core, seconds);
    PyObject *result = NULL;
    if (waited >= 0 && gch_core_tell(self, core->logger) == 0)
        result = make_result(core->logger);
    gch_core_give(core);
    return result;
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
        return flush_open(self, seconds);
    return raised != 0 ? NULL : Py_NewRef(Py_None);
}

/* None: nothing was open. */
static PyObject *logger_close(PyObject *object, PyObject *timeout)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    double seconds;
    if (!parse_seconds(timeout, &seconds))
        return NULL;
    bool open = self->core != NULL && !gch_logger_inherited(self->core->logger);
    PyObject *result = open ? flush_open(self, seconds) : Py_NewRef(Py_None);
    gch_core_drop(self);
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
        return raised != 0 ? NULL : Py_BuildValue("iss", 1, "disabled", self->disabled_reason.text);
    struct gch_core *core = gch_core_take(self);
    int waited = gch_core_connect(core, seconds);
    PyObject *result = NULL;
    if (waited >= 0 && gch_core_tell(self, core->logger) == 0) {
        struct gch_sender_report report;
        gch_sender_get_report(&core->logger->sender, &report);
        const char *reason = report.last_error.text[0] != '\0' ? report.last_error.text : "no answer in time; give it a longer timeout";
        enum gch_trouble trouble = report.trouble != GCH_TROUBLE_NONE ? report.trouble : GCH_TROUBLE_TIMEOUT;
        result = waited == 0 ? Py_BuildValue("iss", 0, "none", "") : Py_BuildValue("iss", 1, gch_trouble_word(trouble), reason);
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
    struct gch_logger *logger = self->core->logger;
    const struct gch_url *url = &logger->place.url;
    if (logger->place.mode == GCH_MODE_HTTP)
        return Py_BuildValue("sssss", url->base, url->user, url->password, url->database, url->settings);
    struct gch_sender_report report;
    gch_sender_get_report(&logger->sender, &report);
    if (report.endpoint.url[0] == '\0')
        Py_RETURN_NONE;
    return Py_BuildValue("sssss", report.endpoint.url, "default", report.endpoint.token, "default", "");
}

/* ---- what it knows ---- */

static int set_number(PyObject *dict, const char *name, uint64_t number)
{
    PyObject *value = PyLong_FromUnsignedLongLong(number);
    int status = value == NULL ? -1 : PyDict_SetItemString(dict, name, value);
    Py_XDECREF(value);
    return status;
}

static int set_text(PyObject *dict, const char *name, const char *text)
{
    PyObject *value = text == NULL ? Py_NewRef(Py_None) : PyUnicode_DecodeFSDefault(text);
    int status = value == NULL ? -1 : PyDict_SetItemString(dict, name, value);
    Py_XDECREF(value);
    return status;
}

static int put_counters(PyObject *stats, const struct gch_counters *counters)
{
#define X(name, what)                                                                                                  \
    if (set_number(stats, #name, gch_counted(&counters->name)) != 0)                                                   \
        return -1;
    GCH_COUNTER_MAP(X)
#undef X
    return 0;
}

static const char *mode_word(enum gch_mode mode)
{
    return mode == GCH_MODE_HTTP ? "http" : mode == GCH_MODE_EMBEDDED ? "embedded" : "disabled";
}

static int put_live(PyObject *stats, struct gch_logger *logger)
{
    struct gch_sender_report report;
    gch_sender_get_report(&logger->sender, &report);
    uint64_t bytes = gch_counted(&logger->outbox.own_bytes) + gch_counted(&logger->outbox.other_bytes);
    if (set_text(stats, "mode", mode_word(logger->place.mode)) != 0 || set_text(stats, "destination", logger->place.shown) != 0 ||
        set_text(stats, "outbox_path", logger->place.outbox) != 0 || set_number(stats, "outbox_bytes", bytes) != 0 ||
        set_number(stats, "outbox_backlog_bytes", gch_outbox_backlog(&logger->outbox)) != 0 ||
        set_number(stats, "rows_pending", gch_logger_pending(logger)) != 0 ||
        set_text(stats, "state", logger->sender.started ? gch_sender_state_word(report.state) : "stopped") != 0 ||
        set_text(stats, "last_error", report.last_error.text[0] != '\0' ? report.last_error.text : NULL) != 0 ||
        set_number(stats, "migrations_applied", report.migrations_applied) != 0)
        return -1;
    return put_counters(stats, &logger->counters);
}

static int put_closed(PyObject *stats, const struct gch_py_logger *self)
{
    static const struct gch_counters none;
    if (set_text(stats, "mode", self->disabled ? "disabled" : NULL) != 0 ||
        set_text(stats, "destination", self->disabled ? self->disabled_reason.text : NULL) != 0 ||
        set_text(stats, "outbox_path", NULL) != 0 || set_number(stats, "outbox_bytes", 0) != 0 ||
        set_number(stats, "outbox_backlog_bytes", 0) != 0 || set_number(stats, "rows_pending", 0) != 0 ||
        set_text(stats, "state", self->disabled ? "disabled" : "closed") != 0 || set_text(stats, "last_error", NULL) != 0 ||
        set_number(stats, "migrations_applied", 0) != 0)
        return -1;
    return put_counters(stats, &none);
}

static PyObject *logger_stats(PyObject *object, PyObject *unused)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    (void)unused;
    PyObject *stats = PyDict_New();
    if (stats == NULL)
        return NULL;
    bool open = self->core != NULL && !gch_logger_inherited(self->core->logger);
    int status = open ? put_live(stats, self->core->logger) : put_closed(stats, self);
    if (status == 0)
        status = set_text(stats, "libcurl_version", gch_transport_library());
    if (status != 0)
        Py_CLEAR(stats);
    return stats;
}

/* ---- options ---- */

static PyObject *option_text(PyObject *name, PyObject *value)
{
    if (PyBool_Check(value) || !(PyUnicode_Check(value) || PyLong_Check(value) || PyFloat_Check(value)))
        return PyErr_Format(PyExc_TypeError, "%U takes text or a number, not %s", name, Py_TYPE(value)->tp_name);
    return PyObject_Str(value);
}

/* Checks one option as opening would; the text that passed, or NULL with an exception set. */
static PyObject *check_option(PyObject *name, PyObject *value)
{
    const char *nearest;
    const char *name_text = PyUnicode_AsUTF8(name);
    if (name_text == NULL)
        return NULL;
    int option = gch_option_find(name_text, &nearest);
    if (option < 0)
        return PyErr_Format(PyExc_TypeError, "configure() has no option \"%U\"; did you mean \"%s\"?", name, nearest);
    PyObject *text = option_text(name, value);
    const char *value_text = text == NULL ? NULL : PyUnicode_AsUTF8(text);
    if (value_text == NULL) {
        Py_XDECREF(text);
        return NULL;
    }
    struct gch_settings settings;
    struct gch_err err = {{0}};
    enum gch_status status = gch_settings_init(&settings);
    if (status == GCH_OK)
        status = gch_settings_set(&settings, (enum gch_option)option, value_text, &err);
    struct gch_url url = {0};
    if (status == GCH_OK && option == GCH_OPTION_url && value_text[0] != '\0')
        status = gch_url_parse(&url, value_text, &err);
    gch_url_deinit(&url);
    gch_settings_deinit(&settings);
    if (status == GCH_OK)
        return text;
    Py_DECREF(text);
    return PyErr_Format(PyExc_ValueError, "configure(): %s", err.text);
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
        PyObject *text = check_option(name, value == Py_None ? name : value);
        if (text == NULL && value == Py_None && PyErr_ExceptionMatches(PyExc_ValueError))
            PyErr_Clear();
        else if (text == NULL)
            Py_CLEAR(changed);
        else if (value != Py_None && PyDict_SetItem(changed, name, text) != 0)
            Py_CLEAR(changed);
        if (changed != NULL && value == Py_None && PyDict_DelItem(changed, name) != 0)
            PyErr_Clear();
        Py_XDECREF(text);
    }
    if (changed == NULL)
        return NULL;
    Py_SETREF(self->overrides, changed);
    Py_RETURN_NONE;
}

static PyObject *logger_get_enabled(PyObject *object, void *unused)
{
    (void)unused;
    int enabled = gch_core_would_open((struct gch_py_logger *)object);
    return enabled < 0 ? NULL : PyBool_FromLong(enabled);
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
    {"_endpoint", logger_endpoint, METH_NOARGS, PyDoc_STR("_endpoint(): (url, user, password, database, settings) or None")},
    {"_set_options", logger_set_options, METH_O, PyDoc_STR("_set_options(options): see ClickHouseLogger.configure")},
    {"_end", logger_end, METH_NOARGS, PyDoc_STR("_end(): the interpreter is ending; start no thread any more")},
    {"stats", logger_stats, METH_NOARGS,
     PyDoc_STR("stats($self, /)\n--\n\nCounters and state of this process's recording, as a dict; see docs/operations.md.")},
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
