/* needs: drainer.c outbox.c outbox_files.c orphan.c aside.c window.c batch.c schema.c query_text.c source.c writer_dir.c
 * segment.c segment_reader.c tables.c rowbinary.c notice.c buf.c crc32c.c descriptor.c disk.c status.c utf8.c thread.c ; libs:
 * libzstd */
/* A segment of 64 KiB that the outbox wrote, hurt in one place and read again: what is lost, and whether it is told.
 *
 * corruption read KIND EVERY FIRST: one bit in EVERY from FIRST on is flipped, then the file is cut at one byte in
 * EVERY, and read as the sender reads it. corruption adopt KIND COUNT SEED: the file lies in the outbox of a dead
 * process, with random damage, and is adopted. KIND: sealed; open, as a crash leaves it; recycled, open and with the
 * bytes of an earlier life behind its end. The last line is JSON.
 */
#include <errno.h>
#include <time.h>

#include "descriptor.h"
#include "rows.h"
#include "segment_format.h"
#include "tree.h"

#define SEGMENT 65536
#define CAP     (8U << 20)

struct place {
    uint32_t number; /* of the row, ROWS_MAX for a SCHEMA frame */
    uint64_t start;
    uint64_t end;  /* of the payload; the rest of the frame is padding */
    uint8_t table; /* ROWS_UPDATES for an update, which needs no schema */
};

static struct {
    uint8_t bytes[SEGMENT];
    struct place places[ROWS_MAX];
    size_t count;
    uint64_t end; /* of the frames */
    bool sealed;
} image;

static struct {
    uint64_t flips;
    uint64_t cuts;
    uint64_t adopted;
    uint64_t harmless; /* nothing was lost and nothing had to be told */
    uint64_t mended;   /* nothing was lost; it was counted */
    uint64_t lost_one; /* flips that cost one row; it was counted */
    uint64_t lost;     /* rows that cuts and larger damage cost */
    uint64_t kept;     /* damaged files that an adoption kept */
    uint64_t slowest_us;
} seen;

/* ---- the segment ---- */

static uint32_t next_number;
static uint32_t first_number;

static uint32_t len_of(uint32_t number)
{
    uint32_t len = ROW_MIN + number * 7919U % (number % 9 == 0 ? 2000 : 150);
    return (len & (len - 1)) == 0 ? len + 1 : len; /* One bit of a power of two makes a zero; see the oracle. */
}

/* Rows until no more than room is left in one segment, or the next row does not fit. */
static void append_until(struct world *world, size_t room)
{
    static const unsigned tables[] = {GCH_TABLE_agent_actions, GCH_TABLE_individuals, ROWS_UPDATES};
    size_t left = SEGMENT;
    for (; left > room && left >= gch_frame_size(len_of(next_number)); next_number++) {
        DEMAND(world_append(world, tables[next_number % 5 % 3], next_number, len_of(next_number)) == GCH_OK);
        left = SEGMENT - (size_t)gch_segment_end(world->outbox.current);
    }
    DEMAND(world->outbox.oldest == world->outbox.current);
}

static void find_places(uint32_t last)
{
    struct gch_segment_reader reader;
    struct gch_frame frame;
    int fd = gch_descriptor_open(AT_FDCWD, "whole.seg", O_RDWR | O_CREAT | O_TRUNC);
    uint32_t rows = 0;
    DEMAND(write(fd, image.bytes, SEGMENT) == SEGMENT);
    DEMAND(gch_segment_reader_open(&reader, fd, NULL) == GCH_OK);
    while (gch_segment_reader_next(&reader, reader.size, &frame, NULL) == GCH_OK) {
        int64_t number = frame.kind == GCH_FRAME_SCHEMA ? ROWS_MAX : row_number(frame.payload, frame.len);
        DEMAND(number == ROWS_MAX || number == first_number + rows);
        rows += number != ROWS_MAX;
        image.places[image.count++] =
            (struct place){(uint32_t)number, frame.offset, frame.offset + GCH_FRAME_HEADER + frame.len,
                           frame.kind == GCH_FRAME_UPDATE ? ROWS_UPDATES : frame.table};
        image.end = frame.next;
    }
    DEMAND(reader.damaged_frames == 0 && rows == last - first_number && rows > 100);
    gch_segment_reader_close(&reader);
}

