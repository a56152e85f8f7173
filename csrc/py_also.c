#include "py_also.h"

#include <math.h>

#include "py_number.h"
#include "py_plain.h"
#include "py_value.h"
#include "thread.h"
#include "uuid.h"

/* Arguments that are looked at here. X(method, argument) */
#define PLACE_MAP(X)                                                                                                   \
    X(log_individual, code)                                                                                            \
    X(log_individual, code_hash)                                                                                       \
    X(log_individual, code_size)                                                                                       \
    X(log_individual, combined_score)                                                                                  \
    X(log_individual, fitness_score)                                                                                   \
    X(log_individual, generation)                                                                                      \
    X(log_individual, individual_id)                                                                                   \
    X(log_individual, run_id)                                                                                          \
    X(log_individual, timestamp)                                                                                       \
    X(log_llm_interaction, cost)                                                                                       \
    X(log_llm_interaction, error)                                                                                      \
    X(log_llm_interaction, execution_time)                                                                             \
    X(log_llm_interaction, generation)                                                                                 \
    X(log_llm_interaction, individual_id)                                                                              \
    X(log_llm_interaction, messages)                                                                                   \
    X(log_llm_interaction, metadata)                                                                                   \
    X(log_llm_interaction, model)                                                                                      \
    X(log_llm_interaction, provider)                                                                                   \
    X(log_llm_interaction, response)                                                                                   \
    X(log_llm_interaction, run_id)                                                                                     \
    X(log_llm_interaction, timestamp)                                                                                  \
    X(log_llm_interaction, trace_id)                                                                                   \
    X(log_llm_interaction, usage)                                                                                      \
    X(log_observation, cost)                                                                                           \
    X(log_observation, end_time)                                                                                       \
    X(log_observation, generation)                                                                                     \
    X(log_observation, individual_id)                                                                                  \
    X(log_observation, input)                                                                                          \
    X(log_observation, level)                                                                                          \
    X(log_observation, metadata)                                                                                       \
    X(log_observation, model)                                                                                          \
    X(log_observation, name)                                                                                           \
    X(log_observation, output)                                                                                         \
    X(log_observation, run_id)                                                                                         \
    X(log_observation, start_time)                                                                                     \
    X(log_observation, status_message)                                                                                 \
    X(log_observation, trace_id)                                                                                       \
    X(log_observation, type)                                                                                           \
    X(log_observation, usage)                                                                                          \
    X(log_score, data_type)                                                                                            \
    X(log_score, generation)                                                                                           \
    X(log_score, id)                                                                                                   \
    X(log_score, individual_id)                                                                                        \
    X(log_score, name)                                                                                                 \
    X(log_score, run_id)                                                                                               \
    X(log_score, source)                                                                                               \
    X(log_score, string_value)                                                                                         \
    X(log_score, timestamp)                                                                                            \
    X(log_score, trace_id)                                                                                             \
    X(log_score, value)

enum place {
#define X(method, argument) PLACE_##method##_##argument,
    PLACE_MAP(X)
#undef X
        PLACE_COUNT
};

/* Where each is among the values of its method. */
static signed char places[PLACE_COUNT];

#define PLACE(method, argument) places[PLACE_##method##_##argument]

/* X(argument of the LLM call, that of its observation) */
#define SAME_IN_OBSERVATION(X)                                                                                         \
    X(model, model)                                                                                                    \
    X(messages, input)                                                                                                 \
    X(response, output)                                                                                                \
    X(cost, cost)                                                                                                      \
    X(metadata, metadata)                                                                                              \
    X(run_id, run_id)                                                                                                  \
    X(generation, generation)                                                                                          \
    X(individual_id, individual_id)                                                                                    \
    X(trace_id, trace_id)                                                                                              \
    X(usage, usage)                                                                                                    \
    X(error, status_message)

void gch_also_init(void)
{
#define X(method, argument) PLACE(method, argument) = (signed char)gch_method_argument(GCH_METHOD_##method, #argument);
    PLACE_MAP(X)
#undef X
}

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
    int place = PLACE(log_score, value);
    int type_place = PLACE(log_score, data_type);
    int text_place = PLACE(log_score, string_value);
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
        add_score(list, "fitness_score", values[PLACE(log_individual, fitness_score)]) != 0 ||
        add_score(list, "combined_score", values[PLACE(log_individual, combined_score)]) != 0) {
        PyErr_Clear();
        Py_CLEAR(list);
    }
    return list;
}

static PyObject *or_none(PyObject *value)
{
    return value == NULL ? Py_None : value;
}

