/* A request's body as multipart/form-data: it carries what must not stand in a URL, where proxies and servers log it,
 * and the rows that a query reads as an external table.
 *
 * The boundary is random for each form, so nothing in a value or in rows can be taken for it. Owner: one thread.
 */
#ifndef GCH_MULTIPART_H
#define GCH_MULTIPART_H

#include "buf.h"

#define GCH_MULTIPART_KEPT_MAX (8U << 20) /* memory kept after a rare large form */

struct gch_multipart {
    struct gch_buf bytes;
    char boundary[48];
};

void gch_multipart_init(struct gch_multipart *form, size_t cap);
void gch_multipart_deinit(struct gch_multipart *form);

/* Empties it and chooses a boundary. Then fields in any order, then gch_multipart_end. */
void gch_multipart_begin(struct gch_multipart *form);
void gch_multipart_put_text(struct gch_multipart *form, const char *name, const char *text);

/* A bound parameter of the query, escaped as TabSeparated, as the server reads parameters. */
void gch_multipart_put_parameter(struct gch_multipart *form, const char *name, const char *value, size_t len);

/* Between the two, append the file's bytes to form->bytes. */
void gch_multipart_begin_file(struct gch_multipart *form, const char *name);
void gch_multipart_end_file(struct gch_multipart *form);
void gch_multipart_end(struct gch_multipart *form);

#endif
