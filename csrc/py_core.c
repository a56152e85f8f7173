#include "py_core.h"

#include "thread.h"
#include "ticket.h"

struct gch_core *gch_core_take(struct gch_py_logger *self)
{
    self->core->users += 1;
    return self->core;
}

void gch_core_give(struct gch_core *core)
{
    core->users -= 1;
    if (core->users > 0)
        return;
    if (!gch_logger_inherited(core->logger)) {
        Py_BEGIN_ALLOW_THREADS gch_logger_close(core->logger);
        Py_END_ALLOW_THREADS
    }
    PyMem_Free(core);
}

void gch_core_drop(struct gch_py_logger *self, struct gch_core *core)
{
    if (self->core != core)
        return;
    self->core = NULL;
    self->disabled = false;
    self->postponed = false;
    self->disabled_rows = 0;
    if (core == NULL)
        return;
    core->logger->process_ends = self->ending;
    gch_core_give(core);
}

/* ---- opening ---- */

static enum gch_status override_settings(const struct gch_py_logger *self, struct gch_settings *settings,
                                         struct gch_err *err)
{
    PyObject *name;
    PyObject *value;
    Py_ssize_t position = 0;
    enum gch_status status = GCH_OK;
    while (status == GCH_OK && PyDict_Next(self->overrides, &position, &name, &value)) {
        const char *nearest;
        const char *name_text = PyUnicode_AsUTF8(name);
        const char *value_text = PyUnicode_AsUTF8(value);
        int option = name_text == NULL ? -1 : gch_option_find(name_text, &nearest);
        if (option >= 0 && value_text != NULL)
            status = gch_settings_set(settings, (enum gch_option)option, value_text, err);
        PyErr_Clear();
    }
    return status;
}

static enum gch_status add_migrations(struct gch_migrations *migrations, PyObject *list)
{
    enum gch_status status = GCH_OK;
    for (Py_ssize_t i = 0; status == GCH_OK && i < PyList_GET_SIZE(list); i++) {
        const char *name;
        const char *up;
        const char *down;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(list, i), "sss", &name, &up, &down))
            return GCH_ERR_INVALID;
        status = gch_migrations_add(migrations, name, up, down);
    }
    return status;
}

enum gch_status gch_core_unpack(const struct gch_py_logger *self, struct gch_logger_options *options,
                                struct gch_migrations *migrations, struct gch_err *err)
{
    PyObject *list;
    int installed;
    memset(migrations, 0, sizeof(*migrations));
    memset(options, 0, sizeof(*options));
    if (!PyArg_ParseTuple(self->prepared, "sspO!", &options->python, &options->package_path, &installed, &PyList_Type,
                          &list))
        return gch_err_set(err, GCH_ERR_INVALID, "genesis_ch is not installed whole");
    options->embedded_installed = installed != 0;
    options->without_threads = self->ending;
    enum gch_status status = add_migrations(migrations, list);
    if (status != GCH_OK) {
        gch_migrations_deinit(migrations);
        return gch_err_set(err, status, "the migrations of genesis_ch cannot be read");
    }
    return GCH_OK;
}

static enum gch_status open_prepared(struct gch_py_logger *self, struct gch_settings *settings,
                                     struct gch_logger **logger, struct gch_err *err)
{
    struct gch_logger_options options;
    struct gch_migrations migrations;
    enum gch_status status = gch_core_unpack(self, &options, &migrations, err);
    if (status == GCH_OK)
        return gch_logger_open(logger, settings, &migrations, &options, err);
    gch_settings_deinit(settings);
    return status;
}

/* The options as they stand now. complaint names a variable that cannot be used, if there is one. */
static enum gch_status read_settings(const struct gch_py_logger *self, struct gch_settings *settings,
                                     struct gch_err *complaint, struct gch_err *err)
{
    enum gch_status status = gch_settings_init(settings);
    enum gch_status environment = gch_settings_read_environment(settings, complaint);
    if (environment == GCH_OK)
        complaint->text[0] = '\0';
    if (status == GCH_OK)
        status = override_settings(self, settings, err);
    if (status != GCH_OK)
        gch_settings_deinit(settings);
    return status;
}