static void make_image(const char *kind)
{
    static struct world world;
    char root[4200];
    char here[4096];
    DEMAND(getcwd(here, sizeof(here)) != NULL);
    (void)snprintf(root, sizeof(root), "%s/source", here);
    world_begin(&world, root, CAP, SEGMENT, 4096);
    const struct gch_segment *segment;
    uint32_t last;
    if (strcmp(kind, "recycled") == 0) {
        append_until(&world, 3000);
        segment = world.outbox.current;
        gch_segment_seal(world.outbox.current);
        DEMAND(gch_drainer_run(&world.drainer, true, false) == GCH_OK);
        world_keep(&world);
        first_number = next_number;
        append_until(&world, SEGMENT / 3);
        DEMAND(gch_counted(&world.counters.segments_recycled) == 1);
    } else {
        append_until(&world, 300);
    }
    segment = world.outbox.current;
    last = next_number;
    image.sealed = strcmp(kind, "sealed") == 0;
    if (image.sealed)
        gch_segment_seal(world.outbox.current);
    memcpy(image.bytes, segment->map, SEGMENT);
    find_places(last);
    world_end(&world);
    server.count = 0;
}

/* ---- the oracle ---- */

struct outcome {
    size_t lost;
    uint32_t last_lost; /* the number of one that is */
    uint64_t frames;
    uint64_t bytes;
};

static struct outcome compare(const uint8_t found[ROWS_MAX])
{
    struct outcome outcome = {0, 0, 0, 0};
    for (uint32_t number = 0; number < ROWS_MAX; number++) {
        bool there = number >= first_number && number < next_number;
        DEMAND(found[number] <= there);
        if (there && found[number] == 0) {
            outcome.lost += 1;
            outcome.last_lost = number;
        }
    }
    return outcome;
}

static uint64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* False: the header is refused. */
static bool read_hurt(struct outcome *outcome)
{
    static struct gch_source source;
    uint8_t found[ROWS_MAX] = {0};
    struct gch_segment_reader reader;
    struct gch_frame frame;
    uint64_t begun = now_us();
    if (gch_segment_reader_open(&reader, gch_descriptor_open(AT_FDCWD, "hurt.seg", O_RDWR), NULL) != GCH_OK)
        return false;
    DEMAND(gch_source_init(&source, &reader, reader.size, NULL) == GCH_OK);
    while (gch_source_next(&source, reader.size, &frame, NULL) == GCH_OK) {
        int64_t number = row_number(frame.payload, frame.len);
        DEMAND(number >= 0);
        found[number] += 1;
    }
    *outcome = compare(found);
    outcome->frames = source.reader.damaged_frames;
    outcome->bytes = source.reader.damaged_bytes;
    gch_source_deinit(&source);
    uint64_t took = now_us() - begun;
    seen.slowest_us = took > seen.slowest_us ? took : seen.slowest_us;
    return true;
}

/* The frame whose checked bytes hold a place, or NULL: padding, marks, and what is behind the end are not checked. */
static const struct place *find_place(uint64_t at)
{
    for (size_t i = 0; i < image.count; i++) {
        if (at >= image.places[i].start && at < image.places[i].end)
            return &image.places[i];
    }
    return NULL;
}

static bool in_header(uint64_t at)
{
    return at < SEGMENT_COPY_SIZE || (at >= SEGMENT_COPY_AT && at < SEGMENT_COPY_AT + SEGMENT_COPY_SIZE);
}

/* A flip costs the row that it is in and no other, and is told whenever a check covers it. */
static void check_flip(uint64_t at, const struct outcome *outcome)
{
    const struct place *place = find_place(at);
    bool row = place != NULL && place->number != ROWS_MAX;
    bool tail = !image.sealed && at >= image.end && at < image.end + 4; /* the zero behind the last frame */
    bool told = place != NULL || in_header(at) || tail;
    DEMAND(outcome->lost == row);
    DEMAND(!row || outcome->last_lost == place->number);
    DEMAND(outcome->frames == told && (outcome->bytes > 0) == told);
    seen.flips += 1;
    seen.lost_one += row;
    seen.mended += told && !row;
    seen.harmless += !told;
}

