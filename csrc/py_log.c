#include "py_log.h"

#include "py_also.h"
#include "py_complain.h"
#include "py_core.h"
#include "py_log_docs.h"
#include "py_update.h"
#include "py_value.h"
#include "thread.h"
#include "uuid.h"

/* ---- scratch: one for the object, another for a log call inside a log call (a repr that logs) ---- */

void gch_scratch_init(struct gch_scratch *scratch)
{
    gch_buf_init(&scratch->row, GCH_PAYLOAD_MAX + 4096);
    gch_buf_init(&scratch->numbers, GCH_PAYLOAD_MAX);
    gch_buf_init(&scratch->path, GCH_PAYLOAD_MAX);
}

void gch_scratch_deinit(struct gch_scratch *scratch)
{
    gch_buf_deinit(&scratch->row);
    gch_buf_deinit(&scratch->numbers);
    gch_buf_deinit(&scratch->path);
}

static struct gch_scratch *take_scratch(struct gch_py_logger *self, struct gch_scratch *spare)
{
    if (self->scratch_busy) {
        gch_scratch_init(spare);
        return spare;
    }
    self->scratch_busy = true;
    return &self->scratch;
}

static void give_scratch(struct gch_py_logger *self, struct gch_scratch *scratch)
{
    if (scratch == &self->scratch) {
        gch_buf_shrink(&scratch->row, GCH_SCRATCH_KEEP);
        gch_buf_shrink(&scratch->numbers, GCH_SCRATCH_KEEP);
        self->scratch_busy = false;
        return;
    }
    gch_scratch_deinit(scratch);
}

/* ---- rows ---- */

/* Hands what stands in the row buffer to the outbox; true when it is there. In a child that forked while a value was
 * converted the row is the parent's to log. */
static bool append(struct gch_row_context *context, const struct gch_method *method, enum gch_method_id id)
{
    struct gch_logger *logger = context->logger;
    const struct gch_buf *row = context->convert.row;
    if (gch_logger_inherited(logger))
        return false;
    enum gch_status status = gch_buf_status(row);
    gch_count_alone(&logger->counters.rows_logged, 1);
    gch_count_alone(&logger->counters.bytes_logged, row->len);
    if (status == GCH_OK && id == GCH_METHOD_update_evolution_run)
        status = gch_outbox_append_update(&logger->outbox, row->data, row->len);
    else if (status == GCH_OK)
        status = gch_outbox_append_row(&logger->outbox, method->table, row->data, row->len);
    if (status != GCH_OK)
        gch_complain_refused(logger, method, status == GCH_ERR_TOO_BIG);
    return status == GCH_OK;
}

/* Every member of a Pareto front is a row of its own. */
static int log_front(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values)
{
    PyObject *given = values[2];
    int status;
    if (given == NULL || given == Py_None)
        return 0;
    PyObject *list = gch_items(&context->convert, given, &status);
    if (list == NULL)
        return status;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list) && status == 0; i++) {
        gch_buf_reset(context->convert.row);
        status = gch_row_put_pareto(context, method, values, PyList_GET_ITEM(list, i));
        if (status == 0)
            (void)append(context, method, GCH_METHOD_log_pareto_front);
    }
    Py_DECREF(list);
    return status;
}

static int log_one(struct gch_row_context *context, const struct gch_method *method, enum gch_method_id id,
                   PyObject *const *values)
{
    gch_buf_reset(context->convert.row);
    int status = id == GCH_METHOD_update_evolution_run ? gch_row_put_update(context, method, values)
                                                       : gch_row_put(context, method, values);
    if (status == 0)
        (void)append(context, method, id);
    return status;
}

