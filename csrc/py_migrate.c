#include "py_migrate.h"

#include <limits.h>

#include "py_core.h"

const char gch_migrate_doc[] = PyDoc_STR(
    "_migrate(target, run, again=False)\n--\n\nPlans the way to migration number target (None: the newest), and runs "
    "it "
    "if asked to; again: whatever the ledger says. A dict:\nkind and reason of a failure (\"none\"), refused: the "
    "account may not do it; destination, database; "
    "known: (number, name)\nof this release; ledger: (name, applied_at, undoing), unreadable; steps: (kind, migration, "
    "statement), done: how many were run.");

/* One call: all that it holds, freed together. */
struct errand {
    struct gch_settings settings;
    struct gch_place place;
    struct gch_logger_options options;
    struct gch_counters counters;
    struct gch_migrations migrations;
    struct gch_connection connection;
    struct gch_reply reply;
    struct gch_ledger ledger;
    struct gch_plan plan;
    struct gch_err err;
    enum gch_trouble trouble;
    size_t done;
    bool connection_open;
};

static void errand_deinit(struct errand *errand)
{
    if (errand->connection_open)
        gch_connection_deinit(&errand->connection);
    gch_plan_deinit(&errand->plan);
    gch_ledger_deinit(&errand->ledger);
    gch_reply_deinit(&errand->reply);
    gch_migrations_deinit(&errand->migrations);
    gch_place_deinit(&errand->place);
    gch_settings_deinit(&errand->settings);
}

static enum gch_status fail(struct errand *errand, enum gch_status status, enum gch_trouble trouble, const char *reason)
{
    errand->trouble = trouble;
    return gch_err_set(&errand->err, status, "%s", reason);
}

/* Settings, migrations and place, with the GIL. */
static enum gch_status errand_init(struct errand *errand, const struct gch_py_logger *self)
{
    memset(errand, 0, sizeof(*errand));
    gch_reply_init(&errand->reply);
    enum gch_status status = gch_core_settings(self, &errand->settings);
    if (status != GCH_OK)
        return fail(errand, status, GCH_TROUBLE_SERVER, "an option cannot be used; run `genesis-ch doctor`");
    status = gch_core_unpack(self, &errand->options, &errand->migrations, &errand->err);
    if (status != GCH_OK) {
        errand->trouble = GCH_TROUBLE_SERVER;
        return status;
    }
    status = gch_transport_global_init();
    if (status == GCH_OK)
        status = gch_place_resolve(&errand->place, &errand->settings, errand->options.embedded_installed);
    if (status != GCH_OK)
        return fail(errand, status, GCH_TROUBLE_SERVER, "out of memory");
    if (errand->place.mode == GCH_MODE_DISABLED)
        return fail(errand, GCH_ERR_STOPPED, errand->place.trouble, errand->place.reason.text);
    return GCH_OK;
}

/* Reaches the server, reads the ledger and makes the plan, without the GIL. */
static enum gch_status errand_plan(struct errand *errand, unsigned long target, bool again)
{
    static const _Atomic bool never;
    struct gch_connection_options options = {.place = &errand->place,
                                             .migrations = &errand->migrations,
                                             .settings = &errand->settings,
                                             .python = errand->options.python,
                                             .package_path = errand->options.package_path};
    errand->connection_open = true;
    enum gch_status status = gch_connection_init(&errand->connection, &options, &errand->counters);
    if (status == GCH_OK)
        status = gch_connection_reach(&errand->connection, &never, &errand->err);
    if (status != GCH_OK) {
        errand->trouble = errand->place.mode == GCH_MODE_EMBEDDED ? GCH_TROUBLE_EMBEDDED : GCH_TROUBLE_URL;
        return status;
    }
    struct gch_transport *transport = &errand->connection.transport;
    status = gch_ledger_read(&errand->ledger, transport, &errand->reply);
    if (status == GCH_ERR_REMOTE)
        return fail(errand, status, errand->reply.trouble, errand->reply.err.text);
    if (again)
        gch_ledger_forget(&errand->ledger);
    struct gch_cluster cluster = {errand->connection.cluster, transport->url.database};
    if (status == GCH_OK)
        status = gch_plan_make(&errand->plan, &errand->migrations, &errand->ledger, target, &cluster);
    if (status != GCH_OK)
        return fail(errand, status, GCH_TROUBLE_SERVER, "the answer of the server cannot be used, or out of memory");
    return GCH_OK;
}