static void put_at(int fd, uint64_t at, uint8_t byte)
{
    DEMAND(pwrite(fd, &byte, 1, (off_t)at) == 1);
}

static void flip_all(uint64_t every, uint64_t first)
{
    int fd = open("hurt.seg", O_RDWR | O_CREAT, 0600);
    DEMAND(fd >= 0 && pwrite(fd, image.bytes, SEGMENT, 0) == SEGMENT);
    for (uint64_t bit = first; bit < SEGMENT * 8; bit += every) {
        struct outcome outcome;
        put_at(fd, bit / 8, image.bytes[bit / 8] ^ (uint8_t)(1U << bit % 8));
        DEMAND(read_hurt(&outcome));
        check_flip(bit / 8, &outcome);
        put_at(fd, bit / 8, image.bytes[bit / 8]);
    }
    close(fd);
}

/* A cut costs the rows that are not whole any more, and it is told. */
static void cut_all(uint64_t every, uint64_t first)
{
    int fd = open("hurt.seg", O_RDWR);
    DEMAND(fd >= 0);
    for (int64_t size = SEGMENT - 1 - (int64_t)first; size >= 0; size -= (int64_t)every) {
        struct outcome outcome;
        size_t lost = 0;
        DEMAND(ftruncate(fd, size) == 0);
        bool opened = read_hurt(&outcome);
        seen.cuts += 1;
        DEMAND(opened == (size >= GCH_SEGMENT_HEADER));
        for (size_t i = 0; i < image.count; i++)
            lost += image.places[i].number != ROWS_MAX && image.places[i].end > (uint64_t)size;
        DEMAND(!opened || outcome.lost == lost);
        DEMAND(!opened || lost == 0 || (outcome.frames > 0 && outcome.bytes > 0));
        seen.lost += lost;
    }
    close(fd);
}

/* ---- adoption ---- */

static unsigned seed;

static unsigned next_random(void)
{
    seed = seed * 1103515245U + 12345U;
    return seed >> 8;
}

/* Hurts bytes, whose length it returns: mostly one bit, else a run of bytes, a page of zeros, or a cut. */
static size_t hurt(uint8_t bytes[SEGMENT])
{
    size_t at = next_random() % 8 == 0 ? next_random() % 512 : next_random() % SEGMENT;
    size_t len = 1 + next_random() % 64;
    memcpy(bytes, image.bytes, SEGMENT);
    switch (next_random() % 8) {
    case 0:
        return at;
    case 1:
        memset(bytes + (at & ~(size_t)4095), 0, 4096);
        return SEGMENT;
    case 2:
        for (size_t i = at; i < SEGMENT && i < at + len; i++)
            bytes[i] = (uint8_t)next_random();
        return SEGMENT;
    default:
        bytes[at] ^= (uint8_t)(1U << next_random() % 8);
        return SEGMENT;
    }
}

static bool is_hurt(const struct place *place, const uint8_t *bytes, size_t size)
{
    return place->end > size ||
           memcmp(bytes + place->start, image.bytes + place->start, place->end - place->start) != 0;
}

/* How many rows have a byte that is not what it was. Larger damage can also hit both copies of a schema, which stand
 * side by side: then all rows of the table are in the damaged file only. */
static size_t count_hurt(const uint8_t *bytes, size_t size)
{
    size_t rows = 0;
    bool known[ROWS_UPDATES + 1] = {[ROWS_UPDATES] = true};
    for (size_t i = 0; i < image.count; i++) {
        const struct place *place = &image.places[i];
        bool whole = !is_hurt(place, bytes, size);
        if (place->number == ROWS_MAX)
            known[place->table] = known[place->table] || whole;
        else
            rows += !whole || !known[place->table];
    }
    return rows;
}

/* The kept file is the damaged one; the sender has only noted in it how far it came. */
static bool is_kept(struct tree *after, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < after->count; i++) {
        struct tree_entry *entry = &after->entries[i];
        if (strncmp(entry->path, "damaged/", 8) != 0)
            continue;
        DEMAND(entry->len == size);
        if (size >= GCH_SEGMENT_HEADER)
            memcpy(entry->bytes + SEGMENT_ACKED_AT, bytes + SEGMENT_ACKED_AT, SEGMENT_MARK_SIZE);
        DEMAND(size == 0 || memcmp(entry->bytes, bytes, size) == 0);
        return true;
    }
    return false;
}

