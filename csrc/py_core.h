/* Opening, closing and waiting for the core of a Logger, with the GIL held on entry and exit. */
#ifndef GCH_PY_CORE_H
#define GCH_PY_CORE_H

#include "py_logger.h"

/* Opens the core when there is none, or a forked child inherited one. GCH_OK: self->core is open. GCH_ERR_STOPPED:
 * recording is disabled. -1 as in py_state.h goes to *raised. */
enum gch_status gch_core_open(struct gch_py_logger *self, int *raised) GCH_MUST_CHECK;

/* Where gch_core_open would log to, by the settings as they stand; opens nothing and keeps nothing. The caller deinits
 * *place. 0, or -1 as in py_state.h. */
int gch_core_look(struct gch_py_logger *self, struct gch_place *place);

/* Runs the Python part of opening until it has succeeded once; self->prepared is NULL while it is postponed. 0, or -1
 * as in py_state.h. */
int gch_core_prepare(struct gch_py_logger *self);

/* What the Python part of opening returned. The options' texts are borrowed from it; the caller deinits the migrations,
 * which are empty after a failure. May leave an exception set then. */
enum gch_status gch_core_unpack(const struct gch_py_logger *self, struct gch_logger_options *options,
                                struct gch_migrations *migrations, struct gch_err *err) GCH_MUST_CHECK;

/* The options as they stand; the caller deinits them. */
enum gch_status gch_core_settings(const struct gch_py_logger *self, struct gch_settings *settings) GCH_MUST_CHECK;

struct gch_core *gch_core_take(struct gch_py_logger *self);
void gch_core_give(struct gch_core *core);

/* Takes this core away from the object, unless another has taken its place, and closes it when nobody else waits on it.
 */
void gch_core_drop(struct gch_py_logger *self, struct gch_core *core);

/* Hands waiting notices to logging. Never raises, except -1 as in py_state.h. */
int gch_core_tell(struct gch_py_logger *self, struct gch_logger *logger);

/* Flushes. seconds < 0: without limit. -1 with an exception set: Ctrl-C. */
int gch_core_flush(struct gch_core *core, double seconds);

/* Connects. 0: ready. 1: failed, or not in time. -1 as above. */
int gch_core_connect(struct gch_core *core, double seconds);

#endif