/* A program's text is stored once for each process that meets it, and once in the table. */
static int log_program(struct gch_py_logger *self, struct gch_row_context *context, PyObject *const program[2])
{
    const struct gch_method *method = gch_method_get(GCH_METHOD_program);
    if (program[0] == NULL || !PyUnicode_CheckExact(program[0]) || PySet_Contains(self->codes, program[0]) == 1)
        return 0;
    gch_buf_reset(context->convert.row);
    int status = gch_row_put(context, method, program);
    if (status == 0 && append(context, method, GCH_METHOD_program)) {
        if (PySet_GET_SIZE(self->codes) >= GCH_CODES_MAX)
            (void)PySet_Clear(self->codes);
        (void)PySet_Add(self->codes, program[0]);
    }
    if (status == 0)
        PyErr_Clear();
    return status;
}

static int log_scores(struct gch_row_context *context, PyObject *const *values, PyObject *dict)
{
    PyObject *numbers = gch_also_numbers(context, values);
    int status = 0;
    for (Py_ssize_t i = 0; numbers != NULL && i < PyList_GET_SIZE(numbers) && status == 0; i++) {
        gch_buf_reset(context->convert.row);
        status = gch_also_put_score(context, values, PyList_GET_ITEM(numbers, i), dict);
        if (status == 0)
            (void)append(context, gch_method_get(GCH_METHOD_log_score), GCH_METHOD_log_score);
    }
    Py_XDECREF(numbers);
    return status;
}

static int log_individual_rows(struct gch_py_logger *self, struct gch_row_context *context, PyObject **values,
                               PyObject *dict)
{
    PyObject *program[2] = {NULL, NULL};
    struct gch_held held = {.count = 0};
    int status = gch_also_hash(context, values, program, &held);
    if (status == 0)
        status = log_one(context, gch_method_get(GCH_METHOD_log_individual), GCH_METHOD_log_individual, values);
    if (status == 0 && gch_settings_flag(&context->logger->settings, GCH_OPTION_scores))
        status = log_scores(context, values, dict);
    if (status == 0)
        status = log_program(self, context, program);
    gch_held_drop(&held);
    return status;
}

static int log_llm_rows(struct gch_row_context *context, PyObject *const *values, PyObject *dict)
{
    int status =
        log_one(context, gch_method_get(GCH_METHOD_log_llm_interaction), GCH_METHOD_log_llm_interaction, values);
    if (status != 0 || !gch_settings_flag(&context->logger->settings, GCH_OPTION_observations))
        return status;
    gch_buf_reset(context->convert.row);
    status = gch_also_put_observation(context, values, dict);
    if (status == 0)
        (void)append(context, gch_method_get(GCH_METHOD_log_observation), GCH_METHOD_log_observation);
    return status;
}

/* generations has a task_name that its method's callers do not give: it is the one of the run. Keys are true str, whose
 * hash runs nobody's code. */
static void remember_task(struct gch_py_logger *self, PyObject *run_id, PyObject *task_name)
{
    if (run_id == NULL || task_name == NULL || !PyUnicode_Check(run_id) || !PyUnicode_Check(task_name))
        return;
    if (PyDict_GET_SIZE(self->tasks) >= GCH_TASKS_MAX)
        PyDict_Clear(self->tasks);
    PyObject *key = PyUnicode_FromObject(run_id);
    PyObject *task = PyUnicode_FromObject(task_name);
    if (key == NULL || task == NULL || PyDict_SetItem(self->tasks, key, task) != 0)
        PyErr_Clear();
    Py_XDECREF(key);
    Py_XDECREF(task);
}

/* A new reference, or NULL. */
static PyObject *recall_task(struct gch_py_logger *self, PyObject *run_id)
{
    PyObject *key = run_id != NULL && PyUnicode_Check(run_id) ? PyUnicode_FromObject(run_id) : NULL;
    PyObject *task = key == NULL ? NULL : Py_XNewRef(PyDict_GetItemWithError(self->tasks, key));
    if (task == NULL)
        PyErr_Clear();
    Py_XDECREF(key);
    return task;
}

