#include "py_cost.h"

#include <string.h>

#include "decimal.h"
#include "py_json.h"
#include "py_plain.h"
#include "py_usage.h"
#include "rowbinary.h"

#define NESTED_MAX 8
#define TOTAL      "total"
#define PRICES     "genesis_ch._prices"

/* ---- one number ---- */

static enum gch_decimal_result decimal_of_int(PyObject *value, int64_t *units)
{
    int overflow;
    long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow != 0)
        number = overflow < 0 ? INT64_MIN : INT64_MAX;
    return gch_decimal_of_int(number, units);
}

/* Text that is no plain decimal number may still be one that float() reads. */
static enum gch_decimal_result decimal_of_text(PyObject *value, int64_t *units)
{
    enum gch_decimal_result result = GCH_DECIMAL_UNKNOWN;
    if (PyUnicode_IS_ASCII(value))
        result = gch_decimal_of_text(PyUnicode_DATA(value), (size_t)PyUnicode_GET_LENGTH(value), units);
    if (result != GCH_DECIMAL_UNKNOWN)
        return result;
    PyObject *number = PyFloat_FromString(value);
    if (number == NULL)
        return GCH_DECIMAL_UNKNOWN;
    result = gch_decimal_of_double(PyFloat_AS_DOUBLE(number), units);
    Py_DECREF(number);
    return result;
}

static enum gch_decimal_result find(struct gch_convert *convert, PyObject *value, int depth, int64_t *units);

static enum gch_decimal_result find_in_plain(struct gch_convert *convert, PyObject *value, int depth, int64_t *units)
{
    int status;
    enum gch_decimal_result result = GCH_DECIMAL_UNKNOWN;
    PyObject *plain = gch_plain(convert, value, &status);
    if (plain == NULL && status == 0) {
        plain = PyNumber_Float(value);
        status = PyErr_Occurred() == NULL ? 0 : -1;
    }
    if (plain != NULL && status == 0)
        result = find(convert, plain, depth + 1, units);
    Py_XDECREF(plain);
    return result;
}

/* With an exception set, of any kind, what is returned does not count. */
static enum gch_decimal_result find(struct gch_convert *convert, PyObject *value, int depth, int64_t *units)
{
    enum gch_decimal_result result = GCH_DECIMAL_UNKNOWN;
    if (PyFloat_Check(value))
        return gch_decimal_of_double(PyFloat_AS_DOUBLE(value), units);
    if (PyLong_Check(value))
        return decimal_of_int(value, units);
    if (PyUnicode_Check(value))
        return decimal_of_text(value, units);
    if (depth == NESTED_MAX || value == Py_None || PyDict_Check(value))
        return result;
    if (!PyList_Check(value) && !PyTuple_Check(value))
        return find_in_plain(convert, value, depth, units);
    if (PySequence_Fast_GET_SIZE(value) == 1) {
        PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(value, 0));
        result = find(convert, item, depth + 1, units);
        Py_DECREF(item);
    }
    return result;
}

/* Whether the value is a number, counting one that is none, or too large. */
static bool read_decimal(struct gch_convert *convert, PyObject *value, int64_t *units, int *status)
{
    enum gch_decimal_result result = find(convert, value, 0, units);
    if (PyErr_Occurred() != NULL)
        result = GCH_DECIMAL_UNKNOWN;
    *status = gch_forgive();
    if (result == GCH_DECIMAL_CLAMPED)
        gch_count(&convert->counters->values_clamped, 1);
    if (result == GCH_DECIMAL_UNKNOWN && *status == 0)
        gch_count(&convert->counters->values_replaced, 1);
    return result != GCH_DECIMAL_UNKNOWN;
}

static void put_null_units(struct gch_convert *convert, bool known, int64_t units)
{
    gch_rb_u8(convert->row, known ? 0 : 1);
    if (known)
        gch_rb_i64(convert->row, units);
}

int gch_value_null_decimal(struct gch_convert *convert, PyObject *value)
{
    int status = 0;
    int64_t units = 0;
    bool known = value != NULL && value != Py_None && read_decimal(convert, value, &units, &status);
    put_null_units(convert, known, units);
    return status;
}

/* ---- maps: entries are gathered behind what convert->numbers holds, because their number comes first ---- */

static void put_entry(struct gch_convert *convert, struct gch_costs *costs, const char *name, size_t len, int64_t units)
{
    gch_rb_string(convert->numbers, name, len);
    gch_rb_i64(convert->numbers, units);
    costs->count += 1;
}

