#include "py_row.h"

#include <math.h>
#include <unistd.h>

#include "py_usage.h"
#include "py_value.h"
#include "rowbinary.h"
#include "thread.h"
#include "update.h"
#include "utf8.h"

/* The values of one row, by column. */
struct slots {
    PyObject *value[GCH_COLUMNS_MAX]; /* borrowed; NULL: not given */
    int64_t time_ms;
    uint64_t version_us;
};

/* UUID version 7: milliseconds first, so that ids of one hour lie together. */
static void put_new_id(struct gch_row_context *context, uint64_t now_ms)
{
    uint8_t uuid[16];
    uint64_t random[2] = {gch_logger_random(context->logger), gch_logger_random(context->logger)};
    memcpy(uuid, random, sizeof(uuid));
    for (int i = 0; i < 6; i++)
        uuid[i] = (uint8_t)(now_ms >> (40 - 8 * i));
    uuid[6] = (uint8_t)((uuid[6] & 0x0F) | 0x70);
    uuid[8] = (uint8_t)((uuid[8] & 0x3F) | 0x80);
    gch_rb_uuid(context->convert.row, uuid);
}

static int set_times(struct gch_row_context *context, struct slots *slots, PyObject *timestamp)
{
    slots->version_us = gch_logger_version(context->logger);
    slots->time_ms = (int64_t)(slots->version_us / 1000);
    return gch_value_time(&context->convert, timestamp, &slots->time_ms);
}

static int fill_slots(struct gch_row_context *context, struct slots *slots, const struct gch_method *method,
                      PyObject *const *values)
{
    size_t count = gch_table_get(method->table)->column_count;
    for (size_t i = 0; i < count; i++)
        slots->value[i] = method->argument_of[i] < 0 ? NULL : values[method->argument_of[i]];
    return set_times(context, slots, method->timestamp < 0 ? NULL : values[method->timestamp]);
}

static int put_metrics(struct gch_convert *convert, PyObject *value)
{
    gch_buf_reset(convert->numbers);
    convert->number_count = 0;
    return gch_value_json(convert, value, "{}", 1);
}

/* The environment is read for each run, because callers load .env late; a run is logged once. */
static int put_config(struct gch_row_context *context, PyObject *value)
{
    struct gch_convert *convert = &context->convert;
    struct gch_secrets secrets;
    if (!gch_settings_flag(&context->logger->settings, GCH_OPTION_redact))
        return gch_value_json(convert, value, "{}", 0);
    gch_secrets_init(&secrets, environ);
    convert->secrets = &secrets;
    int status = gch_value_json(convert, value, "{}", 0);
    convert->secrets = NULL;
    gch_secrets_deinit(&secrets);
    return status;
}

static int put_column(struct gch_row_context *context, const struct slots *slots, enum gch_form form, PyObject *value,
                      bool required)
{
    struct gch_convert *convert = &context->convert;
    switch (form) {
    case GCH_FORM_TEXT:
        return gch_value_text(convert, value);
    case GCH_FORM_OBJECT:
        return gch_value_json(convert, value, "{}", 0);
    case GCH_FORM_CONFIG:
        return put_config(context, value);
    case GCH_FORM_METRICS:
        return put_metrics(convert, value);
    case GCH_FORM_LIST:
        return gch_value_json(convert, value, "[]", 0);
    case GCH_FORM_F64:
        return gch_value_f64(convert, value, required ? NAN : 0.0);
    case GCH_FORM_I32:
        return gch_value_i32(convert, value);
    case GCH_FORM_BOOL:
        return gch_value_bool(convert, value);
    case GCH_FORM_NULL_I32:
        return gch_value_null_i32(convert, value);
    case GCH_FORM_NULL_U64:
        return gch_value_null_u64(convert, value);
    case GCH_FORM_TAGS:
        return gch_value_tags(convert, value);
    case GCH_FORM_NUMBERS:
        gch_value_numbers(convert, convert->number_count);
        return 0;
    case GCH_FORM_USAGE:
        return gch_value_usage(convert, value);
    case GCH_FORM_TIME:
        gch_rb_i64(convert->row, slots->time_ms);
        return 0;
    case GCH_FORM_EPOCH:
        gch_rb_i64(convert->row, 0);
        return 0;
    case GCH_FORM_NEW_ID:
        put_new_id(context, slots->version_us / 1000);
        return 0;
    case GCH_FORM_HOSTNAME:
        gch_rb_string(convert->row, context->logger->hostname, strlen(context->logger->hostname));
        return 0;
    case GCH_FORM_PID:
        gch_rb_u32(convert->row, (uint32_t)context->logger->pid);
        return 0;
    case GCH_FORM_VERSION:
        gch_rb_i64(convert->row, (int64_t)slots->version_us);
        return 0;
    }
    return 0;
}

