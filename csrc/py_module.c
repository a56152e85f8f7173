/* genesis_ch._core: the module. Multi-phase initialisation, one state an interpreter, heap types. */
#include "py_also.h"
#include "py_cluster.h"
#include "py_logger.h"
#include "py_method.h"
#include "py_outbox.h"
#include "server_text.h"

static int add_options(PyObject *module)
{
    PyObject *list = PyList_New(0);
    int status = list == NULL ? -1 : 0;
    for (int i = 0; i < GCH_OPTION_COUNT && status == 0; i++) {
        const struct gch_option_spec *spec = gch_option_get((enum gch_option)i);
        PyObject *entry = Py_BuildValue("ssss", spec->name, spec->env, spec->value, spec->meaning);
        status = entry == NULL ? -1 : PyList_Append(list, entry);
        Py_XDECREF(entry);
    }
    if (status == 0)
        status = PyModule_AddObjectRef(module, "OPTIONS", list);
    Py_XDECREF(list);
    return status;
}

static PyObject *columns_of(const struct gch_table *table)
{
    PyObject *columns = PyList_New(0);
    for (size_t i = 0; columns != NULL && i < table->column_count; i++) {
        if (table->columns[i].form == GCH_FORM_SET)
            continue;
        PyObject *entry = Py_BuildValue("ss", table->columns[i].name, gch_form_type(table->columns[i].form));
        if (entry == NULL || PyList_Append(columns, entry) != 0)
            Py_CLEAR(columns);
        Py_XDECREF(entry);
    }
    return columns;
}

static int add_tables(PyObject *module)
{
    PyObject *tables = PyDict_New();
    int status = tables == NULL ? -1 : 0;
    for (int id = 0; id < GCH_TABLE_COUNT && status == 0; id++) {
        const struct gch_table *table = gch_table_get((enum gch_table_id)id);
        PyObject *columns = columns_of(table);
        status = columns == NULL ? -1 : PyDict_SetItemString(tables, table->name, columns);
        Py_XDECREF(columns);
    }
    if (status == 0)
        status = PyModule_AddObjectRef(module, "TABLES", tables);
    Py_XDECREF(tables);
    return status;
}

static int module_exec(PyObject *module)
{
    struct gch_state *state = gch_state_of_module(module);
    (void)gch_logger_methods();
    if (gch_methods_init(state) != 0 || gch_context_init(state) != 0 ||
        PyModule_AddObjectRef(module, "context", state->context) != 0 ||
        PyModule_AddFunctions(module, gch_outbox_methods) != 0 ||
        PyModule_AddFunctions(module, gch_cluster_methods) != 0 || gch_cluster_add_sharding(module) != 0)
        return -1;
    gch_also_init();
    state->logger_type = (PyTypeObject *)PyType_FromModuleAndSpec(module, &gch_logger_spec, NULL);
    if (state->logger_type == NULL || PyModule_AddType(module, state->logger_type) != 0)
        return -1;
    return add_options(module) != 0 || add_tables(module) != 0 ? -1 : 0;
}

static int module_traverse(PyObject *module, visitproc visit, void *arg)
{
    struct gch_state *state = gch_state_of_module(module);
    Py_VISIT(state->logger_type);
    Py_VISIT(state->plain);
    Py_VISIT(state->program);
    Py_VISIT(state->context);
    Py_VISIT(state->prices);
    Py_VISIT(state->seconds);
    return 0;
}

static int module_clear(PyObject *module)
{
    struct gch_state *state = gch_state_of_module(module);
    Py_CLEAR(state->logger_type);
    Py_CLEAR(state->plain);
    Py_CLEAR(state->program);
    Py_CLEAR(state->context);
    Py_CLEAR(state->prices);
    Py_CLEAR(state->seconds);
    for (int id = 0; id < GCH_METHODS_MAX; id++) {
        for (int i = 0; i < GCH_ARGUMENTS_MAX; i++)
            Py_CLEAR(state->names[id][i]);
    }
    for (int i = 0; i < GCH_CONTEXT_MAX; i++)
        Py_CLEAR(state->context_names[i]);
    for (int i = 0; i < GCH_COLUMNS_MAX; i++)
        Py_CLEAR(state->pareto_names[i]);
    return 0;
}

static void module_free(void *module)
{
    (void)module_clear(module);
}

static PyObject *server_text(PyObject *module, PyObject *args)
{
    const char *text;
    Py_ssize_t len;
    Py_ssize_t limit;
    struct gch_buf shown;
    (void)module;
    if (!PyArg_ParseTuple(args, "s#n", &text, &len, &limit))
        return NULL;
    gch_buf_init(&shown, GCH_SERVER_TEXT_MAX);
    gch_server_text_put(&shown, text, (size_t)len, true, limit < 0 ? 0 : (size_t)limit);
    PyObject *result = PyUnicode_DecodeUTF8((const char *)shown.data, (Py_ssize_t)shown.len, "replace");
    gch_buf_deinit(&shown);
    return result;
}

static PyMethodDef module_methods[] = {
    {"server_text", server_text, METH_VARARGS,
     PyDoc_STR(
         "server_text(text, limit)\n--\n\nWhat a server says, without the data that it quotes, at most limit bytes.")},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, module_exec},
    {0, NULL},
};

struct PyModuleDef gch_module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "genesis_ch._core",
    .m_doc = PyDoc_STR("The C core of genesis_ch: buffering, encoding and delivery."),
    .m_size = sizeof(struct gch_state),
    .m_methods = module_methods,
    .m_slots = module_slots,
    .m_traverse = module_traverse,
    .m_clear = module_clear,
    .m_free = module_free,
};

PyMODINIT_FUNC PyInit__core(void);

PyMODINIT_FUNC PyInit__core(void)
{
    return PyModuleDef_Init(&gch_module);
}