static int put_number(struct gch_convert *convert, struct gch_costs *costs, PyObject *value)
{
    int status;
    int64_t units;
    if (read_decimal(convert, value, &units, &status))
        put_entry(convert, costs, (const char *)convert->path->data, convert->path->len, units);
    return status;
}

static bool push_name(struct gch_convert *convert, PyObject *key)
{
    PyObject *bytes = PyUnicode_Check(key) ? PyUnicode_AsUTF8String(key) : NULL;
    size_t len = bytes == NULL ? 0 : (size_t)PyBytes_GET_SIZE(bytes);
    PyErr_Clear();
    bool fits = bytes != NULL && convert->path->len + len + 1 <= GCH_NUMBER_PATH_MAX;
    if (fits && convert->path->len > 0)
        gch_buf_byte(convert->path, '.');
    if (fits)
        gch_buf_append(convert->path, PyBytes_AS_STRING(bytes), len);
    Py_XDECREF(bytes);
    return fits;
}

static int put_dict(struct gch_convert *convert, struct gch_costs *costs, PyObject *dict, int depth)
{
    Py_ssize_t position = 0;
    PyObject *key;
    PyObject *value;
    int status = 0;
    Py_ssize_t left = PyDict_GET_SIZE(dict);
    while (status == 0 && left-- > 0 && PyDict_Next(dict, &position, &key, &value)) {
        size_t mark = convert->path->len;
        if (value == Py_None || PyBool_Check(value) || !push_name(convert, key))
            continue;
        Py_INCREF(value);
        if (!PyDict_Check(value))
            status = put_number(convert, costs, value);
        else if (depth + 1 < NESTED_MAX)
            status = put_dict(convert, costs, value, depth + 1);
        Py_DECREF(value);
        gch_buf_truncate(convert->path, mark);
    }
    return status;
}

/* Anything that tells costs: a mapping, the plain form of an object, or a number, which is the total. */
static int put_costs(struct gch_convert *convert, struct gch_costs *costs, PyObject *value)
{
    int status = 0;
    gch_buf_reset(convert->path);
    if (PyDict_Check(value))
        return put_dict(convert, costs, value, 0);
    bool simple = PyFloat_Check(value) || PyLong_Check(value) || PyUnicode_Check(value);
    PyObject *plain = simple ? NULL : gch_plain(convert, value, &status);
    if (plain != NULL && PyDict_Check(plain)) {
        status = put_dict(convert, costs, plain, 0);
    } else if (status == 0) {
        gch_buf_append(convert->path, TOTAL, strlen(TOTAL));
        status = put_number(convert, costs, plain == NULL ? value : plain);
    }
    Py_XDECREF(plain);
    return status;
}

/* Moves the entries that were gathered since mark into the row. */
static void put_gathered(struct gch_convert *convert, struct gch_costs *costs, size_t mark)
{
    bool whole = gch_buf_status(convert->numbers) == GCH_OK;
    if (!whole)
        costs->count = 0;
    gch_rb_varint(convert->row, costs->count);
    costs->at = convert->row->len;
    costs->len = whole ? convert->numbers->len - mark : 0;
    if (costs->len > 0)
        gch_buf_append(convert->row, convert->numbers->data + mark, costs->len);
    gch_buf_truncate(convert->numbers, mark);
}

int gch_value_costs_given(struct gch_convert *convert, PyObject *value, struct gch_costs *costs)
{
    size_t mark = convert->numbers->len;
    costs->count = 0;
    costs->has_total = false;
    int status = value == NULL || value == Py_None ? 0 : put_costs(convert, costs, value);
    put_gathered(convert, costs, mark);
    return status;
}

/* LiteLLM's and Langfuse's names of three costs, as the bucket each is of. */
static void rename_cost(struct gch_rb_pair *pair)
{
    static const char *const names[][2] = {{"input_cost", "input"}, {"output_cost", "output"}, {"total_cost", TOTAL}};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strlen(names[i][0]) == pair->len && memcmp(names[i][0], pair->name, pair->len) == 0) {
            pair->name = names[i][1];
            pair->len = strlen(names[i][1]);
            return;
        }
    }
}

static bool is_total(const struct gch_rb_pair *pair)
{
    return pair->len == strlen(TOTAL) && memcmp(pair->name, TOTAL, pair->len) == 0;
}

