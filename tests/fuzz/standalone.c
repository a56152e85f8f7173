/* The main of a fuzz target without libFuzzer: standalone SECONDS FILE...
 *
 * Runs each file once, then changes of them, picked at random from a fixed seed, until the time is over. Prints how
 * many inputs it ran. A failure leaves the input in ./crash.
 */
#include "fuzz.h"

#include <time.h>

#define INPUT_MAX 4096
#define KEPT_MAX  1024

static struct fuzz_input kept[KEPT_MAX];
static size_t kept_count;
static uint64_t state = 0x9E3779B97F4A7C15U;

static size_t below(size_t bound)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % bound);
}

static double now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void write_crash(const uint8_t *bytes, size_t size)
{
    FILE *file = fopen("crash", "wb");
    FUZZ_CHECK(file != NULL && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

static void load(const char *path)
{
    uint8_t bytes[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    FUZZ_CHECK(file != NULL && kept_count < KEPT_MAX);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    kept[kept_count++] = (struct fuzz_input){fuzz_copy(bytes, size), size};
}

/* Puts bytes in the place of [at, at + out). */
static size_t splice(uint8_t *input, size_t size, size_t at, size_t out, const uint8_t *bytes, size_t in)
{
    if (size - out + in > INPUT_MAX)
        return size;
    memmove(input + at + in, input + at + out, size - at - out);
    memcpy(input + at, bytes, in);
    return size - out + in;
}

static size_t mutate(uint8_t *input, size_t size)
{
    static const uint8_t odd[] = {0, 1, 0x7F, 0x80, 0xFF, '"', '\\', '%', '@', ':', '/', '\n'};
    const struct fuzz_input *other = &kept[below(kept_count)];
    size_t at = below(size + 1);
    size_t out = at == size ? 0 : below(size - at < 16 ? size - at + 1 : 16);
    size_t from = below(other->left + 1);
    uint8_t byte = below(2) == 0 ? (uint8_t)below(256) : odd[below(sizeof odd)];
    switch (below(4)) {
    case 0:
        if (at < size)
            input[at] ^= (uint8_t)(1U << below(8));
        return size;
    case 1:
        return splice(input, size, at, at < size ? 1 : 0, &byte, 1);
    case 2:
        return splice(input, size, at, out, &byte, below(2));
    default:
        return splice(input, size, at, out, other->at + from, below(other->left - from + 1));
    }
}

int main(int argc, char **argv)
{
    unsigned long runs = 0;
    uint8_t input[INPUT_MAX];
    double end = now() + (argc > 1 ? strtod(argv[1], NULL) : 0);
    for (int i = 2; i < argc; i++)
        load(argv[i]);
    for (; runs < kept_count; runs++) {
        write_crash(kept[runs].at, kept[runs].left);
        (void)LLVMFuzzerTestOneInput(kept[runs].at, kept[runs].left);
    }
    for (; kept_count > 0 && (runs % 64 != 0 || now() < end); runs++) {
        const struct fuzz_input *seed = &kept[below(kept_count)];
        size_t size = seed->left;
        memcpy(input, seed->at, size);
        for (size_t i = below(4) + 1; i > 0; i--)
            size = mutate(input, size);
        uint8_t *exact = fuzz_copy(input, size);
        (void)LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    for (size_t i = 0; i < kept_count; i++)
        free((void *)(uintptr_t)kept[i].at);
    (void)remove("crash");
    printf("%lu runs\n", runs);
    return 0;
}
