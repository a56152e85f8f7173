/* needs: segment.c segment_reader.c crc32c.c descriptor.c status.c utf8.c buf.c */
#include "segment.h"
#include "segment_format.h"
#include "segment_reader.h"

#include "check.h"
#include "scratch.h"

#define SIZE 8192
#define ID   UINT64_C(1700000000123456)

static uint8_t image[SIZE];

static size_t payload_of(unsigned i, uint8_t bytes[64])
{
    size_t len = 1 + (i * 7) % 60;
    for (size_t at = 0; at < len; at++)
        bytes[at] = (uint8_t)(i * 31 + at);
    return len;
}

/* A segment with so many rows; returns its end. The file is NAME in dir_fd. */
static uint64_t make(int dir_fd, const char *name, uint64_t id, unsigned rows, bool sealed)
{
    struct gch_segment *segment;
    uint8_t bytes[64];
    CHECK_INT(gch_segment_create(&segment, dir_fd, name, id, SIZE, false, NULL), GCH_OK);
    for (unsigned i = 0; i < rows; i++)
        CHECK_INT(gch_segment_append(segment, GCH_FRAME_ROW, (uint8_t)(i % 7), bytes, payload_of(i, bytes)), GCH_OK);
    uint64_t end = gch_segment_end(segment);
    if (sealed)
        gch_segment_seal(segment);
    memcpy(image, segment->map, SIZE);
    gch_segment_free(segment);
    return end;
}

/* What a reader makes of size bytes: rows in order that are as they were written, or -1 when the header is refused. */
struct found {
    int rows;
    bool altered;
    uint64_t damaged_frames;
    uint64_t damaged_bytes;
};

static struct found read_copy(int dir_fd)
{
    struct found found = {-1, false, 0, 0};
    struct gch_segment_reader reader;
    struct gch_frame frame;
    struct gch_err err;
    int fd = gch_descriptor_open(dir_fd, "copy.seg", O_RDWR);
    if (gch_segment_reader_open(&reader, fd, &err) != GCH_OK)
        return found;
    found.rows = 0;
    unsigned next = 0;
    while (gch_segment_reader_next(&reader, reader.size, &frame, &err) == GCH_OK) {
        uint8_t want[64];
        bool same = false;
        for (; !same && next < 1000; next++) {
            size_t len = payload_of(next, want);
            same = len == frame.len && memcmp(want, frame.payload, len) == 0 && frame.table == next % 7 &&
                   frame.kind == GCH_FRAME_ROW;
        }
        found.altered = found.altered || !same;
        found.rows += 1;
    }
    found.damaged_frames = reader.damaged_frames;
    found.damaged_bytes = reader.damaged_bytes;
    gch_segment_reader_close(&reader);
    return found;
}

static struct found read_image(int dir_fd, const uint8_t *bytes, size_t size)
{
    scratch_write(dir_fd, "copy.seg", bytes, size);
    return read_copy(dir_fd);
}

static void put_byte(int dir_fd, size_t at, uint8_t byte)
{
    int fd = openat(dir_fd, "copy.seg", O_WRONLY);
    CHECK(pwrite(fd, &byte, 1, (off_t)at) == 1);
    close(fd);
}

static void test_rows_come_back(void)
{
    int dir_fd = scratch_open();
    for (unsigned rows = 0; rows < 100; rows += 9) {
        char name[16];
        (void)snprintf(name, sizeof(name), "%u.seg", rows);
        make(dir_fd, name, ID + rows, rows, rows % 2 == 0);
        struct found found = read_image(dir_fd, image, SIZE);
        CHECK_INT(found.rows, rows);
        CHECK(!found.altered && found.damaged_frames == 0);
    }
    gch_descriptor_close(dir_fd);
}

