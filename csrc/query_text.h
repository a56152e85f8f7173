/* Pieces of a request's URL and SQL, escaped. */
#ifndef GCH_QUERY_TEXT_H
#define GCH_QUERY_TEXT_H

#include "buf.h"

/* Percent-encodes everything but letters, digits and -._~ */
void gch_query_put_encoded(struct gch_buf *url, const void *bytes, size_t len);

/* An identifier in backquotes. */
void gch_query_put_identifier(struct gch_buf *sql, const char *name, size_t len);

#endif
