#include "py_outbox.h"

#include <fcntl.h>
#include <stdbool.h>

#include "descriptor.h"
#include "py_decode.h"
#include "source.h"
#include "update.h"

/* Opens a segment behind what is acknowledged. Needs no GIL. */
static bool open_source(struct gch_source *source, const char *path)
{
    struct gch_segment_reader reader;
    int fd = gch_descriptor_open(AT_FDCWD, path, O_RDONLY);
    if (fd < 0 || gch_segment_reader_open(&reader, fd, NULL) != GCH_OK)
        return false;
    if (gch_source_init(source, &reader, reader.size, NULL) == GCH_OK)
        return true;
    gch_source_deinit(source);
    return false;
}

static Py_ssize_t count_frames(const char *path, Py_ssize_t limit)
{
    struct gch_source source;
    struct gch_frame frame;
    Py_ssize_t rows = 0;
    if (!open_source(&source, path))
        return 0;
    while (rows < limit && gch_source_next(&source, source.reader.size, &frame, NULL) == GCH_OK)
        rows++;
    gch_source_deinit(&source);
    return rows;
}

static PyObject *count_rows(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *path;
    Py_ssize_t limit;
    if (!PyArg_ParseTuple(args, "O&n", PyUnicode_FSConverter, &path, &limit))
        return NULL;
    Py_ssize_t rows;
    Py_BEGIN_ALLOW_THREADS rows = count_frames(PyBytes_AS_STRING(path), limit);
    Py_END_ALLOW_THREADS Py_DECREF(path);
    return PyLong_FromSsize_t(rows);
}

/* Puts column i of a row into the dict. 1: done. 0: it cannot be read. -1: with an exception. */
static int put_column(PyObject *values, struct gch_cursor *names, struct gch_cursor *types, struct gch_cursor *row)
{
    const char *name;
    const char *type;
    size_t name_len;
    size_t type_len;
    if (!gch_cursor_text(names, &name, &name_len) || !gch_cursor_text(types, &type, &type_len))
        return 0;
    PyObject *key = PyUnicode_DecodeUTF8(name, (Py_ssize_t)name_len, "replace");
    PyObject *value = key == NULL ? NULL : gch_decode_value(row, type, type_len, 0);
    if (value == NULL && PyErr_Occurred() != NULL && PyErr_ExceptionMatches(PyExc_TypeError))
        PyErr_Clear(); /* A map whose keys no dict takes. */
    int status = value != NULL ? (PyDict_SetItem(values, key, value) == 0 ? 1 : -1) : PyErr_Occurred() ? -1 : 0;
    Py_XDECREF(key);
    Py_XDECREF(value);
    return status;
}

/* (table, values, whole) of a row; the columns up to the first that cannot be read. */
static PyObject *read_row(const struct gch_buf *schema, const struct gch_frame *frame)
{
    struct gch_cursor names = {schema->data, schema->data + schema->len};
    struct gch_cursor row = {frame->payload, frame->payload + frame->len};
    const char *table = "";
    const char *skipped;
    size_t table_len = 0;
    size_t len;
    uint64_t columns = 0;
    bool whole = gch_cursor_text(&names, &table, &table_len) && gch_cursor_varint(&names, &columns);
    struct gch_cursor types = names;
    for (uint64_t i = 0; i < columns && whole; i++)
        whole = gch_cursor_text(&types, &skipped, &len);
    PyObject *values = PyDict_New();
    int status = values == NULL ? -1 : 1;
    for (uint64_t i = 0; i < columns && whole && status > 0; i++) {
        status = put_column(values, &names, &types, &row);
        whole = status > 0;
    }
    if (status < 0) {
        Py_XDECREF(values);
        return NULL;
    }
    PyObject *name = PyUnicode_DecodeUTF8(table, (Py_ssize_t)table_len, "replace");
    return name == NULL ? (Py_DECREF(values), NULL)
                        : Py_BuildValue("NNN", name, values, PyBool_FromLong(whole && row.at == row.end));
}

static PyObject *read_update(const struct gch_frame *frame)
{
    struct gch_update update;
    if (gch_update_get(&update, frame->payload, frame->len) != GCH_OK)
        return Py_BuildValue("s{}O", "evolution_runs", Py_False);
    PyObject *run_id = PyUnicode_DecodeUTF8(update.run_id, (Py_ssize_t)update.run_id_len, "replace");
    PyObject *status = PyUnicode_DecodeUTF8(update.status, (Py_ssize_t)update.status_len, "replace");
    PyObject *error = PyUnicode_DecodeUTF8(update.error, (Py_ssize_t)update.error_len, "replace");
    PyObject *row = NULL;
    if (run_id != NULL && status != NULL && error != NULL)
        row = Py_BuildValue("s{sssOsOsOsi}O", "evolution_runs", "call", "update_evolution_run", "run_id", run_id,
                            "status", status, "error", error, "total_generations", (int)update.total_generations,
                            Py_True);
    Py_XDECREF(run_id);
    Py_XDECREF(status);
    Py_XDECREF(error);
    return row;
}

static int append_rows(PyObject *rows, struct gch_source *source, Py_ssize_t limit)
{
    struct gch_frame frame;
    while (PyList_GET_SIZE(rows) < limit && gch_source_next(source, source->reader.size, &frame, NULL) == GCH_OK) {
        PyObject *row =
            frame.kind == GCH_FRAME_UPDATE ? read_update(&frame) : read_row(&source->schemas[frame.table], &frame);
        int status = row == NULL ? -1 : PyList_Append(rows, row);
        Py_XDECREF(row);
        if (status != 0)
            return -1;
    }
    return 0;
}

static PyObject *read_rows(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *path;
    Py_ssize_t limit;
    if (!PyArg_ParseTuple(args, "O&n", PyUnicode_FSConverter, &path, &limit))
        return NULL;
    struct gch_source source;
    PyObject *rows = PyList_New(0);
    if (rows != NULL && open_source(&source, PyBytes_AS_STRING(path))) {
        if (append_rows(rows, &source, limit) != 0)
            Py_CLEAR(rows);
        gch_source_deinit(&source);
    }
    Py_DECREF(path);
    return rows;
}

PyMethodDef gch_outbox_methods[] = {
    {"count_rows", count_rows, METH_VARARGS,
     PyDoc_STR("count_rows(path, limit)\n--\n\nRows and updates of an outbox file that are not acknowledged, at most "
               "limit; 0 for a file that cannot be read.")},
    {"read_rows", read_rows, METH_VARARGS,
     PyDoc_STR(
         "read_rows(path, limit)\n--\n\nThe same rows as (table, values by column, whether all could be read), in "
         "their order; [] for a file that cannot be read.")},
    {NULL, NULL, 0, NULL},
};