static void test_full_changes_nothing(void)
{
    int dir_fd = scratch_open();
    struct gch_segment *segment;
    static const uint8_t large[SIZE];
    CHECK_INT(gch_segment_create(&segment, dir_fd, "a.seg", ID, SIZE, true, NULL), GCH_OK);
    size_t room = SIZE - GCH_SEGMENT_HEADER - GCH_FRAME_HEADER;
    CHECK_INT(gch_segment_append(segment, GCH_FRAME_ROW, 0, large, room + 1), GCH_ERR_FULL);
    CHECK_INT(gch_segment_end(segment), GCH_SEGMENT_HEADER);
    CHECK_INT(gch_segment_append(segment, GCH_FRAME_ROW, 0, large, room), GCH_OK);
    CHECK_INT(gch_segment_append(segment, GCH_FRAME_ROW, 0, large, 1), GCH_ERR_FULL);
    CHECK_INT(gch_segment_end(segment), SIZE);
    struct gch_segment *again;
    CHECK_INT(gch_segment_create(&again, dir_fd, "a.seg", ID, SIZE, false, NULL), GCH_ERR_IO);
    gch_segment_free(segment);
    gch_descriptor_close(dir_fd);
}

static void test_stale_frames_never_validate(void)
{
    int dir_fd = scratch_open();
    struct gch_segment *segment;
    uint8_t bytes[64];
    make(dir_fd, "a.seg", ID, 60, true);
    CHECK_INT(gch_segment_recycle(&segment, dir_fd, "a.seg", ID + 1, SIZE, false, NULL), GCH_OK);
    for (unsigned rows = 0; rows < 60; rows++) {
        struct found found = read_image(dir_fd, segment->map, SIZE);
        CHECK_INT(found.rows, rows);
        CHECK(!found.altered && found.damaged_frames == 0);
        CHECK_INT(gch_segment_append(segment, GCH_FRAME_ROW, (uint8_t)(rows % 7), bytes, payload_of(rows, bytes)),
                  GCH_OK);
    }
    CHECK_INT(gch_segment_recycle(&segment, dir_fd, "none.seg", ID, SIZE, false, NULL), GCH_ERR_IO);
    gch_segment_free(segment);
    gch_descriptor_close(dir_fd);
}

static void test_torn_last_write(void)
{
    int dir_fd = scratch_open();
    uint64_t before = make(dir_fd, "a.seg", ID, 20, false);
    uint64_t end = make(dir_fd, "b.seg", ID, 21, false);
    uint8_t torn[SIZE];
    for (uint64_t at = before; at < end; at++) {
        memcpy(torn, image, SIZE);
        memset(torn + at, 0, SIZE - at);
        struct found found = read_image(dir_fd, torn, SIZE);
        CHECK(found.rows == 20 || (found.rows == 21 && !found.altered));
        CHECK_INT(found.damaged_frames, found.rows == 20 && at > before); /* A length without its bytes is damage. */
        memcpy(torn, image, SIZE);
        memset(torn + before, 0, at - before); /* The length goes last: what is behind it may be there without it. */
        found = read_image(dir_fd, torn, SIZE);
        CHECK_INT(found.rows, at == before ? 21 : 20);
        CHECK(at - before < 4 || found.damaged_frames == 0);
    }
    gch_descriptor_close(dir_fd);
}

static void test_every_bit_flip(void)
{
    for (int sealed = 0; sealed < 2; sealed++) {
        int dir_fd = scratch_open();
        uint64_t end = make(dir_fd, "a.seg", ID, 40, sealed == 1);
        unsigned lost = 0;
        scratch_write(dir_fd, "copy.seg", image, SIZE);
        for (size_t bit = 0; bit < end * 8; bit++) {
            put_byte(dir_fd, bit / 8, image[bit / 8] ^ (uint8_t)(1U << bit % 8));
            struct found found = read_copy(dir_fd);
            size_t at = bit / 8 < SEGMENT_COPY_AT ? bit / 8 : bit / 8 - SEGMENT_COPY_AT;
            bool header = at < SEGMENT_COPY_SIZE;
            if (found.rows < 39 || found.altered || found.damaged_frames != (found.rows == 39 || header))
                CHECK_INT(bit, -1);
            lost += found.rows == 39;
            put_byte(dir_fd, bit / 8, image[bit / 8]);
        }
        CHECK(lost > 40U * GCH_FRAME_HEADER * 7);
        gch_descriptor_close(dir_fd);
    }
}

