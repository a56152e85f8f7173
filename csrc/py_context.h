/* What genesis_ch.context() and spans fill into the calls made inside of them.
 *
 * `_core.context` is a ContextVar that holds a dict which nobody changes any more, or nothing. Its entries stand for
 * arguments that a call does not give, or gives as None; the metadata of the context is what a call's own adds to. With
 * the GIL.
 */
#ifndef GCH_PY_CONTEXT_H
#define GCH_PY_CONTEXT_H

#include "py_state.h"

/* X(entry, the argument it fills) */
#define GCH_CONTEXT_MAP(X)                                                                                             \
    X(run_id, "run_id")                                                                                                \
    X(generation, "generation")                                                                                        \
    X(individual_id, "individual_id")                                                                                  \
    X(trace_id, "trace_id")                                                                                            \
    X(observation_id, "observation_id")                                                                                \
    X(parent_observation_id, "parent_observation_id")                                                                  \
    X(session_id, "session_id")                                                                                        \
    X(user_id, "user_id")                                                                                              \
    X(tags, "tags")                                                                                                    \
    X(metadata, "metadata")                                                                                            \
    X(project_id, "project_id")                                                                                        \
    X(environment, "environment")

enum gch_context_entry {
#define X(entry, argument) GCH_CONTEXT_##entry,
    GCH_CONTEXT_MAP(X)
#undef X
        GCH_CONTEXT_COUNT
};

_Static_assert(GCH_CONTEXT_COUNT <= GCH_CONTEXT_MAX, "raise GCH_CONTEXT_MAX");

const char *gch_context_argument(enum gch_context_entry entry);

/* Makes the ContextVar and the keys. -1 with an exception set. */
int gch_context_init(struct gch_state *state);

/* The dict of the context that this call runs in, as a new reference; NULL: there is none. */
PyObject *gch_context_get(struct gch_state *state);

/* An entry of it, borrowed, or NULL. */
PyObject *gch_context_entry(struct gch_state *state, PyObject *dict, enum gch_context_entry entry);

/* The call's metadata on top of the context's, as a new dict; NULL, perhaps with an exception set: the call's own stays
 * as it is. */
PyObject *gch_context_metadata(PyObject *of_context, PyObject *given);

#endif
