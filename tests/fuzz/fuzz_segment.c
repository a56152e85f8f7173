/* needs: source.c segment_reader.c update.c multipart.c thread.c query_text.c rowbinary.c tables.c crc32c.c
 * descriptor.c status.c utf8.c buf.c */
/* The segment reader on any file: what it finds is what a plain walk over the bytes finds.
 *
 * The first byte says what of the file is made valid first, because no mutation guesses a checksum; the second how far
 * the reader may go; the rest is the file. Rows and updates are taken from it as the sender takes them.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "query_text.h"
#include "segment_format.h"
#include "segment_reader.h"
#include "source.h"
#include "update.h"

#define MEND_HEADER  1U
#define MEND_FRAMES  2U
#define MEND_PAYLOAD 4U
#define TRUE_SIZE    8U
#define MEND_MARKS   16U
#define SHORT_LIMIT  32U
#define FRAMES_MAX   512

/* run_id, status, error, total_generations, at, end_time and version */
#define UPDATE_FIELDS 7

struct found {
    uint64_t offset[FRAMES_MAX];
    size_t count;
};

static void mend_header(uint8_t *file, size_t size, unsigned mend)
{
    static const size_t marks[] = {SEGMENT_ACKED_AT, SEGMENT_SEALED_AT, SEGMENT_LATER_AT};
    memcpy(file, SEGMENT_MAGIC, 8);
    if ((mend & TRUE_SIZE) != 0)
        put_u64(file + SEGMENT_SIZE_AT, size);
    put_u32(file + SEGMENT_CRC_AT, gch_crc32c(0, file, SEGMENT_CRC_AT));
    for (size_t i = 0; i < 3 && (mend & MEND_MARKS) != 0; i++)
        segment_mark_put(file + marks[i], get_u64(file + SEGMENT_ID_AT), get_u64(file + marks[i]));
}

static void mend_frames(uint8_t *file, size_t size, unsigned mend)
{
    uint64_t id = get_u64(file + SEGMENT_ID_AT);
    size_t at = GCH_SEGMENT_HEADER;
    while (at + GCH_FRAME_HEADER <= size) {
        uint8_t *frame = file + at;
        uint32_t len = get_u32(frame);
        bool fits = len > 0 && len <= size - at - GCH_FRAME_HEADER;
        if (fits && (mend & MEND_PAYLOAD) != 0)
            put_u32(frame + 4, gch_crc32c(frame_seed(id), frame + GCH_FRAME_HEADER, len));
        if (fits)
            put_u32(frame + 12, frame_header_check(frame, id, at));
        at += fits ? gch_frame_size(len) : GCH_FRAME_ALIGN;
    }
}

/* The frames of a file of len bytes up to limit, found the plain way. */
static void walk(const uint8_t *file, size_t len, uint64_t id, uint64_t limit, struct found *found)
{
    uint64_t at = GCH_SEGMENT_HEADER;
    found->count = 0;
    while (at + GCH_FRAME_HEADER <= limit && at + GCH_FRAME_HEADER <= len) {
        const uint8_t *frame = file + at;
        uint32_t payload = get_u32(frame);
        if (payload == 0 || payload > GCH_PAYLOAD_MAX || gch_frame_size(payload) > limit - at ||
            get_u32(frame + 12) != frame_header_check(frame, id, at)) {
            at += GCH_FRAME_ALIGN;
            continue;
        }
        if (at + GCH_FRAME_HEADER + payload > len)
            return;
        if (gch_crc32c(frame_seed(id), frame + GCH_FRAME_HEADER, payload) == get_u32(frame + 4)) {
            FUZZ_CHECK(found->count < FRAMES_MAX);
            found->offset[found->count++] = at;
        }
        at += gch_frame_size(payload);
    }
}

