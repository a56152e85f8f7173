#include "py_also.h"

#include <math.h>

#include "py_number.h"
#include "py_plain.h"
#include "py_value.h"
#include "thread.h"
#include "uuid.h"

PyObject *gch_held_take(struct gch_held *held, PyObject *object)
{
    if (object == NULL && gch_forgive() != 0)
        held->status = -1;
    else if (object != NULL && held->count < GCH_HELD_MAX)
        held->objects[held->count++] = object;
    return object;
}

void gch_held_drop(struct gch_held *held)
{
    while (held->count > 0)
        Py_DECREF(held->objects[--held->count]);
}

static bool is_given(PyObject *value)
{
    return value != NULL && value != Py_None;
}

uint64_t gch_also_fill(struct gch_state *state, const struct gch_method *method, PyObject *dict, PyObject **values,
                       struct gch_held *held)
{
    uint64_t filled = 0;
    for (int entry = 0; entry < GCH_CONTEXT_COUNT && dict != NULL && method->kind != GCH_KIND_DELETE; entry++) {
        int argument = method->context[entry];
        PyObject *value = argument < 0 ? NULL : gch_context_entry(state, dict, (enum gch_context_entry)entry);
        if (value == NULL)
            continue;
        if (!is_given(values[argument])) {
            values[argument] = value;
            if (entry != GCH_CONTEXT_metadata && entry != GCH_CONTEXT_tags)
                filled |= UINT64_C(1) << argument;
        } else if (entry == GCH_CONTEXT_metadata) {
            PyObject *merged = gch_held_take(held, gch_context_metadata(value, values[argument]));
            values[argument] = merged == NULL ? values[argument] : merged;
        }
    }
    return filled;
}

/* ---- scores ---- */

void gch_also_complete_score(PyObject **values, struct gch_held *held)
{
    int place = gch_method_argument(GCH_METHOD_log_score, "value");
    int type_place = gch_method_argument(GCH_METHOD_log_score, "data_type");
    int text_place = gch_method_argument(GCH_METHOD_log_score, "string_value");
    PyObject *value = values[place];
    if (!is_given(value))
        return;
    const char *type = PyBool_Check(value) ? "BOOLEAN" : PyUnicode_Check(value) ? "CATEGORICAL" : "NUMERIC";
    if (!is_given(values[type_place]))
        values[type_place] = gch_held_take(held, PyUnicode_InternFromString(type));
    if (PyBool_Check(value) && !is_given(values[text_place]))
        values[text_place] = gch_held_take(held, PyObject_Str(value));
    if (PyUnicode_Check(value)) {
        if (!is_given(values[text_place]))
            values[text_place] = value;
        values[place] = gch_held_take(held, PyFloat_FromDouble(0.0));
    }
}

/* The entries of a metrics_num that was just encoded. */
static int add_metrics(PyObject *list, const struct gch_buf *numbers, size_t count)
{
    const uint8_t *at = numbers->data;
    for (size_t i = 0; i < count; i++) {
        size_t len = 0;
        unsigned shift = 0;
        do {
            len |= (size_t)(*at & 127) << shift;
            shift += 7;
        } while ((*at++ & 128) != 0);
        double number;
        memcpy(&number, at + len, sizeof(number));
        PyObject *entry = Py_BuildValue("s#d", (const char *)at, (Py_ssize_t)len, number);
        int status = entry == NULL ? -1 : PyList_Append(list, entry);
        Py_XDECREF(entry);
        if (status != 0)
            return -1;
        at += len + sizeof(number);
    }
    return 0;
}

static int add_score(PyObject *list, const char *name, PyObject *value)
{
    if (!is_given(value) || (PyFloat_Check(value) && !isfinite(PyFloat_AS_DOUBLE(value))))
        return 0;
    PyObject *entry = Py_BuildValue("sO", name, value);
    int status = entry == NULL ? -1 : PyList_Append(list, entry);
    Py_XDECREF(entry);
    return status;
}

