/* What a server says about a failure, made fit to be shown: in log lines, last_error, exceptions and the quarantine.
 *
 * ClickHouse quotes what it could not read: `before: 'the rest of the row'`, `Column values: s = '...'`, `Cannot parse
 * uuid ...`. Two rules take that out, for every kind of message, because rows may hold anything:
 *     - behind the words with which ClickHouse begins to quote without an end (server_text.c has the list), all is cut;
 *     - from the first quotation mark to the last, all is cut; where they are not in pairs, or the line ends before the
 *       message does, to the end. Only a name behind the words "setting", "column" and their like stays.
 * Of several lines the first counts. What was cut becomes "...". The place (`(at row 3)`) and the error's name are
 * kept. Control characters become spaces, what is no UTF-8 becomes U+FFFD. A pure function; any thread.
 */
#ifndef GCH_SERVER_TEXT_H
#define GCH_SERVER_TEXT_H

#include <stdbool.h>

#include "buf.h"

#define GCH_SERVER_TEXT_MAX 512 /* bytes of a server's words that are ever shown */

/* Appends to to at most max bytes of what the len bytes say; whole is false when their end is missing. */
void gch_server_text_put(struct gch_buf *to, const void *bytes, size_t len, bool whole, size_t max);

#endif