/* Reads to the end and closes. */
static void read_all(struct gch_segment_reader *reader, const uint8_t *file, uint64_t limit, const struct found *want)
{
    struct gch_frame frame;
    struct gch_err err;
    uint64_t taken = 0;
    uint64_t in_header = reader->damaged_bytes;
    size_t count = 0;
    for (uint64_t before = reader->offset; gch_segment_reader_next(reader, limit, &frame, &err) == GCH_OK; count++) {
        FUZZ_CHECK(count < want->count && frame.offset == want->offset[count] && frame.offset >= before);
        FUZZ_CHECK(frame.len == get_u32(file + frame.offset) && frame.table == file[frame.offset + 9]);
        FUZZ_CHECK(memcmp(frame.payload, file + frame.offset + GCH_FRAME_HEADER, frame.len) == 0);
        FUZZ_CHECK(frame.next == reader->offset && frame.next == frame.offset + gch_frame_size(frame.len));
        taken += frame.next - frame.offset;
        before = frame.next;
    }
    FUZZ_CHECK(count == want->count);
    /* What lies behind the last frame may be damage, or nothing that was ever published. */
    uint64_t accounted = GCH_SEGMENT_HEADER + taken + reader->damaged_bytes - in_header;
    FUZZ_CHECK(accounted == reader->offset || (accounted < reader->offset && reader->offset == limit));
    FUZZ_CHECK((reader->damaged_frames == 0) == (reader->damaged_bytes == 0));
    FUZZ_CHECK(gch_segment_reader_next(reader, limit, &frame, &err) == GCH_ERR_AGAIN);
    gch_segment_reader_close(reader);
}

/* Lines that a server takes for the start of a field. */
static size_t count_fields(const struct gch_multipart *form)
{
    const struct gch_buf *bytes = &form->bytes;
    size_t len = strlen(form->boundary);
    size_t fields = 0;
    for (size_t i = 0; i + 2 + len <= bytes->len; i++)
        fields += (i == 0 || bytes->data[i - 1] == '\n') && memcmp(bytes->data + i, "--", 2) == 0 &&
                  memcmp(bytes->data + i + 2, form->boundary, len) == 0;
    return fields;
}

/* As the sender does: schemas aside, updates taken apart. */
static void drain(struct gch_segment_reader *reader, uint64_t limit)
{
    struct gch_source source;
    struct gch_frame frame;
    struct gch_update update;
    struct gch_err err;
    enum gch_status status = gch_source_init(&source, reader, limit, &err);
    while (status == GCH_OK && gch_source_next(&source, limit, &frame, &err) == GCH_OK) {
        FUZZ_CHECK(frame.kind == GCH_FRAME_UPDATE || source.schemas[frame.table].len > 0);
        if (frame.kind != GCH_FRAME_UPDATE || gch_update_get(&update, frame.payload, frame.len) != GCH_OK)
            continue;
        struct gch_multipart form;
        gch_multipart_init(&form, 1U << 20);
        gch_multipart_begin(&form);
        gch_update_put_parameters(&form, &update);
        FUZZ_CHECK(count_fields(&form) == UPDATE_FIELDS);
        gch_multipart_deinit(&form);
    }
    gch_source_deinit(&source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct found want;
    struct fuzz_input input = {data, size};
    struct gch_segment_reader reader;
    struct gch_err err;
    unsigned mend = fuzz_take_u8(&input);
    unsigned cut = fuzz_take_u8(&input);
    uint8_t *file = fuzz_copy(input.at, input.left);
    size = input.left;
    if (size >= GCH_SEGMENT_HEADER && (mend & MEND_HEADER) != 0)
        mend_header(file, size, mend);
    if (size >= GCH_SEGMENT_HEADER && (mend & MEND_FRAMES) != 0)
        mend_frames(file, size, mend);
    int fd = memfd_create("segment", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, file, size) == (ssize_t)size);
    if (gch_segment_reader_open(&reader, dup(fd), &err) == GCH_OK) {
        uint64_t limit = reader.size;
        if ((mend & SHORT_LIMIT) != 0 && limit > cut * 8)
            limit -= cut * 8;
        walk(file, size, reader.id, limit, &want);
        if (reader.size == size) {
            struct gch_segment segment = {.map = file, .size = size, .id = reader.id, .fd = -1};
            struct gch_segment_reader memory;
            gch_segment_reader_open_memory(&memory, &segment);
            read_all(&memory, file, limit, &want);
        }
        read_all(&reader, file, limit, &want);
        FUZZ_CHECK(gch_segment_reader_open(&reader, dup(fd), &err) == GCH_OK);
        drain(&reader, limit);
    }
    close(fd);
    free(file);
    return 0;
}
