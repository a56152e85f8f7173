#include "py_row.h"

#include <math.h>
#include <unistd.h>

#include "merge.h"
#include "py_map.h"
#include "py_usage.h"
#include "py_value.h"
#include "rowbinary.h"
#include "thread.h"
#include "uuid.h"

/* The values of one row, by column. */
struct slots {
    PyObject *value[GCH_COLUMNS_MAX]; /* borrowed; NULL: not given */
    uint64_t set;                     /* which columns were given (merge.h) */
    int64_t time_ms;
    uint64_t version_us;
    uint64_t event_ms;
    bool deletes;
};

void gch_row_make_id(struct gch_row_context *context, uint64_t now_ms)
{
    uint64_t random[2] = {gch_logger_random(context->logger), gch_logger_random(context->logger)};
    gch_uuid_make(context->uuid, now_ms, random);
}

static bool has_uuid(const struct gch_row_context *context)
{
    static const uint8_t none[16];
    return memcmp(context->uuid, none, sizeof(none)) != 0;
}

static void put_new_id(struct gch_row_context *context, uint64_t now_ms)
{
    if (!has_uuid(context))
        gch_row_make_id(context, now_ms);
    gch_rb_uuid(context->convert.row, context->uuid);
}

size_t gch_row_text_start(const struct gch_buf *row, size_t before)
{
    size_t start = before + 1;
    while (start < row->len && (row->data[start - 1] & 128) != 0)
        start++;
    return start;
}

/* The id of a row that a later call may change. The row's version comes after that of every earlier call for it. */
static int put_id(struct gch_row_context *context, struct slots *slots, PyObject *value)
{
    struct gch_buf *row = context->convert.row;
    size_t before = row->len;
    int status = value == NULL ? 0 : gch_value_text(&context->convert, value);
    size_t start = gch_row_text_start(row, before);
    if (status == 0 && row->len <= start) {
        char text[GCH_UUID_TEXT];
        gch_buf_truncate(row, before);
        if (!has_uuid(context))
            gch_row_make_id(context, slots->version_us / 1000);
        gch_uuid_text(context->uuid, text);
        gch_rb_string(row, text, sizeof(text) - 1);
        start = before + 1;
        slots->set |= UINT64_C(1) << GCH_SET_SINCE;
    }
    if (gch_buf_status(row) != GCH_OK)
        return status;
    context->id_start = start;
    context->id_len = row->len - start;
    slots->event_ms = gch_logger_event(context->logger, row->data + start, row->len - start, slots->version_us / 1000);
    return status;
}

/* A word in capitals. */
static int put_word(struct gch_convert *convert, PyObject *value, const char *otherwise)
{
    size_t before = convert->row->len;
    if (value == NULL || value == Py_None) {
        gch_rb_string(convert->row, otherwise, strlen(otherwise));
        return 0;
    }
    int status = gch_value_text(convert, value);
    for (size_t i = gch_row_text_start(convert->row, before); i < convert->row->len; i++) {
        uint8_t *byte = &convert->row->data[i];
        *byte = *byte >= 'a' && *byte <= 'z' ? (uint8_t)(*byte - 'a' + 'A') : *byte;
    }
    return status;
}

