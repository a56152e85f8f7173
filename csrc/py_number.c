#include "py_number.h"

#include <math.h>
#include <stdbool.h>

#include "py_plain.h"

#define NESTED_MAX 8
#define U64_END    18446744073709551616.0

static void count_replaced(struct gch_convert *convert)
{
    gch_count(&convert->counters->values_replaced, 1);
}

static void count_clamped(struct gch_convert *convert)
{
    gch_count(&convert->counters->values_clamped, 1);
}

static int double_of_int(struct gch_convert *convert, PyObject *value, double *number)
{
    *number = PyLong_AsDouble(value);
    if (*number != -1.0 || PyErr_Occurred() == NULL)
        return 0;
    PyErr_Clear();
    int overflow;
    (void)PyLong_AsLongLongAndOverflow(value, &overflow);
    *number = overflow < 0 ? -INFINITY : INFINITY;
    count_clamped(convert);
    return 0;
}

static int find_by_float(PyObject *value, double *number, bool *found)
{
    PyObject *made = PyNumber_Float(value);
    if (made == NULL)
        return gch_forgive();
    *number = PyFloat_AsDouble(made);
    *found = true;
    Py_DECREF(made);
    return 0;
}

static int find(struct gch_convert *convert, PyObject *value, int depth, double *number, bool *found);

static int find_in_only_item(struct gch_convert *convert, PyObject *list, int depth, double *number, bool *found)
{
    if (PySequence_Fast_GET_SIZE(list) != 1)
        return 0;
    PyObject *item = Py_NewRef(PySequence_Fast_GET_ITEM(list, 0));
    int status = find(convert, item, depth + 1, number, found);
    Py_DECREF(item);
    return status;
}

/* plain() comes before float(), which warns about arrays, masked and complex numbers and takes a numpy.datetime64 for
 * nanoseconds. */
static int find(struct gch_convert *convert, PyObject *value, int depth, double *number, bool *found)
{
    int status = 0;
    if (PyFloat_Check(value)) {
        *number = PyFloat_AS_DOUBLE(value);
        *found = true;
        return 0;
    }
    if (PyLong_Check(value)) {
        *found = true;
        return double_of_int(convert, value, number);
    }
    if (depth == NESTED_MAX || PyDict_Check(value))
        return 0;
    if (PyList_Check(value) || PyTuple_Check(value))
        return find_in_only_item(convert, value, depth, number, found);
    PyObject *plain = PyUnicode_Check(value) ? NULL : gch_plain(convert, value, &status);
    if (status != 0)
        return status;
    if (plain == NULL || PyUnicode_Check(plain))
        status = find_by_float(plain == NULL ? value : plain, number, found);
    else
        status = find(convert, plain, depth + 1, number, found);
    Py_XDECREF(plain);
    return status;
}

int gch_number_f64(struct gch_convert *convert, PyObject *value, double *number)
{
    bool found = false;
    *number = NAN;
    int status = find(convert, value, 0, number, &found);
    if (status == 0 && !found)
        count_replaced(convert);
    return status;
}

/* An int, as *whole (a new reference), or else a double that is no NaN, as *number. */
static int whole_of(struct gch_convert *convert, PyObject *value, PyObject **whole, double *number)
{
    *whole = NULL;
    *number = 0.0;
    if (PyLong_Check(value)) {
        *whole = Py_NewRef(value);
        return 0;
    }
    if (!PyFloat_Check(value) && PyIndex_Check(value)) {
        *whole = PyNumber_Index(value);
        if (*whole != NULL)
            return 0;
        if (gch_forgive() != 0)
            return -1;
    }
    bool found = false;
    int status = find(convert, value, 0, number, &found);
    if (status == 0 && (!found || isnan(*number))) {
        count_replaced(convert);
        *number = 0.0;
    }
    return status;
}

int gch_number_i32(struct gch_convert *convert, PyObject *value, int32_t *number)
{
    PyObject *whole;
    double real;
    *number = 0;
    int status = whole_of(convert, value, &whole, &real);
    if (status != 0)
        return status;
    bool above = real >= INT32_MAX + 1.0;
    bool below = real <= INT32_MIN - 1.0;
    long long exact = above || below ? 0 : (long long)real;
    if (whole != NULL) {
        int overflow;
        exact = PyLong_AsLongLongAndOverflow(whole, &overflow);
        above = overflow > 0 || exact > INT32_MAX;
        below = overflow < 0 || exact < INT32_MIN;
        Py_DECREF(whole);
    }
    if (above || below)
        count_clamped(convert);
    *number = above ? INT32_MAX : below ? INT32_MIN : (int32_t)exact;
    return 0;
}

int gch_number_u64(struct gch_convert *convert, PyObject *value, uint64_t *number)
{
    PyObject *whole;
    double real;
    *number = 0;
    int status = whole_of(convert, value, &whole, &real);
    if (status != 0)
        return status;
    bool above = real >= U64_END;
    bool below = real <= -1.0;
    uint64_t exact = above || below || real < 0.0 ? 0 : (uint64_t)real;
    if (whole != NULL) {
        int overflow;
        long long small = PyLong_AsLongLongAndOverflow(whole, &overflow);
        below = overflow < 0 || (overflow == 0 && small < 0);
        exact = overflow > 0 ? PyLong_AsUnsignedLongLong(whole) : (uint64_t)small;
        above = PyErr_Occurred() != NULL;
        PyErr_Clear();
        Py_DECREF(whole);
    }
    if (above || below)
        count_clamped(convert);
    *number = above ? UINT64_MAX : below ? 0 : exact;
    return 0;
}

PyObject *gch_number_text(PyObject *number)
{
    if (PyBool_Check(number))
        return PyObject_Str(number);
    if (PyFloat_Check(number))
        return PyFloat_Type.tp_repr(number);
    PyObject *text = PyLong_Type.tp_repr(number);
    if (text == NULL && PyErr_ExceptionMatches(PyExc_ValueError)) {
        PyErr_Clear();
        text = PyNumber_ToBase(number, 16);
    }
    return text;
}