static void complete_values(struct gch_py_logger *self, enum gch_method_id id, PyObject *values[GCH_ARGUMENTS_MAX],
                            struct gch_held *held)
{
    if (id == GCH_METHOD_log_evolution_run) {
        remember_task(self, values[0], values[1]);
        if (values[6] == NULL || values[6] == Py_None)
            values[6] = gch_held_take(held, PyUnicode_InternFromString("running"));
    } else if (id == GCH_METHOD_log_generation && (values[9] == NULL || values[9] == Py_None)) {
        values[9] = gch_held_take(held, recall_task(self, values[0]));
    } else if (id == GCH_METHOD_log_score) {
        gch_also_complete_score(values, held);
    }
}

static int log_by_method(struct gch_py_logger *self, struct gch_row_context *context, enum gch_method_id id,
                         PyObject **values, PyObject *dict)
{
    const struct gch_method *method = gch_method_get(id);
    switch (id) {
    case GCH_METHOD_log_pareto_front:
        return log_front(context, method, values);
    case GCH_METHOD_log_individual:
        return log_individual_rows(self, context, values, dict);
    case GCH_METHOD_log_llm_interaction:
        return log_llm_rows(context, values, dict);
    default:
        return log_one(context, method, id, values);
    }
}

/* The id of the row just logged, as it is stored; a new one when there was no memory for the row. */
static PyObject *id_of_row(struct gch_row_context *context)
{
    const struct gch_buf *row = context->convert.row;
    if (context->id_len > 0 && gch_buf_status(row) == GCH_OK)
        return PyUnicode_DecodeUTF8((const char *)row->data + context->id_start, (Py_ssize_t)context->id_len,
                                    "replace");
    char text[GCH_UUID_TEXT];
    gch_row_make_id(context, gch_realtime_us() / 1000);
    gch_uuid_text(context->uuid, text);
    return PyUnicode_FromString(text);
}

/* *made: what the method returns. */
static int log_rows(struct gch_py_logger *self, struct gch_logger *logger, enum gch_method_id id, PyObject **values,
                    PyObject *dict, uint64_t filled, PyObject **made)
{
    struct gch_scratch spare;
    struct gch_scratch *scratch = take_scratch(self, &spare);
    struct gch_held held = {.count = 0};
    struct gch_row_context context = {
        .convert = {self->state, &logger->counters, &scratch->row, &scratch->numbers, &scratch->path, 0, NULL},
        .logger = logger,
        .filled = filled,
    };
    complete_values(self, id, values, &held);
    int status = held.status != 0 ? -1 : log_by_method(self, &context, id, values, dict);
    if (status == 0)
        *made = gch_method_get(id)->kind == GCH_KIND_PLAIN ? Py_NewRef(Py_None) : gch_or_none(id_of_row(&context));
    gch_held_drop(&held);
    give_scratch(self, scratch);
    return status;
}

static bool names_no_row(enum gch_method_id id, PyObject *const *values)
{
    return gch_method_get(id)->kind == GCH_KIND_DELETE && (values[0] == NULL || values[0] == Py_None);
}

/* What a method returns when nothing is recorded: an id all the same, for callers who pass it on. */
static PyObject *not_logged(struct gch_py_logger *self, enum gch_method_id id, PyObject *const *values)
{
    self->disabled_rows += 1;
    if (gch_method_get(id)->kind == GCH_KIND_PLAIN)
        Py_RETURN_NONE;
    PyObject *given = values[gch_method_argument(id, "id")];
    if (names_no_row(id, values))
        Py_RETURN_NONE;
    if (given != NULL && PyUnicode_Check(given) && PyUnicode_GET_LENGTH(given) > 0)
        return Py_NewRef(given);
    uint8_t uuid[16];
    uint64_t random[2];
    char text[GCH_UUID_TEXT];
    gch_random(random, sizeof(random));
    gch_uuid_make(uuid, gch_realtime_us() / 1000, random);
    gch_uuid_text(uuid, text);
    return gch_or_none(PyUnicode_FromString(text));
}