static int put_or_setting(struct gch_row_context *context, PyObject *value, enum gch_option option)
{
    const char *setting = context->logger->settings.text[option];
    if (value != NULL && value != Py_None)
        return gch_value_text(&context->convert, value);
    gch_rb_string(context->convert.row, setting, strlen(setting));
    return 0;
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
    slots->set = 0;
    slots->deletes = method->kind == GCH_KIND_DELETE;
    for (size_t i = 0; i < count; i++) {
        slots->value[i] = method->argument_of[i] < 0 ? NULL : values[method->argument_of[i]];
        bool given = slots->value[i] != NULL && slots->value[i] != Py_None;
        if (given && (context->filled >> method->argument_of[i] & 1) == 0)
            slots->set |= UINT64_C(1) << i;
    }
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

static PyObject *argument(PyObject *const *values, signed char index)
{
    return index < 0 ? NULL : values[index];
}

/* Usage and cost are read once for all the columns that they fill. */
static int read_usage(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values)
{
    memset(&context->costs, 0, sizeof(context->costs));
    return method->usage < 0 ? 0
                             : gch_value_usage_read(&context->convert, argument(values, method->usage),
                                                    argument(values, method->input_tokens),
                                                    argument(values, method->output_tokens), &context->usage);
}

static uint64_t bit_of(const struct gch_table *table, const char *column)
{
    return UINT64_C(1) << gch_table_find(table, column);
}

/* What is known of the cost: as given, else as the usage says, else by the prices of the model, and counts where no
 * call gave one. */
static int put_costs(struct gch_row_context *context, struct slots *slots)
{
    const struct gch_table *table = gch_table_get(GCH_TABLE_observations);
    PyObject *model = slots->value[gch_table_find(table, "provided_model_name")];
    PyObject *priced = NULL;
    int status = 0;
    if (context->costs.count > 0)
        slots->set |= bit_of(table, "cost_details") | bit_of(table, "total_cost");
    else
        priced = gch_cost_of_usage(slots->value[gch_table_find(table, "provided_usage_details")], &status);
    if (context->costs.count == 0 && priced == NULL && status == 0 && model != NULL && model != Py_None &&
        gch_settings_flag(&context->logger->settings, GCH_OPTION_prices))
        priced = gch_prices_find(&context->convert, model, context->provider, &context->usage, &status);
    if (status == 0)
        status = gch_value_costs(&context->convert, &context->costs, priced);
    Py_XDECREF(priced);
    return status;
}

/* Forms of the tables whose rows have an id. */
static int put_kept_column(struct gch_row_context *context, struct slots *slots, enum gch_form form, PyObject *value)
{
    struct gch_convert *convert = &context->convert;
    switch (form) {
    case GCH_FORM_ID:
        return put_id(context, slots, value);
    case GCH_FORM_TYPE:
        return put_word(convert, value, "SPAN");
    case GCH_FORM_LEVEL:
        return put_word(convert, value, "DEFAULT");
    case GCH_FORM_SOURCE:
        return put_word(convert, value, "API");
    case GCH_FORM_PROJECT:
        return put_or_setting(context, value, GCH_OPTION_project_id);
    case GCH_FORM_ENVIRONMENT:
        return put_or_setting(context, value, GCH_OPTION_environment);
    case GCH_FORM_USAGE_BUCKETS:
        if (context->usage.known != 0)
            slots->set |= bit_of(gch_table_get(GCH_TABLE_observations), "usage_details");
        gch_value_usage_buckets(convert, &context->usage);
        return 0;
    case GCH_FORM_COSTS_GIVEN:
        return gch_value_costs_given(convert, value, &context->costs);
    case GCH_FORM_COSTS:
        return put_costs(context, slots);
    case GCH_FORM_COST_TOTAL:
        gch_value_costs_total(convert, &context->costs);
        return 0;
    case GCH_FORM_NOW:
        gch_rb_i64(convert->row, (int64_t)(slots->version_us / 1000));
        return 0;
    case GCH_FORM_MOMENT: {
        int64_t ms = (int64_t)(slots->version_us / 1000);
        int status = gch_value_time(convert, value, &ms);
        gch_rb_i64(convert->row, ms);
        return status;
    }
    case GCH_FORM_EVENT:
        gch_rb_i64(convert->row, (int64_t)slots->event_ms);
        return 0;
    case GCH_FORM_DELETED:
        gch_rb_u8(convert->row, slots->deletes);
        return 0;
    default:
        gch_rb_u64(convert->row, slots->set);
        return 0;
    }
}

static int put_value(struct gch_row_context *context, enum gch_form form, PyObject *value, bool required)
{
    struct gch_convert *convert = &context->convert;
    switch (form) {
    case GCH_FORM_TEXT:
        return gch_value_text(convert, value);
    case GCH_FORM_NULL_TEXT:
        return gch_value_null_text(convert, value);
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
    case GCH_FORM_NULL_U16:
        return gch_value_null_u16(convert, value);
    case GCH_FORM_TAGS:
        return gch_value_tags(convert, value);
    case GCH_FORM_STRINGS:
    case GCH_FORM_STRING_PAIRS:
        return gch_value_map(convert, value);
    case GCH_FORM_NUMBERS:
        gch_value_numbers(convert, convert->number_count);
        return 0;
    case GCH_FORM_USAGE:
        gch_value_usage_given(convert);
        return 0;
    case GCH_FORM_USAGE_INPUT:
        gch_value_usage_input(convert, &context->usage);
        return 0;
    case GCH_FORM_USAGE_OUTPUT:
        gch_value_usage_output(convert, &context->usage);
        return 0;
    default:
        return gch_value_null_time(convert, value);
    }
}

static int put_column(struct gch_row_context *context, struct slots *slots, enum gch_form form, PyObject *value,
                      bool required)
{
    struct gch_buf *row = context->convert.row;
    switch (form) {
    case GCH_FORM_TIME:
        gch_rb_i64(row, slots->time_ms);
        return 0;
    case GCH_FORM_EPOCH:
        gch_rb_i64(row, 0);
        return 0;
    case GCH_FORM_NEW_ID:
        put_new_id(context, slots->version_us / 1000);
        return 0;
    case GCH_FORM_HOSTNAME:
        gch_rb_string(row, context->logger->hostname, strlen(context->logger->hostname));
        return 0;
    case GCH_FORM_PID:
        gch_rb_u32(row, (uint32_t)context->logger->pid);
        return 0;
    case GCH_FORM_VERSION:
        gch_rb_i64(row, (int64_t)slots->version_us);
        return 0;
    case GCH_FORM_ID:
    case GCH_FORM_TYPE:
    case GCH_FORM_LEVEL:
    case GCH_FORM_SOURCE:
    case GCH_FORM_PROJECT:
    case GCH_FORM_ENVIRONMENT:
    case GCH_FORM_USAGE_BUCKETS:
    case GCH_FORM_COSTS_GIVEN:
    case GCH_FORM_COSTS:
    case GCH_FORM_COST_TOTAL:
    case GCH_FORM_NOW:
    case GCH_FORM_MOMENT:
    case GCH_FORM_EVENT:
    case GCH_FORM_DELETED:
    case GCH_FORM_SET:
        return put_kept_column(context, slots, form, value);
    default:
        return put_value(context, form, value, required);
    }
}

/* The two forms that most columns have are taken at once when the value is what the form is made for. */
static int put_columns(struct gch_row_context *context, const struct gch_method *method, struct slots *slots)
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
    if (status == 0)
        status = read_usage(context, method, values);
    return status != 0 ? status : put_columns(context, method, &slots);
}

int gch_row_put_also(struct gch_row_context *context, const struct gch_method *method, PyObject *const *values)
{
    struct slots slots;
    memset(&context->costs, 0, sizeof(context->costs));
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