/* The end of a segment that a crash left open, in a recycled file too: what is behind it is no damage, but what is
 * published and cannot be read is. */
static void test_damaged_last_row_of_an_open_segment(void)
{
    int dir_fd = scratch_open();
    struct gch_segment *segment;
    uint8_t bytes[64];
    make(dir_fd, "a.seg", ID, 60, true);
    CHECK_INT(gch_segment_recycle(&segment, dir_fd, "a.seg", ID + 1, SIZE, false, NULL), GCH_OK);
    for (unsigned rows = 0; rows < 50; rows++) {
        struct found found = read_image(dir_fd, segment->map, SIZE);
        CHECK_INT(found.rows, rows);
        CHECK_INT(found.damaged_frames, 0);
        uint64_t at = gch_segment_end(segment);
        CHECK_INT(gch_segment_append(segment, GCH_FRAME_ROW, (uint8_t)(rows % 7), bytes, payload_of(rows, bytes)),
                  GCH_OK);
        for (unsigned place = 5; place <= GCH_FRAME_HEADER; place += 11) { /* the header, and the payload */
            segment->map[at + place] ^= 4;
            found = read_image(dir_fd, segment->map, SIZE);
            segment->map[at + place] ^= 4;
            CHECK_INT(found.rows, rows);
            CHECK_INT(found.damaged_frames, 1);
            CHECK_INT(found.damaged_bytes, place < GCH_FRAME_HEADER ? GCH_FRAME_HEADER : gch_segment_end(segment) - at);
        }
    }
    gch_segment_free(segment);
    gch_descriptor_close(dir_fd);
}

static void test_cut_of_an_open_segment_is_damage(void)
{
    int dir_fd = scratch_open();
    uint64_t end = make(dir_fd, "a.seg", ID, 40, false);
    struct found found = read_image(dir_fd, image, end - 7);
    CHECK_INT(found.rows, 39);
    CHECK_INT(found.damaged_frames, 1);
    CHECK_INT(found.damaged_bytes, SIZE - end + gch_frame_size(1 + (39 * 7) % 60));
    gch_descriptor_close(dir_fd);
}

static void test_cut_anywhere(void)
{
    int dir_fd = scratch_open();
    uint64_t end = make(dir_fd, "a.seg", ID, 40, true);
    int least = 0;
    for (size_t size = 0; size <= end; size++) {
        struct found found = read_image(dir_fd, image, size);
        CHECK(!found.altered && found.rows <= 40);
        CHECK(size < GCH_SEGMENT_HEADER ? found.rows == -1 : found.rows >= least);
        least = found.rows > least ? found.rows : least;
    }
    CHECK_INT(least, 40);
    gch_descriptor_close(dir_fd);
}

static void test_header_is_mended(void)
{
    int dir_fd = scratch_open();
    make(dir_fd, "a.seg", ID, 5, true);
    uint8_t hurt[SIZE];
    memcpy(hurt, image, SIZE);
    memset(hurt, 0xFF, SEGMENT_COPY_SIZE);
    CHECK_INT(read_image(dir_fd, hurt, SIZE).rows, 5);
    memset(hurt + SEGMENT_COPY_AT, 0xFF, SEGMENT_COPY_SIZE);
    CHECK_INT(read_image(dir_fd, hurt, SIZE).rows, -1);
    memcpy(hurt, image, SIZE);
    memset(hurt + SEGMENT_COPY_AT, 0xFF, SEGMENT_COPY_SIZE);
    CHECK_INT(read_image(dir_fd, hurt, SIZE).rows, 5);
    gch_descriptor_close(dir_fd);
}

