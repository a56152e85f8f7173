/* The words for a call that cannot be stored as it is: posted as a notice, and counted. With the GIL. */
#ifndef GCH_PY_COMPLAIN_H
#define GCH_PY_COMPLAIN_H

#include "logger.h"
#include "py_method.h"

/* An argument that is unknown (the nearest is named), missing or given twice. */
void gch_complain(struct gch_logger *logger, const struct gch_method *method, const struct gch_bind_trouble *trouble);

/* A row that the outbox did not take. */
void gch_complain_refused(struct gch_logger *logger, const struct gch_method *method, bool too_big);

#endif
