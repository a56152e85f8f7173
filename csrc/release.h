/* Which release of ClickHouse a server is: what version() says, and what stands at the end of its errors.
 *
 * Nothing is decided by it: what a server cannot do shows as an error of the statement that needs it. It is there to be
 * named. A fork or a proxy may say anything; what is no number of a release is kept as it is said. Plain data.
 */
#ifndef GCH_RELEASE_H
#define GCH_RELEASE_H

#include <stdbool.h>
#include <stddef.h>

#define GCH_RELEASE_TEXT_MAX 64

/* The oldest release that `make engines` tests. */
#define GCH_RELEASE_OLDEST_YEAR  24
#define GCH_RELEASE_OLDEST_MONTH 8

struct gch_release {
    char text[GCH_RELEASE_TEXT_MAX]; /* printable ASCII; "": not asked, or not said */
    bool readable;                   /* text starts with a year and a month */
    unsigned year;
    unsigned month;
};

/* Takes the first field of an answer in TabSeparated; an empty answer leaves what is known. */
void gch_release_take(struct gch_release *release, const void *answer, size_t len);

/* Takes it from an error, "... (version 24.8.4.1 (official build))"; a text without it leaves what is known. */
void gch_release_take_error(struct gch_release *release, const void *text, size_t len);

/* Writes what the user should hear about it, one sentence; false: nothing, it is one of those that are tested or newer.
 */
bool gch_release_remark(const struct gch_release *release, char *text, size_t room);

#endif
