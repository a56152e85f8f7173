/* Files of the outbox looked at from outside, for the command line: nothing is changed, no lock is taken, and a file
 * may be written to, cut or damaged meanwhile.
 */
#ifndef GCH_PY_OUTBOX_H
#define GCH_PY_OUTBOX_H

#include "py_state.h"

/* count_rows and read_rows of genesis_ch._core. */
extern PyMethodDef gch_outbox_methods[];

#endif