PyObject *gch_also_numbers(const struct gch_row_context *context, PyObject *const *values)
{
    const struct gch_convert *convert = &context->convert;
    size_t count = gch_buf_status(convert->numbers) == GCH_OK ? convert->number_count : 0;
    PyObject *list = PyList_New(0);
    if (list == NULL || add_metrics(list, convert->numbers, count) != 0 ||
        add_score(list, "fitness_score", values[gch_method_argument(GCH_METHOD_log_individual, "fitness_score")]) !=
            0 ||
        add_score(list, "combined_score", values[gch_method_argument(GCH_METHOD_log_individual, "combined_score")]) !=
            0) {
        PyErr_Clear();
        Py_CLEAR(list);
    }
    return list;
}

static void give(PyObject **values, enum gch_method_id id, const char *name, PyObject *value)
{
    values[gch_method_argument(id, name)] = value;
}

static PyObject *or_none(PyObject *value)
{
    return value == NULL ? Py_None : value;
}

int gch_also_put_score(struct gch_row_context *context, PyObject *const *values, PyObject *number, PyObject *dict)
{
    static const char *const same[] = {"run_id", "generation", "individual_id", "timestamp"};
    const struct gch_method *method = gch_method_get(GCH_METHOD_log_score);
    PyObject *score[GCH_ARGUMENTS_MAX] = {NULL};
    struct gch_held held = {.count = 0};
    PyObject *name = PyTuple_GET_ITEM(number, 0);
    for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++)
        give(score, GCH_METHOD_log_score, same[i], values[gch_method_argument(GCH_METHOD_log_individual, same[i])]);
    PyObject *run_id = score[gch_method_argument(GCH_METHOD_log_score, "run_id")];
    PyObject *id = PyUnicode_FromFormat(
        "%S/%S/%S/%S", or_none(run_id), or_none(values[gch_method_argument(GCH_METHOD_log_individual, "generation")]),
        or_none(values[gch_method_argument(GCH_METHOD_log_individual, "individual_id")]), name);
    if (id == NULL && gch_swallow(&context->convert) != 0)
        return -1;
    give(score, GCH_METHOD_log_score, "id", gch_held_take(&held, id));
    give(score, GCH_METHOD_log_score, "name", name);
    give(score, GCH_METHOD_log_score, "value", PyTuple_GET_ITEM(number, 1));
    give(score, GCH_METHOD_log_score, "source", gch_held_take(&held, PyUnicode_InternFromString("EVAL")));
    context->filled = gch_also_fill(context->convert.state, method, dict, score, &held);
    if (!is_given(score[gch_method_argument(GCH_METHOD_log_score, "trace_id")]))
        give(score, GCH_METHOD_log_score, "trace_id", run_id);
    gch_also_complete_score(score, &held);
    int status = held.status != 0 ? -1 : gch_row_put(context, method, score);
    gch_held_drop(&held);
    return status;
}

/* ---- the program ---- */

int gch_also_hash(struct gch_row_context *context, PyObject **values, PyObject *program[2], struct gch_held *held)
{
    PyObject *code = values[gch_method_argument(GCH_METHOD_log_individual, "code")];
    PyObject **hash = &values[gch_method_argument(GCH_METHOD_log_individual, "code_hash")];
    PyObject **size = &values[gch_method_argument(GCH_METHOD_log_individual, "code_size")];
    if (!is_given(code))
        return 0;
    PyObject *made = gch_plain_program(&context->convert, code);
    if (made == NULL || !PyTuple_Check(made) || PyTuple_GET_SIZE(made) != 3) {
        Py_XDECREF(made);
        return gch_swallow(&context->convert);
    }
    (void)gch_held_take(held, made);
    if (!is_given(*hash) || (PyUnicode_Check(*hash) && PyUnicode_GET_LENGTH(*hash) == 0))
        *hash = PyTuple_GET_ITEM(made, 1);
    if (!is_given(*size) || (PyLong_CheckExact(*size) && PyLong_AsLongLong(*size) == 0))
        *size = PyTuple_GET_ITEM(made, 2);
    PyErr_Clear();
    program[0] = *hash;
    program[1] = PyTuple_GET_ITEM(made, 0);
    return 0;
}