/* The total that is among the entries, else the sum of those that are no part of another. */
static void find_total(struct gch_convert *convert, struct gch_costs *costs, const uint8_t *at, const uint8_t *end,
                       bool *among)
{
    struct gch_rb_pair pair;
    bool clamped = false;
    *among = false;
    costs->has_total = false;
    costs->total = 0;
    while (!*among && gch_rb_take_pair(&at, end, &pair)) {
        rename_cost(&pair);
        *among = is_total(&pair);
        if (*among)
            costs->total = (int64_t)pair.number;
        else if (memchr(pair.name, '.', pair.len) == NULL)
            clamped |= gch_decimal_add(costs->total, (int64_t)pair.number, &costs->total) == GCH_DECIMAL_CLAMPED;
        else
            continue;
        costs->has_total = true;
    }
    if (clamped && !*among)
        gch_count(&convert->counters->values_clamped, 1);
}

static void put_with_total(struct gch_convert *convert, struct gch_costs *costs, const uint8_t *at, const uint8_t *end)
{
    struct gch_rb_pair pair;
    bool among;
    find_total(convert, costs, at, end, &among);
    bool more = costs->has_total && !among;
    gch_rb_varint(convert->row, costs->count + more);
    while (gch_rb_take_pair(&at, end, &pair)) {
        rename_cost(&pair);
        gch_rb_string(convert->row, pair.name, pair.len);
        gch_rb_u64(convert->row, pair.number);
    }
    if (more) {
        gch_rb_string(convert->row, TOTAL, strlen(TOTAL));
        gch_rb_i64(convert->row, costs->total);
    }
}

int gch_value_costs(struct gch_convert *convert, struct gch_costs *costs, PyObject *priced)
{
    struct gch_buf *numbers = convert->numbers;
    size_t mark = numbers->len;
    int status = 0;
    if (costs->count > 0 && gch_buf_status(convert->row) == GCH_OK)
        gch_buf_append(numbers, convert->row->data + costs->at, costs->len);
    else if (priced != NULL)
        status = put_costs(convert, costs, priced);
    if (gch_buf_status(numbers) != GCH_OK) {
        costs->count = 0;
        gch_buf_truncate(numbers, mark);
    }
    const uint8_t *at = numbers->len > mark ? numbers->data + mark : convert->row->data;
    put_with_total(convert, costs, at, at + (numbers->len - mark));
    gch_buf_truncate(numbers, mark);
    return status;
}

void gch_value_costs_total(struct gch_convert *convert, const struct gch_costs *costs)
{
    put_null_units(convert, costs->has_total, costs->total);
}

/* ---- prices ---- */

PyObject *gch_cost_of_usage(PyObject *usage, int *status)
{
    PyObject *cost = NULL;
    *status = 0;
    if (usage == NULL || usage == Py_None)
        return NULL;
    if (PyDict_Check(usage)) {
        PyObject *name = PyUnicode_InternFromString("cost");
        cost = name == NULL ? NULL : Py_XNewRef(PyDict_GetItemWithError(usage, name));
        Py_XDECREF(name);
    } else {
        cost = PyObject_GetAttrString(usage, "cost");
    }
    *status = gch_forgive();
    bool usable = cost != NULL && (PyFloat_Check(cost) || PyLong_Check(cost) || PyDict_Check(cost));
    if (!usable || PyBool_Check(cost))
        Py_CLEAR(cost);
    return cost;
}

PyObject *gch_prices_find(struct gch_convert *convert, PyObject *model, PyObject *provider,
                          const struct gch_usage *usage, int *status)
{
    struct gch_state *state = convert->state;
    PyObject *cost = NULL;
    *status = 0;
    if (model == NULL || model == Py_None || usage->known == 0 || state->prices == Py_None)
        return NULL;
    PyObject *function = gch_plain_fetch(&state->prices, PRICES, "cost");
    PyObject *buckets = function == NULL ? NULL : gch_usage_dict(usage);
    if (buckets != NULL)
        cost = PyObject_CallFunctionObjArgs(function, model, provider == NULL ? Py_None : provider, buckets, NULL);
    Py_XDECREF(buckets);
    if (cost == NULL)
        *status = gch_forgive();
    if (cost == Py_False)
        Py_SETREF(state->prices, Py_NewRef(Py_None));
    if (cost != NULL && !PyDict_Check(cost))
        Py_CLEAR(cost);
    return cost;
}
