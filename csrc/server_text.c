#include "server_text.h"

#include <ctype.h>
#include <stdlib.h>

#include "error_class.h"
#include "utf8.h"

#define CUT          "..."
#define CUT_LEN      (sizeof(CUT) - 1)
#define NAME_MAX_LEN 64

/* What stands before data that has no end of its own. Each is found in the texts of ClickHouse's sources, and most are
 * provoked from a real engine in tests/faults/test_secrets.py. */
static const char *const introductions[] = {
    " before: ",
    " here: ",
    "Column values: ",
    "parsed text: ",
    "ERROR: text ",
    "In scope ",
    "While processing ",
    "while processing ",
    "while executing ",
    "failed at position ",
    "DB::Exception: Value ",
    "Cannot parse string ",
    "Cannot parse uuid ",
    "Cannot parse UUID ",
    "Cannot parse IPv4 ",
    "Cannot parse IPv6 ",
    "Cannot parse number ",
    "Cannot parse value ",
    "Cannot parse expression ",
    "Cannot convert string ",
    "Cannot convert value ",
    "Cannot read floating point value ",
    "Unexpected data ",
    "Unknown element ",
    "Unknown format ",
    "unknown field ",
    "Unknown field ",
    "Invalid value ",
    "cannot compile re2: ",
    "JSON object: ",
    "Partition value ",
    "Buffer has gone, cannot extract information about what has been parsed",
};

static const char *find(const char *text, size_t len, const char *needle)
{
    return memmem(text, len, needle, strlen(needle));
}

/* Where the first quotation without an end begins, or len. */
static size_t open_end(const char *text, size_t len)
{
    size_t end = len;
    for (size_t i = 0; i < sizeof(introductions) / sizeof(introductions[0]); i++) {
        const char *found = find(text, end, introductions[i]);
        if (found != NULL)
            end = (size_t)(found - text) + strlen(introductions[i]);
    }
    return end;
}

/* A quotation mark, not the apostrophe of "doesn't". */
static bool is_mark(const char *text, size_t len, size_t at)
{
    if (text[at] == '"')
        return true;
    bool apostrophe = at > 0 && text[at - 1] == 'n' && at + 2 < len && text[at + 1] == 't' && text[at + 2] == ' ';
    return text[at] == '\'' && !apostrophe;
}

/* What stands before a quoted name of the server's own, which helps and tells nothing. */
static const char *const before_names[] = {"setting ", "identifier ", "column ", "Column ",
                                           "Type of ", "table ",      "Table "};

/* The length of the quoted name at `at`, marks and all; 0 when what stands there is not sure to be one. */
static size_t name_at(const char *text, size_t len, size_t at)
{
    bool named = false;
    for (size_t i = 0; i < sizeof(before_names) / sizeof(before_names[0]); i++) {
        size_t word = strlen(before_names[i]);
        named = named || (at >= word && memcmp(text + at - word, before_names[i], word) == 0);
    }
    size_t end = at + 1;
    while (named && end < len && end - at <= NAME_MAX_LEN && (isalnum((unsigned char)text[end]) || text[end] == '_'))
        end++;
    bool closed = named && end < len && end > at + 1 && text[end] == text[at];
    return closed && (end + 1 == len || !isalnum((unsigned char)text[end + 1])) ? end + 1 - at : 0;
}

/* The first and the last quotation mark; false when there is none. Marks that are not in pairs quote to the end. */
static bool find_marks(const char *text, size_t len, size_t *first, size_t *last)
{
    size_t count = 0;
    *last = len;
    for (size_t at = 0; at < len; at++) {
        if (!is_mark(text, len, at))
            continue;
        size_t name = count == 0 ? name_at(text, len, at) : 0;
        if (name > 0) {
            at += name - 1;
            continue;
        }
        *first = count == 0 ? at : *first;
        *last = at;
        count += 1;
    }
    if (count % 2 != 0)
        *last = len;
    return count > 0;
}

/* "(at row N)" somewhere behind `from`, or nothing. */
static void put_row(struct gch_buf *to, const char *text, size_t len, size_t from)
{
    const char *found = find(text + from, len - from, "(at row ");
    size_t digits = 0;
    if (found == NULL)
        return;
    const char *number = found + strlen("(at row ");
    while (number + digits < text + len && digits < 20 && number[digits] >= '0' && number[digits] <= '9')
        digits++;
    if (digits > 0)
        gch_buf_printf(to, " (at row %.*s)", (int)digits, number);
}

/* "Code: 27. ..." */
static const char *name_of(const char *text, size_t len)
{
    const char *code = find(text, len, "Code: ");
    return code == NULL ? NULL : gch_error_code_name((int)strtol(code + strlen("Code: "), NULL, 10));
}

static void put_cut(struct gch_buf *to, const char *text, size_t len, bool whole)
{
    size_t line = strcspn(text, "\n");
    size_t shown = open_end(text, line);
    bool ends_well = shown < line || (whole && line == len);
    size_t first = shown;
    size_t last;
    bool marks = find_marks(text, shown, &first, &last);
    bool cut_off = shown < len || !whole;
    bool closed = marks && last < shown && ends_well;
    gch_buf_append(to, text, marks ? first + 1 : shown);
    if (marks)
        gch_buf_text(to, CUT);
    if (closed)
        gch_buf_append(to, text + last, shown - last);
    if (cut_off && (!marks || closed))
        gch_buf_text(to, CUT);
    if (!cut_off && (!marks || closed))
        return;
    put_row(to, text, len, first);
    const char *name = name_of(text, len);
    if (name != NULL)
        gch_buf_printf(to, " (%s)", name);
}

/* Only line breaks stay, and none at the end. */
static char *without_controls(const void *bytes, size_t len)
{
    char *text = calloc(len + 1, 1);
    const char *from = bytes;
    for (size_t i = 0; text != NULL && i < len; i++)
        text[i] = from[i] != '\n' && ((unsigned char)from[i] < ' ' || from[i] == 0x7F) ? ' ' : from[i];
    while (text != NULL && len > 0 && (text[len - 1] == ' ' || text[len - 1] == '\n'))
        text[--len] = '\0';
    return text;
}

void gch_server_text_put(struct gch_buf *to, const void *bytes, size_t len, bool whole, size_t max)
{
    char *text = without_controls(bytes, len);
    if (text == NULL)
        return;
    struct gch_buf cut;
    struct gch_buf valid;
    gch_buf_init(&cut, len + GCH_SERVER_TEXT_MAX);
    gch_buf_init(&valid, 3 * (len + GCH_SERVER_TEXT_MAX));
    put_cut(&cut, text, strlen(text), whole);
    (void)gch_utf8_from_bytes(&valid, cut.data, cut.len);
    size_t most = max < GCH_SERVER_TEXT_MAX ? max : GCH_SERVER_TEXT_MAX;
    if (valid.len <= most) {
        gch_buf_append(to, valid.data, valid.len);
    } else if (most > CUT_LEN) {
        gch_buf_append(to, valid.data, gch_utf8_floor(valid.data, most - CUT_LEN));
        gch_buf_text(to, CUT);
    }
    gch_buf_deinit(&valid);
    gch_buf_deinit(&cut);
    free(text);
}