/* The two forms that most columns have are taken at once when the value is what the form is made for. */
static int put_columns(struct gch_row_context *context, const struct gch_method *method, const struct slots *slots)
{
    const struct gch_table *table = gch_table_get(method->table);
    int status = 0;
    for (size_t i = 0; i < table->column_count && status == 0; i++) {
        enum gch_form form = table->columns[i].form;
        PyObject *value = slots->value[i];
        if (value != NULL && form == GCH_FORM_TEXT && PyUnicode_CheckExact(value) && PyUnicode_IS_ASCII(value))
            gch_rb_string(context->convert.row, PyUnicode_DATA(value), (size_t)PyUnicode_GET_LENGTH(value));
        else if (value != NULL && form == GCH_FORM_F64 && PyFloat_CheckExact(value))
            gch_rb_f64(context->convert.row, PyFloat_AS_DOUBLE(value));
        else
            status = put_column(context, slots, form, value, method->required[i]);
    }
    return status;
}

int gch_row_put(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values)
{
    struct slots slots;
    int status = fill_slots(context, &slots, method, values);
    return status != 0 ? status : put_columns(context, method, &slots);
}

/* A new reference, or NULL: the individual has no such member. Text, which has none, is the individual's id. */
static PyObject *member_of(PyObject *individual, PyObject *name)
{
    if (PyUnicode_Check(individual) || PyBytes_Check(individual))
        return PyUnicode_CompareWithASCIIString(name, "individual_id") == 0 ? Py_NewRef(individual) : NULL;
    PyObject *value = PyDict_Check(individual) ? Py_XNewRef(PyDict_GetItemWithError(individual, name))
                                               : PyObject_GetItem(individual, name);
    if (value == NULL && PyErr_Occurred() != NULL && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
        value = PyObject_GetAttr(individual, name);
    }
    if (value == NULL && PyErr_Occurred() != NULL && PyErr_ExceptionMatches(PyExc_Exception))
        PyErr_Clear();
    return value;
}

int gch_row_put_pareto(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values,
                       PyObject *individual)
{
    struct slots slots;
    int status = fill_slots(context, &slots, method, values);
    PyObject *held[GCH_COLUMNS_MAX] = {NULL};
    for (int column = 0; column < GCH_COLUMNS_MAX && status == 0; column++) {
        PyObject *name = context->convert.state->pareto_names[column];
        if (name == NULL)
            continue;
        held[column] = member_of(individual, name);
        slots.value[column] = held[column];
        status = PyErr_Occurred() != NULL ? -1 : 0;
    }
    if (status == 0)
        status = put_columns(context, method, &slots);
    for (int column = 0; column < GCH_COLUMNS_MAX; column++)
        Py_XDECREF(held[column]);
    return status;
}

/* ---- updates ---- */

/* Writes a text into the row buffer as a column would be, and remembers where its bytes lie, at most
 * GCH_UPDATE_TEXT_MAX of them. */
static int put_text(struct gch_convert *convert, PyObject *value, size_t *start, size_t *len)
{
    size_t before = convert->row->len;
    int status = gch_value_text(convert, value);
    size_t prefix = 0;
    while (before + prefix < convert->row->len && (convert->row->data[before + prefix] & 128) != 0)
        prefix++;
    *start = before + prefix + 1;
    *len = convert->row->len > *start ? convert->row->len - *start : 0;
    if (*len > GCH_UPDATE_TEXT_MAX) {
        *len = gch_utf8_floor(convert->row->data + *start, GCH_UPDATE_TEXT_MAX);
        gch_count(&convert->counters->values_cut, 1);
    }
    return status;
}

/* A run that is over has an end; the field's words for one that is not are few. */
static bool goes_on(const char *status, size_t len)
{
    static const char *const words[] = {"running", "pending", "queued", "resumed", "starting", "paused"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (len == strlen(words[i]) && memcmp(words[i], status, len) == 0)
            return true;
    }
    return false;
}

int gch_row_put_update(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values)
{
    struct gch_convert *convert = &context->convert;
    struct slots slots;
    size_t starts[3];
    size_t lens[3];
    int status = fill_slots(context, &slots, method, values);
    size_t start = convert->row->len;
    /* run_id, status, error, then total_generations as Int32 behind them. */
    static const int texts[3] = {0, 1, 4};
    for (int i = 0; i < 3 && status == 0; i++)
        status = put_text(convert, values[texts[i]], &starts[i], &lens[i]);
    if (status == 0 && (values[2] == NULL || values[2] == Py_None))
        gch_rb_i32(convert->row, -1);
    else if (status == 0)
        status = gch_value_i32(convert, values[2]);
    if (status != 0 || gch_buf_status(convert->row) != GCH_OK)
        return status;
    struct gch_update update = {.run_id_len = lens[0], .status_len = lens[1], .error_len = lens[2]};
    memcpy(&update.total_generations, convert->row->data + convert->row->len - 4, 4);
    const char *bytes = (const char *)convert->row->data;
    update.run_id = bytes + starts[0];
    update.status = bytes + starts[1];
    update.error = bytes + starts[2];
    update.at_ms = slots.time_ms;
    update.end_time_ms = update.status_len == 0 ? -1 : goes_on(update.status, update.status_len) ? 0 : slots.time_ms;
    update.version_us = (int64_t)slots.version_us;
    gch_buf_reset(convert->numbers);
    gch_update_put(convert->numbers, &update);
    gch_buf_truncate(convert->row, start);
    gch_buf_append(convert->row, convert->numbers->data, convert->numbers->len);
    if (gch_buf_status(convert->numbers) != GCH_OK)
        convert->row->status = gch_buf_status(convert->numbers);
    return 0;
}
