/* How alike two names are: enough to guess what a typo meant. */
#ifndef GCH_LIKENESS_H
#define GCH_LIKENESS_H

#include <stddef.h>

/* Letters that the two share in order. */
size_t gch_likeness(const char *a, const char *b);

#endif