/* Runs the plan; between two statements Ctrl-C is looked for. -1 with an exception set. */
static int errand_run(struct errand *errand)
{
    enum gch_status status = GCH_OK;
    while (status == GCH_OK && errand->done < errand->plan.count) {
        const struct gch_step *step = &errand->plan.steps[errand->done];
        Py_BEGIN_ALLOW_THREADS status = gch_step_run(step, &errand->connection.transport, &errand->reply);
        Py_END_ALLOW_THREADS errand->done += status == GCH_OK;
        if (PyErr_CheckSignals() != 0)
            return -1;
    }
    if (status != GCH_OK)
        (void)fail(errand, status, errand->reply.trouble, errand->reply.err.text);
    return 0;
}

/* ---- the answer ---- */

static int append(PyObject *list, PyObject *item)
{
    int status = item == NULL ? -1 : PyList_Append(list, item);
    Py_XDECREF(item);
    return status;
}

static PyObject *known_of(const struct gch_migrations *migrations)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < migrations->count; i++) {
        const struct gch_migration *migration = &migrations->list[i];
        if (append(list, Py_BuildValue("ks", migration->number, migration->name)) != 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *rows_of(const struct gch_ledger *ledger)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < ledger->count; i++) {
        const struct gch_ledger_entry *entry = &ledger->entries[i];
        if (append(list, Py_BuildValue("NNO", gch_text(entry->name), gch_text(entry->applied_at),
                                       entry->undoing ? Py_True : Py_False)) != 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *steps_of(const struct gch_plan *plan)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < plan->count; i++) {
        const struct gch_step *step = &plan->steps[i];
        if (append(list, Py_BuildValue("ssN", gch_step_word(step->kind), step->migration, gch_text(step->sql))) != 0)
            Py_CLEAR(list);
    }
    return list;
}

static PyObject *answer_of(const struct errand *errand)
{
    const struct gch_url *url = &errand->connection.transport.url;
    const char *shown = errand->place.shown == NULL ? "" : errand->place.shown;
    const char *database = url->database == NULL ? "" : url->database;
    bool refused = errand->trouble != GCH_TROUBLE_NONE && gch_code_is_refusal(errand->reply.code);
    return Py_BuildValue("{sssNsOsNsNsNsNsOsNsn}", "kind", gch_trouble_word(errand->trouble), "reason",
                         gch_text(errand->err.text), "refused", refused ? Py_True : Py_False, "destination",
                         gch_text(shown), "database", gch_text(database), "known", known_of(&errand->migrations),
                         "ledger", rows_of(&errand->ledger), "unreadable",
                         errand->ledger.unreadable ? Py_True : Py_False, "steps", steps_of(&errand->plan), "done",
                         (Py_ssize_t)errand->done);
}

static bool parse_target(PyObject *value, unsigned long *target)
{
    *target = value == Py_None ? GCH_MIGRATE_NEWEST : PyLong_AsUnsignedLong(value);
    return PyErr_Occurred() == NULL;
}

PyObject *gch_migrate(PyObject *object, PyObject *args)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    struct errand errand;
    PyObject *wanted;
    unsigned long target;
    int run;
    int again = 0;
    if (!PyArg_ParseTuple(args, "Op|p", &wanted, &run, &again) || !parse_target(wanted, &target))
        return NULL;
    if (self->prepare == NULL || self->overrides == NULL || gch_core_prepare(self) != 0)
        return PyErr_Occurred() != NULL ? NULL : PyErr_Format(PyExc_TypeError, "this Logger was never initialised");
    if (self->prepared == NULL)
        return PyErr_Format(PyExc_OSError, "%s", self->disabled_reason.text);
    int status = 0;
    enum gch_status planned = errand_init(&errand, self);
    PyErr_Clear();
    if (planned == GCH_OK) {
        Py_BEGIN_ALLOW_THREADS planned = errand_plan(&errand, target, again != 0);
        Py_END_ALLOW_THREADS
    }
    if (planned == GCH_OK && run)
        status = errand_run(&errand);
    PyObject *answer = status == 0 ? answer_of(&errand) : NULL;
    errand_deinit(&errand);
    return answer;
}