int gch_also_put_score(struct gch_row_context *context, PyObject *const *values, PyObject *number, PyObject *dict)
{
    const struct gch_method *method = gch_method_get(GCH_METHOD_log_score);
    PyObject *score[GCH_ARGUMENTS_MAX] = {NULL};
    struct gch_held held = {.count = 0};
    PyObject *name = PyTuple_GET_ITEM(number, 0);
    PyObject *run_id = values[PLACE(log_individual, run_id)];
    PyObject *generation = values[PLACE(log_individual, generation)];
    PyObject *individual = values[PLACE(log_individual, individual_id)];
    PyObject *id = PyUnicode_FromFormat("%S/%S/%S/%S", or_none(run_id), or_none(generation), or_none(individual), name);
    if (id == NULL && gch_swallow(&context->convert) != 0)
        return -1;
    score[PLACE(log_score, run_id)] = run_id;
    score[PLACE(log_score, generation)] = generation;
    score[PLACE(log_score, individual_id)] = individual;
    score[PLACE(log_score, timestamp)] = values[PLACE(log_individual, timestamp)];
    score[PLACE(log_score, id)] = gch_held_take(&held, id);
    score[PLACE(log_score, name)] = name;
    score[PLACE(log_score, value)] = PyTuple_GET_ITEM(number, 1);
    score[PLACE(log_score, source)] = gch_held_take(&held, PyUnicode_InternFromString("EVAL"));
    context->filled = gch_also_fill(context->convert.state, method, dict, score, &held);
    if (!is_given(score[PLACE(log_score, trace_id)]))
        score[PLACE(log_score, trace_id)] = run_id;
    gch_also_complete_score(score, &held);
    int status = held.status != 0 ? -1 : gch_row_put(context, method, score);
    gch_held_drop(&held);
    return status;
}

/* ---- the program ---- */

int gch_also_hash(struct gch_row_context *context, PyObject **values, PyObject *program[2], struct gch_held *held)
{
    PyObject *code = values[PLACE(log_individual, code)];
    PyObject **hash = &values[PLACE(log_individual, code_hash)];
    PyObject **size = &values[PLACE(log_individual, code_size)];
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

static bool is_text_or_more(PyObject *value)
{
    return is_given(value) && !(PyUnicode_Check(value) && PyUnicode_GET_LENGTH(value) == 0);
}

/* The call began execution_time before it was logged, or at the time that was given. */
static int give_times(struct gch_row_context *context, PyObject *const *values, PyObject **observation,
                      struct gch_held *held)
{
    PyObject *given = values[PLACE(log_llm_interaction, timestamp)];
    PyObject *took = values[PLACE(log_llm_interaction, execution_time)];
    double seconds = 0.0;
    int64_t ms = (int64_t)(gch_realtime_us() / 1000);
    int status = is_given(took) ? gch_number_f64(&context->convert, took, &seconds) : 0;
    if (status == 0 && is_given(given))
        status = gch_value_time(&context->convert, given, &ms);
    if (!isfinite(seconds) || seconds < 0.0)
        seconds = 0.0;
    double start = (double)ms / 1000.0 - (is_given(given) ? 0.0 : seconds);
    observation[PLACE(log_observation, start_time)] = gch_held_take(held, PyFloat_FromDouble(start));
    observation[PLACE(log_observation, end_time)] = gch_held_take(held, PyFloat_FromDouble(start + seconds));
    return status;
}

/* An observation belongs to a trace: the one it was made in, else its run's, else one of its own. */
static void give_trace(struct gch_row_context *context, PyObject **observation, struct gch_held *held)
{
    PyObject **trace = &observation[PLACE(log_observation, trace_id)];
    PyObject *run_id = observation[PLACE(log_observation, run_id)];
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
#define X(from, to) observation[PLACE(log_observation, to)] = values[PLACE(log_llm_interaction, from)];
    SAME_IN_OBSERVATION(X)
#undef X
    PyObject **message = &observation[PLACE(log_observation, status_message)];
    if (is_text_or_more(*message))
        observation[PLACE(log_observation, level)] = gch_held_take(&held, PyUnicode_InternFromString("ERROR"));
    else
        *message = NULL;
    observation[PLACE(log_observation, name)] = gch_held_take(&held, PyUnicode_InternFromString("llm"));
    observation[PLACE(log_observation, type)] = gch_held_take(&held, PyUnicode_InternFromString("GENERATION"));
    context->provider = values[PLACE(log_llm_interaction, provider)];
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