static void test_marks(void)
{
    int dir_fd = scratch_open();
    struct gch_segment_reader reader;
    uint64_t end = make(dir_fd, "a.seg", ID, 5, true);
    int fd = gch_descriptor_open(dir_fd, "a.seg", O_RDWR);
    gch_segment_ack(fd, ID, 777);
    CHECK_INT(gch_segment_set_not_before(fd, 123456789, NULL), GCH_OK);
    CHECK_INT(gch_segment_reader_open(&reader, fd, NULL), GCH_OK);
    CHECK_INT(reader.acked, 777);
    CHECK_INT(reader.not_before_us, 123456789);
    CHECK_INT(reader.sealed_end, end);
    uint8_t byte = 0;
    CHECK(pwrite(fd, &byte, 1, SEGMENT_ACKED_AT) == 1);
    gch_segment_reader_close(&reader);
    CHECK_INT(gch_segment_reader_open(&reader, gch_descriptor_open(dir_fd, "a.seg", O_RDWR), NULL), GCH_OK);
    CHECK_INT(reader.acked, 0);
    gch_segment_reader_close(&reader);
    gch_descriptor_close(dir_fd);
}

static uint64_t places[2];

/* A header that passes its checks but names places behind the end of every file. */
static bool opens(int dir_fd, uint64_t size, uint64_t mark)
{
    struct gch_segment_reader reader;
    struct gch_frame frame;
    make(dir_fd, "b.seg", ID, 3, false);
    segment_header_put(image, ID, size);
    segment_mark_put(image + SEGMENT_ACKED_AT, ID, mark);
    segment_mark_put(image + SEGMENT_SEALED_AT, ID, mark);
    scratch_write(dir_fd, "copy.seg", image, SIZE);
    unlinkat(dir_fd, "b.seg", 0);
    if (gch_segment_reader_open(&reader, gch_descriptor_open(dir_fd, "copy.seg", O_RDWR), NULL) != GCH_OK)
        return false;
    places[0] = reader.acked;
    places[1] = reader.sealed_end;
    for (int rows = 3; rows > 0; rows--)
        CHECK_INT(gch_segment_reader_next(&reader, reader.size, &frame, NULL), GCH_OK);
    for (int again = 0; again < 2; again++)
        CHECK_INT(gch_segment_reader_next(&reader, reader.size, &frame, NULL), GCH_ERR_AGAIN);
    gch_segment_reader_close(&reader);
    return true;
}

static void test_places_outside_of_the_file(void)
{
    int dir_fd = scratch_open();
    CHECK(opens(dir_fd, SIZE, SIZE) && places[0] == SIZE && places[1] == SIZE);
    CHECK(opens(dir_fd, SIZE, SIZE + 1) && places[0] == 0 && places[1] == 0);
    CHECK(opens(dir_fd, INT64_MAX, UINT64_MAX) && places[0] == 0 && places[1] == 0);
    CHECK(!opens(dir_fd, UINT64_MAX, UINT64_MAX));
    gch_descriptor_close(dir_fd);
}

static void test_memory(void)
{
    struct gch_segment *segment;
    struct gch_segment_reader reader;
    struct gch_frame frame;
    uint8_t bytes[64];
    CHECK_INT(gch_segment_create_memory(&segment, ID, SIZE), GCH_OK);
    for (unsigned i = 0; i < 10; i++)
        CHECK_INT(gch_segment_append(segment, GCH_FRAME_ROW, 0, bytes, payload_of(i, bytes)), GCH_OK);
    gch_segment_retire(segment);
    gch_segment_reader_open_memory(&reader, segment);
    unsigned rows = 0;
    while (gch_segment_reader_next(&reader, gch_segment_end(segment), &frame, NULL) == GCH_OK)
        rows++;
    CHECK_INT(rows, 10);
    gch_segment_reader_close(&reader);
    gch_segment_free(segment);
}

CHECK_MAIN(test_rows_come_back, test_full_changes_nothing, test_stale_frames_never_validate, test_torn_last_write,
           test_every_bit_flip, test_damaged_last_row_of_an_open_segment, test_cut_of_an_open_segment_is_damage,
           test_cut_anywhere, test_header_is_mended, test_marks, test_places_outside_of_the_file, test_memory)