enum gch_status gch_core_settings(const struct gch_py_logger *self, struct gch_settings *settings)
{
    struct gch_err complaint;
    return read_settings(self, settings, &complaint, NULL);
}

static enum gch_status open_core(struct gch_py_logger *self, struct gch_logger **logger, struct gch_err *err)
{
    struct gch_settings settings;
    struct gch_err complaint = {{0}};
    enum gch_status status = gch_transport_global_init();
    if (status == GCH_OK)
        status = read_settings(self, &settings, &complaint, err);
    if (status == GCH_OK)
        status = open_prepared(self, &settings, logger, err);
    if (status == GCH_OK && complaint.text[0] != '\0')
        gch_notice_post(&(*logger)->notices, GCH_CAUSE_SETTINGS, complaint.text);
    return status;
}

static int tell(struct gch_py_logger *self, int level, unsigned long count, const char *text)
{
    PyObject *result = PyObject_CallFunction(self->notify, "ikN", level, count, gch_text(text));
    Py_XDECREF(result);
    if (result != NULL)
        return 0;
    if (!PyErr_ExceptionMatches(PyExc_Exception))
        return -1;
    PyErr_Clear();
    return 0;
}

/* A shortage of descriptors or memory passes: the next call tries again. Said once until it has passed. */
static int postpone(struct gch_py_logger *self)
{
    PyErr_Clear();
    (void)gch_err_set(&self->disabled_reason, GCH_OK,
                      "recording cannot start: the files of genesis_ch cannot be read now (descriptors or memory used "
                      "up?); calls until then are counted as dropped");
    self->disabled_trouble = GCH_TROUBLE_OUTBOX;
    if (self->postponed)
        return 0;
    self->postponed = true;
    return tell(self, 30, 1, self->disabled_reason.text);
}

int gch_core_prepare(struct gch_py_logger *self)
{
    if (self->prepared != NULL)
        return 0;
    PyObject *prepared = PyObject_CallNoArgs(self->prepare);
    if (prepared == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_Exception))
            return -1;
        bool missing = PyErr_ExceptionMatches(PyExc_FileNotFoundError);
        if (!missing && (PyErr_ExceptionMatches(PyExc_OSError) || PyErr_ExceptionMatches(PyExc_MemoryError)))
            return postpone(self);
        PyErr_Clear();
        prepared = PyTuple_New(0);
    }
    self->postponed = false;
    /* Python ran meanwhile, and another thread may have been here. */
    if (self->prepared == NULL)
        self->prepared = prepared;
    else
        Py_XDECREF(prepared);
    return 0;
}

int gch_core_tell(struct gch_py_logger *self, struct gch_logger *logger)
{
    struct gch_notice notice;
    int status = 0;
    while (status == 0 && gch_notice_take(&logger->notices, &notice))
        status = tell(self, notice.level, notice.count, notice.text);
    return status;
}

static int disable(struct gch_py_logger *self, enum gch_trouble trouble, const char *reason, int level)
{
    self->disabled = true;
    self->disabled_trouble = trouble;
    (void)gch_err_set(&self->disabled_reason, GCH_OK, "%s", reason);
    return tell(self, level, 1, reason);
}

static bool take_logger(struct gch_py_logger *self, struct gch_logger *logger)
{
    struct gch_core *core = PyMem_Malloc(sizeof(*core));
    if (core == NULL)
        return false;
    core->logger = logger;
    core->users = 1;
    core->unsaved_counted = false;
    self->core = core;
    (void)PySet_Clear(self->codes);
    gch_count(&logger->counters.rows_logged, self->disabled_rows);
    gch_count(&logger->counters.rows_dropped, self->disabled_rows);
    self->disabled_rows = 0;
    return true;
}

