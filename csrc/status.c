#include "status.h"

#include <stdarg.h>
#include <stdio.h>

#include "utf8.h"

enum gch_status gch_err_set(struct gch_err *err, enum gch_status status, const char *format, ...)
{
    if (err == NULL)
        return status;
    va_list args;
    va_start(args, format);
    int len = vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    if (len < 0)
        err->text[0] = '\0';
    else if ((size_t)len >= sizeof err->text)
        err->text[gch_utf8_floor((const uint8_t *)err->text, sizeof err->text - 1)] = '\0';
    return status;
}