/* ---- the observation of an LLM call ---- */

static const struct {
    const char *from;
    const char *to;
} same_in_observation[] = {
    {"model", "model"},       {"messages", "input"}, {"response", "output"},       {"cost", "cost"},
    {"metadata", "metadata"}, {"run_id", "run_id"},  {"generation", "generation"}, {"individual_id", "individual_id"},
    {"trace_id", "trace_id"}, {"usage", "usage"},    {"error", "status_message"},
};

static bool is_text_or_more(PyObject *value)
{
    return is_given(value) && !(PyUnicode_Check(value) && PyUnicode_GET_LENGTH(value) == 0);
}

/* The call began execution_time before it was logged, or at the time that was given. */
static int give_times(struct gch_row_context *context, PyObject *const *values, PyObject **observation,
                      struct gch_held *held)
{
    PyObject *given = values[gch_method_argument(GCH_METHOD_log_llm_interaction, "timestamp")];
    PyObject *took = values[gch_method_argument(GCH_METHOD_log_llm_interaction, "execution_time")];
    double seconds = 0.0;
    int64_t ms = (int64_t)(gch_realtime_us() / 1000);
    int status = is_given(took) ? gch_number_f64(&context->convert, took, &seconds) : 0;
    if (status == 0 && is_given(given))
        status = gch_value_time(&context->convert, given, &ms);
    if (!isfinite(seconds) || seconds < 0.0)
        seconds = 0.0;
    double start = (double)ms / 1000.0 - (is_given(given) ? 0.0 : seconds);
    give(observation, GCH_METHOD_log_observation, "start_time", gch_held_take(held, PyFloat_FromDouble(start)));
    give(observation, GCH_METHOD_log_observation, "end_time", gch_held_take(held, PyFloat_FromDouble(start + seconds)));
    return status;
}

/* An observation belongs to a trace: the one it was made in, else its run's, else one of its own. */
static void give_trace(struct gch_row_context *context, PyObject **observation, struct gch_held *held)
{
    PyObject **trace = &observation[gch_method_argument(GCH_METHOD_log_observation, "trace_id")];
    PyObject *run_id = observation[gch_method_argument(GCH_METHOD_log_observation, "run_id")];
    char text[GCH_UUID_TEXT];
    if (is_text_or_more(*trace))
        return;
    gch_uuid_text(context->uuid, text);
    *trace = is_text_or_more(run_id) ? run_id : gch_held_take(held, PyUnicode_FromString(text));
}

int gch_also_put_observation(struct gch_row_context *context, PyObject *const *values, PyObject *dict)
{
    const struct gch_method *method = gch_method_get(GCH_METHOD_log_observation);
    PyObject *observation[GCH_ARGUMENTS_MAX] = {NULL};
    struct gch_held held = {.count = 0};
    for (size_t i = 0; i < sizeof(same_in_observation) / sizeof(same_in_observation[0]); i++)
        give(observation, GCH_METHOD_log_observation, same_in_observation[i].to,
             values[gch_method_argument(GCH_METHOD_log_llm_interaction, same_in_observation[i].from)]);
    PyObject **message = &observation[gch_method_argument(GCH_METHOD_log_observation, "status_message")];
    if (is_text_or_more(*message))
        give(observation, GCH_METHOD_log_observation, "level",
             gch_held_take(&held, PyUnicode_InternFromString("ERROR")));
    else
        *message = NULL;
    give(observation, GCH_METHOD_log_observation, "name", gch_held_take(&held, PyUnicode_InternFromString("llm")));
    give(observation, GCH_METHOD_log_observation, "type",
         gch_held_take(&held, PyUnicode_InternFromString("GENERATION")));
    context->provider = values[gch_method_argument(GCH_METHOD_log_llm_interaction, "provider")];
    int status = give_times(context, values, observation, &held);
    if (status == 0) {
        context->filled = gch_also_fill(context->convert.state, method, dict, observation, &held);
        give_trace(context, observation, &held);
        status = held.status;
    }
    if (status == 0)
        status = gch_row_put_also(context, method, observation);
    gch_held_drop(&held);
    return status;
}