static void adopt(const char *path, struct gch_counters *counters)
{
    static struct world world;
    world_begin(&world, path, CAP, SEGMENT, 4096);
    if (gch_drainer_has_orphan(&world.drainer))
        DEMAND(gch_drainer_run(&world.drainer, false, true) == GCH_OK);
    *counters = world.counters;
    world_end(&world);
}

static bool is_blank(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

static void check_adoption(const uint8_t *bytes, size_t size, const struct gch_counters *counters, const char *path)
{
    static struct tree after;
    uint8_t found[ROWS_MAX] = {0};
    DEMAND(server.altered == 0);
    for (size_t i = 0; i < server.count; i++)
        found[server.numbers[i]] += 1;
    struct outcome outcome = compare(found);
    bool header_lost = size < GCH_SEGMENT_HEADER ||
                       (memcmp(bytes, image.bytes, SEGMENT_COPY_SIZE) != 0 &&
                        memcmp(bytes + SEGMENT_COPY_AT, image.bytes + SEGMENT_COPY_AT, SEGMENT_COPY_SIZE) != 0);
    size_t hurt_rows = header_lost ? next_number - first_number : count_hurt(bytes, size);
    DEMAND(outcome.lost == hurt_rows);
    DEMAND(tree_read(&after, path));
    bool kept = is_kept(&after, bytes, size);
    DEMAND(after.count == (kept ? 2U : 0U) || is_blank(bytes, size));
    bool told = gch_counted(&counters->frames_damaged) > 0;
    DEMAND((gch_counted(&counters->bytes_damaged) > 0) == told);
    DEMAND(kept == told || header_lost);
    DEMAND(told || outcome.lost == 0 || header_lost);
    DEMAND(!header_lost || kept || is_blank(bytes, size));
    DEMAND(gch_counted(&counters->rows_adopted) == server.count);
    tree_deinit(&after);
    seen.adopted += 1;
    seen.kept += kept;
    seen.lost += outcome.lost;
}

static void adopt_many(uint64_t count)
{
    char path[4200];
    char here[4096];
    static uint8_t bytes[SEGMENT];
    struct gch_counters counters;
    DEMAND(getcwd(here, sizeof(here)) != NULL);
    (void)snprintf(path, sizeof(path), "%s/outbox", here);
    DEMAND(mkdir(path, 0700) == 0);
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    for (uint64_t i = 0; i < count; i++) {
        size_t size = hurt(bytes);
        DEMAND(tree_clear(fd, ".") && mkdirat(fd, "w-1-1", 0700) == 0);
        int file_fd = openat(fd, "w-1-1/000001.seg", O_WRONLY | O_CREAT, 0600);
        DEMAND(file_fd >= 0 && write(file_fd, bytes, size) == (ssize_t)size);
        close(file_fd);
        server.count = 0;
        adopt(path, &counters);
        check_adoption(bytes, size, &counters, path);
        size_t before = server.count;
        adopt(path, &counters);
        DEMAND(server.count == before);
    }
    close(fd);
}

int main(int argc, char **argv)
{
    DEMAND(argc == 5);
    make_image(argv[2]);
    uint64_t count = strtoull(argv[3], NULL, 10);
    seed = (unsigned)strtoul(argv[4], NULL, 10);
    if (strcmp(argv[1], "adopt") == 0) {
        adopt_many(count);
    } else {
        flip_all(count, seed);
        cut_all(count, seed);
    }
    printf("{\"rows\": %u, \"flips\": %lu, \"cuts\": %lu, \"adopted\": %lu, \"harmless\": %lu, \"mended\": %lu, "
           "\"lost_one\": %lu, \"lost\": %lu, \"kept\": %lu, \"slowest_us\": %lu}\n",
           next_number - first_number, seen.flips, seen.cuts, seen.adopted, seen.harmless, seen.mended, seen.lost_one,
           seen.lost, seen.kept, seen.slowest_us);
    return 0;
}
