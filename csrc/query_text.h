/* Pieces of a request's URL, form and SQL, escaped. */
#ifndef GCH_QUERY_TEXT_H
#define GCH_QUERY_TEXT_H

#include "buf.h"

/* Percent-encodes everything but letters, digits and -._~ */
void gch_query_put_encoded(struct gch_buf *url, const void *bytes, size_t len);

/* A form (multipart/form-data) carries what must not stand in a URL, where proxies and servers log it. Its fields, of
 * GCH_FORM_TYPE, and its end. Texts hold no line break. A parameter's value is escaped as TabSeparated, as the server
 * reads parameters, so it holds none either; nor does it begin with "--", so it cannot be taken for a boundary. */
#define GCH_FORM_BOUNDARY "genesis-ch-form"
#define GCH_FORM_TYPE     "multipart/form-data; boundary=" GCH_FORM_BOUNDARY
void gch_form_put_text(struct gch_buf *form, const char *name, const char *text);
void gch_form_put_parameter(struct gch_buf *form, const char *name, const char *value, size_t len);
void gch_form_put_end(struct gch_buf *form);

/* An identifier in backquotes. */
void gch_query_put_identifier(struct gch_buf *sql, const char *name, size_t len);

#endif
