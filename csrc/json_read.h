/* The small JSON text the core reads, by way of cJSON: the embedded server's endpoint.json.
 *
 * cJSON is for reading only; it is nowhere near a row.
 */
#ifndef GCH_JSON_READ_H
#define GCH_JSON_READ_H

#include <stddef.h>

#include "status.h"

#define GCH_ENDPOINT_FILE_MAX 4096

struct gch_endpoint {
    char url[256];   /* "http://127.0.0.1:41234" */
    char token[128]; /* the password of user "default" */
    long pid;
};

/* Reads the text of endpoint.json; every field must be there and fit. */
enum gch_status gch_json_read_endpoint(struct gch_endpoint *endpoint, const char *text, size_t len,
                                       struct gch_err *err) GCH_MUST_CHECK;

#endif
