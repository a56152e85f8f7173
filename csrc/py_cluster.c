#include "py_cluster.h"

#include "cluster.h"

static PyObject *list_of(const struct gch_rendered *rendered)
{
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < rendered->count; i++) {
        const struct gch_buf *statement = &rendered->statements[i];
        PyObject *text = PyUnicode_DecodeUTF8((const char *)statement->data, (Py_ssize_t)statement->len, "strict");
        if (text == NULL || PyList_Append(list, text) != 0)
            Py_CLEAR(list);
        Py_XDECREF(text);
    }
    return list;
}

static PyObject *render_for_cluster(PyObject *module, PyObject *args)
{
    const char *sql;
    Py_ssize_t len;
    struct gch_cluster cluster;
    struct gch_rendered rendered;
    struct gch_err err = {{0}};
    (void)module;
    if (!PyArg_ParseTuple(args, "s#ss:render_for_cluster", &sql, &len, &cluster.name, &cluster.database))
        return NULL;
    if (!gch_cluster_name_is_legal(cluster.name))
        return PyErr_Format(PyExc_ValueError,
                            "\"%s\" is no name of a cluster: letters, digits, _ and -, or one {macro}", cluster.name);
    gch_rendered_init(&rendered);
    enum gch_status status = gch_cluster_render(&cluster, sql, (size_t)len, &rendered, &err);
    PyObject *list = NULL;
    if (status == GCH_OK)
        list = list_of(&rendered);
    else if (status == GCH_ERR_NOMEM)
        (void)PyErr_NoMemory();
    else
        PyErr_SetString(PyExc_ValueError, status == GCH_ERR_INVALID ? err.text : "the statement is too long");
    gch_rendered_deinit(&rendered);
    return list;
}

PyMethodDef gch_cluster_methods[] = {
    {"render_for_cluster", render_for_cluster, METH_VARARGS,
     PyDoc_STR("render_for_cluster(sql, cluster, database, /)\n--\n\n"
               "The statements, none to two, that do on a cluster what this one, without semicolon, does on a server. "
               "ValueError: it has no form there.")},
    {NULL, NULL, 0, NULL},
};

int gch_cluster_add_sharding(PyObject *module)
{
    PyObject *sharding = PyDict_New();
    int status = sharding == NULL ? -1 : 0;
    for (size_t i = 0; status == 0 && i < GCH_SHARDED_TABLES; i++) {
        PyObject *columns = PyUnicode_FromString(gch_sharding[i].columns);
        status = columns == NULL ? -1 : PyDict_SetItemString(sharding, gch_sharding[i].table, columns);
        Py_XDECREF(columns);
    }
    if (status == 0)
        status = PyModule_AddObjectRef(module, "SHARDING", sharding);
    Py_XDECREF(sharding);
    return status;
}
