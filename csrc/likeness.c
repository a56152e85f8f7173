#include "likeness.h"

#include <string.h>

size_t gch_likeness(const char *a, const char *b)
{
    size_t shared = 0;
    for (; *a != '\0'; a++) {
        const char *found = strchr(b, *a);
        if (found != NULL && *found != '\0') {
            shared += 1;
            b = found + 1;
        }
    }
    return shared;
}
