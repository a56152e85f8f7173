/* The test frame of the C core: checks that count, and a main that calls the tests and tells the counts.
 *
 * A failed check prints its file, line and values and the test goes on. A program without a passed check has failed.
 * The first line of a test_X.c says what it is linked with, for test_c.py:
 *     needs: sources of csrc ; libs: pkg-config names
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static _Atomic unsigned check_passed;
static _Atomic unsigned check_failed;

static inline bool check_count(bool passed, const char *file, int line, const char *what)
{
    if (passed) {
        check_passed++;
        return true;
    }
    check_failed++;
    printf("%s:%d: failed: %s\n", file, line, what);
    return false;
}

static inline void check_int(const char *file, int line, const char *what, int64_t got, int64_t want)
{
    if (!check_count(got == want, file, line, what))
        printf("    got %lld (0x%llx), want %lld (0x%llx)\n", (long long)got, (long long)got, (long long)want,
               (long long)want);
}

static inline void check_text(const char *file, int line, const char *what, const char *got, const char *want)
{
    bool same = got != NULL && want != NULL ? strcmp(got, want) == 0 : got == want;
    if (!check_count(same, file, line, what))
        printf("    got  \"%s\"\n    want \"%s\"\n", got == NULL ? "(null)" : got, want == NULL ? "(null)" : want);
}

static inline void check_print_bytes(const char *label, const uint8_t *bytes, size_t len)
{
    printf("    %s %zu bytes:", label, len);
    for (size_t i = 0; i < len && i < 64; i++)
        printf(" %02x", bytes[i]);
    printf(len > 64 ? " ...\n" : "\n");
}

static inline void check_bytes(const char *file, int line, const char *what, const void *got, size_t got_len,
                               const void *want, size_t want_len)
{
    bool same = got_len == want_len && (got_len == 0 || memcmp(got, want, got_len) == 0);
    if (check_count(same, file, line, what))
        return;
    check_print_bytes("got ", got, got_len);
    check_print_bytes("want", want, want_len);
}

static inline int check_run(void (*const *tests)(void), size_t count)
{
    for (size_t i = 0; i < count; i++)
        tests[i]();
    printf("%u passed, %u failed\n", check_passed, check_failed);
    return check_failed == 0 && check_passed > 0 ? 0 : 1;
}

#define CHECK(condition)      (void)check_count((condition), __FILE__, __LINE__, #condition)
#define CHECK_INT(got, want)  check_int(__FILE__, __LINE__, #got " == " #want, (int64_t)(got), (int64_t)(want))
#define CHECK_TEXT(got, want) check_text(__FILE__, __LINE__, #got " == " #want, (got), (want))
#define CHECK_BYTES(got, got_len, want, want_len)                                                                      \
    check_bytes(__FILE__, __LINE__, #got " == " #want, (got), (got_len), (want), (want_len))

/* CHECK_MAIN(test_one, test_two) is the main of a test program. */
#define CHECK_MAIN(...)                                                                                                \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        static void (*const tests[])(void) = {__VA_ARGS__};                                                            \
        return check_run(tests, sizeof tests / sizeof *tests);                                                         \
    }

#endif
