/* Python values as JSON text.
 *
 * dict, list, tuple, str, int, float, bool and None are written here; anything else goes through genesis_ch._plain,
 * which turns it into those or says that it does not know it: then its repr is written, cut at GCH_REPR_MAX characters.
 * NaN and the infinities become null. Keys become text: None, True and False as in json.dumps, what gch_plain turns
 * into a text or a number as that, the rest as str() has it. A container inside itself, or deeper than GCH_JSON_DEPTH,
 * becomes a text that says so. A dict or list that another thread, or the repr of an item, changes meanwhile is safe:
 * items are held while they are written, and no more items are written than there were at the start.
 */
#ifndef GCH_PY_JSON_H
#define GCH_PY_JSON_H

#include "py_state.h"

#define GCH_JSON_DEPTH      100
#define GCH_NUMBER_PATH_MAX 1024

/* With numbers, every finite number that is reached through dicts only is also added to convert->numbers under its
 * dotted key. */
int gch_json_put(struct gch_convert *convert, PyObject *value, int with_numbers);

/* The text of a mapping's key, as above: a new str; NULL only when *status is -1 as in py_state.h, or memory is short.
 */
PyObject *gch_json_key(struct gch_convert *convert, PyObject *key, int *status);

#endif