enum gch_status gch_core_open(struct gch_py_logger *self, int *raised)
{
    *raised = 0;
    if (self->core != NULL) {
        if (!gch_logger_inherited(self->core->logger))
            return GCH_OK;
        self->core =
            NULL; /* The parent's: its memory stays, untouched. A log call that forked still owns the scratch. */
    }
    if (self->disabled || self->prepare == NULL || self->overrides == NULL)
        return GCH_ERR_STOPPED;
    *raised = gch_core_prepare(self);
    if (*raised != 0 || self->prepared == NULL)
        return GCH_ERR_STOPPED;
    if (self->core != NULL)
        return GCH_OK;
    struct gch_err err = {{0}};
    struct gch_logger *logger;
    enum gch_status status = open_core(self, &logger, &err);
    PyErr_Clear();
    if (status != GCH_OK) {
        struct gch_err reason;
        (void)gch_err_set(&reason, status, "ClickHouse logging disabled: %s", err.text);
        *raised = disable(self, GCH_TROUBLE_SERVER, reason.text, 40);
        return GCH_ERR_STOPPED;
    }
    if (!gch_logger_enabled(logger)) {
        struct gch_err reason = logger->place.reason;
        enum gch_trouble trouble = logger->place.trouble;
        gch_logger_close(logger);
        *raised = disable(self, trouble, reason.text, trouble == GCH_TROUBLE_URL ? 40 : 20);
        return GCH_ERR_STOPPED;
    }
    return take_logger(self, logger) ? GCH_OK : GCH_ERR_STOPPED;
}

static void look_disabled(struct gch_place *place, const char *reason)
{
    gch_place_deinit(place);
    place->mode = GCH_MODE_DISABLED;
    (void)gch_err_set(&place->reason, GCH_OK, "%s", reason);
}

int gch_core_look(struct gch_py_logger *self, struct gch_place *place)
{
    memset(place, 0, sizeof(*place));
    if (self->disabled) {
        look_disabled(place, self->disabled_reason.text);
        return 0;
    }
    if (self->prepare == NULL || self->overrides == NULL) {
        look_disabled(place, "this Logger was never initialised; use genesis_ch.ClickHouseLogger()");
        return 0;
    }
    if (gch_core_prepare(self) != 0)
        return -1;
    if (self->prepared == NULL) {
        look_disabled(place, self->disabled_reason.text);
        return 0;
    }
    struct gch_settings settings;
    struct gch_err complaint;
    struct gch_err err = {{0}};
    enum gch_status status = read_settings(self, &settings, &complaint, &err);
    if (status == GCH_OK) {
        bool installed = PyTuple_GET_SIZE(self->prepared) > 2 && PyTuple_GET_ITEM(self->prepared, 2) == Py_True;
        status = gch_place_resolve(place, &settings, installed);
        gch_settings_deinit(&settings);
    }
    if (status != GCH_OK)
        look_disabled(place, err.text);
    return 0;
}

/* ---- waiting ---- */

static uint32_t slice(uint64_t until)
{
    uint64_t now = gch_monotonic_ms();
    if (now >= until)
        return 0;
    return until - now < GCH_WAIT_SLICE_MS ? (uint32_t)(until - now) : GCH_WAIT_SLICE_MS;
}

static uint64_t deadline(double seconds)
{
    if (!(seconds >= 0.0) || seconds > 1e9)
        return UINT64_MAX;
    return gch_monotonic_ms() + (uint64_t)(seconds * 1000.0);
}

typedef enum gch_status (*wait_function)(struct gch_sender *, struct gch_ticket, uint32_t);

/* Waits in slices without the GIL, so that Ctrl-C works and other threads run. 0: done. 1: not done. -1: Ctrl-C. */
static int wait_for(struct gch_core *core, wait_function wait, struct gch_ticket ticket, double seconds)
{
    uint64_t until = deadline(seconds);
    for (;;) {
        enum gch_status status;
        uint32_t wait_ms = slice(until);
        Py_BEGIN_ALLOW_THREADS status = wait(&core->logger->sender, ticket, wait_ms);
        Py_END_ALLOW_THREADS if (PyErr_CheckSignals() != 0) return -1;
        if (status == GCH_OK)
            return 0;
        if (status != GCH_ERR_AGAIN || wait_ms == 0)
            return 1;
    }
}

int gch_core_flush(struct gch_core *core, double seconds)
{
    if (!core->logger->sender.started)
        return 1;
    return wait_for(core, gch_ticket_wait_flush, gch_ticket_ask_flush(&core->logger->sender), seconds);
}

int gch_core_connect(struct gch_core *core, double seconds)
{
    if (!core->logger->sender.started)
        return 1;
    return wait_for(core, gch_ticket_wait_connect, gch_ticket_ask_connect(&core->logger->sender), seconds);
}