/* Logs what was bound, and looks after what the recorder has to say. */
static PyObject *log_values(struct gch_py_logger *self, struct gch_core *core, enum gch_method_id id, PyObject **values,
                            PyObject *dict, uint64_t filled)
{
    struct gch_logger *logger = core->logger;
    PyObject *made = NULL;
    int status = log_rows(self, logger, id, values, dict, filled, &made);
    /* Not in a child that forked while a value was converted: the thread is the parent's. */
    if (logger->settings.sync == GCH_SYNC_ALWAYS && !gch_logger_inherited(logger)) {
        Py_BEGIN_ALLOW_THREADS gch_syncer_wait(&logger->syncer);
        Py_END_ALLOW_THREADS
    }
    if (status == 0 && !gch_logger_inherited(logger) && gch_notices_waiting(&logger->notices))
        status = gch_core_tell(self, logger);
    if (status != 0)
        Py_CLEAR(made);
    return made;
}

static PyObject *log_call(PyObject *object, enum gch_method_id id, PyObject *const *args, Py_ssize_t nargs,
                          PyObject *kwnames)
{
    struct gch_py_logger *self = (struct gch_py_logger *)object;
    const struct gch_method *method = gch_method_get(id);
    struct gch_bind_trouble trouble;
    PyObject *values[GCH_ARGUMENTS_MAX];
    int raised = 0;
    gch_bind(self->state, method, id, args, nargs, kwnames, values, &trouble);
    if (self->disabled || gch_core_open(self, &raised) != GCH_OK)
        return raised != 0 ? NULL : not_logged(self, id, values);
    struct gch_core *core = gch_core_take(self);
    struct gch_held held = {.count = 0};
    PyObject *dict = gch_held_take(&held, gch_context_get(self->state));
    uint64_t filled = gch_also_fill(self->state, method, dict, values, &held);
    bool no_row = names_no_row(id, values);
    if (no_row)
        values[0] = NULL;
    gch_bind_check(method, values, &trouble);
    if (trouble.what != NULL)
        gch_complain(core->logger, method, &trouble);
    PyObject *made = NULL;
    if (held.status == 0)
        made = no_row ? Py_NewRef(Py_None) : log_values(self, core, id, values, dict, filled);
    gch_held_drop(&held);
    gch_core_give(core);
    return made;
}

#define METHOD(name)                                                                                                   \
    static PyObject *name(PyObject *self, PyObject *const *args, Py_ssize_t nargs, PyObject *kwnames)                  \
    {                                                                                                                  \
        return log_call(self, GCH_METHOD_##name, args, nargs, kwnames);                                                \
    }

METHOD(log_llm_interaction)
METHOD(log_action)
METHOD(log_evolution_run)
METHOD(update_evolution_run)
METHOD(log_generation)
METHOD(log_individual)
METHOD(log_pareto_front)
METHOD(log_lineage)
METHOD(log_trace)
METHOD(log_observation)
METHOD(log_score)
METHOD(log_dataset_run_item)
METHOD(log_event)
METHOD(log_blob)
METHOD(delete_trace)
METHOD(delete_observation)
METHOD(delete_score)
METHOD(delete_dataset_run_item)
METHOD(delete_blob)

/* clang-format off */
#define ENTRY(name) {#name, (PyCFunction)(void (*)(void))name, METH_FASTCALL | METH_KEYWORDS, name##_doc}
/* clang-format on */

PyMethodDef gch_log_methods[GCH_METHOD_COUNT] = {
    ENTRY(log_llm_interaction), ENTRY(log_action),
    ENTRY(log_evolution_run),   ENTRY(update_evolution_run),
    ENTRY(log_generation),      ENTRY(log_individual),
    ENTRY(log_pareto_front),    ENTRY(log_lineage),
    ENTRY(log_trace),           ENTRY(log_observation),
    ENTRY(log_score),           ENTRY(log_dataset_run_item),
    ENTRY(log_event),           ENTRY(log_blob),
    ENTRY(delete_trace),        ENTRY(delete_observation),
    ENTRY(delete_score),        ENTRY(delete_dataset_run_item),
    ENTRY(delete_blob),
};
