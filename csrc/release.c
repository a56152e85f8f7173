#include "release.h"

#include <stdio.h>
#include <string.h>

#define NUMBER_MAX 9999

/* Reads a number of up to four digits; NULL: there is none. */
static const char *take_number(const char *at, unsigned *number)
{
    const char *start = at;
    *number = 0;
    for (; *at >= '0' && *at <= '9' && *number <= NUMBER_MAX; at++)
        *number = *number * 10 + (unsigned)(*at - '0');
    return at == start || *number > NUMBER_MAX ? NULL : at;
}

static bool read_numbers(struct gch_release *release)
{
    const char *at = take_number(release->text, &release->year);
    if (at == NULL || *at != '.')
        return false;
    at = take_number(at + 1, &release->month);
    return at != NULL && strchr(".-+ ", *at) != NULL; /* the end of the text is one of these, too */
}

static void take(struct gch_release *release, const char *from, size_t len, const char *ends)
{
    size_t end = 0;
    memset(release, 0, sizeof(*release));
    while (end < len && end < sizeof(release->text) - 1 && strchr(ends, from[end]) == NULL) {
        release->text[end] = (char)(from[end] >= ' ' && from[end] <= '~' ? from[end] : '?');
        end += 1;
    }
    if (end > 0 && release->text[end - 1] == ' ')
        release->text[end - 1] = '\0';
    release->readable = read_numbers(release);
}

void gch_release_take(struct gch_release *release, const void *answer, size_t len)
{
    if (len > 0)
        take(release, answer, len, "\t\n");
}

void gch_release_take_error(struct gch_release *release, const void *text, size_t len)
{
    static const char mark[] = "(version ";
    const char *from = text;
    /* What the server quotes may hold the mark as well; its own comes last. */
    for (size_t left = strlen(mark); left <= len; left++) {
        const char *at = from + (len - left);
        if (memcmp(at, mark, strlen(mark)) == 0) {
            take(release, at + strlen(mark), left - strlen(mark), "()\n");
            return;
        }
    }
}

bool gch_release_remark(const struct gch_release *release, char *text, size_t room)
{
    if (release->text[0] == '\0')
        return false;
    if (!release->readable) {
        (void)snprintf(text, room,
                       "the server says that its version is \"%s\", which is no release of ClickHouse; it is taken for "
                       "a recent one",
                       release->text);
        return true;
    }
    bool older = release->year < GCH_RELEASE_OLDEST_YEAR ||
                 (release->year == GCH_RELEASE_OLDEST_YEAR && release->month < GCH_RELEASE_OLDEST_MONTH);
    if (older)
        (void)snprintf(text, room,
                       "ClickHouse %s is older than %d.%d, the oldest that is tested; rows that it does not take wait "
                       "in the outbox",
                       release->text, GCH_RELEASE_OLDEST_YEAR, GCH_RELEASE_OLDEST_MONTH);
    return older;
}
