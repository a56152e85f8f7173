/* The renderer of cluster.h for Python: the function render_for_cluster, and SHARDING, the columns that each table is
 * sharded by. */
#ifndef GCH_PY_CLUSTER_H
#define GCH_PY_CLUSTER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyMethodDef gch_cluster_methods[];

/* 0, or -1 with an exception. */
int gch_cluster_add_sharding(PyObject *module);

#endif
