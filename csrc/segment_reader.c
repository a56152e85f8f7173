#include "segment_reader.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "descriptor.h"
#include "segment_format.h"

#define WINDOW_DEFAULT (1U << 20)

static enum gch_status read_fully(int fd, uint8_t *to, size_t len, uint64_t at, size_t *got)
{
    *got = 0;
    while (*got < len) {
        ssize_t n = pread(fd, to + *got, len - *got, (off_t)(at + *got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return GCH_ERR_IO;
        if (n == 0)
            break;
        *got += (size_t)n;
    }
    return GCH_OK;
}

static void count_damage(struct gch_segment_reader *reader, uint64_t bytes)
{
    reader->damaged_frames += 1;
    reader->damaged_bytes += bytes;
}

/* A mark that is a place in the file; one past its end counts as absent. */
static uint64_t place_mark(const struct gch_segment_reader *reader, const uint8_t *mark)
{
    uint64_t place = segment_mark_get(mark, reader->id);
    return place <= reader->size ? place : 0;
}

static void take_header(struct gch_segment_reader *reader, const uint8_t *header)
{
    reader->id = get_u64(header + SEGMENT_ID_AT);
    reader->size = get_u64(header + SEGMENT_SIZE_AT);
    reader->sealed_end = place_mark(reader, header + SEGMENT_SEALED_AT);
    reader->not_before_us = segment_mark_get(header + SEGMENT_LATER_AT, reader->id);
    reader->offset = GCH_SEGMENT_HEADER;
    reader->acked = place_mark(reader, header + SEGMENT_ACKED_AT);
}

enum gch_status gch_segment_reader_open(struct gch_segment_reader *reader, int fd, struct gch_err *err)
{
    memset(reader, 0, sizeof(*reader));
    reader->fd = fd;
    uint8_t header[GCH_SEGMENT_HEADER];
    size_t got;
    int damaged = 0;
    enum gch_status status = read_fully(fd, header, sizeof(header), 0, &got);
    if (status == GCH_OK)
        damaged = got < sizeof(header) ? 2 : segment_header_mend(header);
    if (status != GCH_OK)
        status = gch_err_set(err, status, "cannot read a segment of the outbox: %s", strerror(errno));
    else if (damaged == 2 || get_u64(header + SEGMENT_SIZE_AT) > INT64_MAX)
        status = gch_err_set(err, GCH_ERR_INVALID, "a segment of the outbox has a damaged header");
    if (status != GCH_OK) {
        gch_segment_reader_close(reader);
        return status;
    }
    take_header(reader, header);
    if (damaged == 1)
        count_damage(reader, SEGMENT_COPY_SIZE);
    return GCH_OK;
}

void gch_segment_reader_open_memory(struct gch_segment_reader *reader, const struct gch_segment *segment)
{
    memset(reader, 0, sizeof(*reader));
    reader->fd = -1;
    reader->memory = segment->map;
    reader->live = true;
    reader->id = segment->id;
    reader->size = segment->size;
    reader->offset = GCH_SEGMENT_HEADER;
    reader->acked = segment->acked;
}

void gch_segment_reader_close(struct gch_segment_reader *reader)
{
    gch_descriptor_close(reader->fd);
    reader->fd = -1;
    free(reader->window);
    reader->window = NULL;
    reader->window_room = 0;
    reader->window_len = 0;
}

static enum gch_status grow_window(struct gch_segment_reader *reader, size_t len)
{
    size_t room = len > WINDOW_DEFAULT ? len : WINDOW_DEFAULT;
    if (reader->window_room >= room)
        return GCH_OK;
    uint8_t *window = realloc(reader->window, room);
    if (window == NULL)
        return GCH_ERR_NOMEM;
    reader->window = window;
    reader->window_room = room;
    return GCH_OK;
}

/* Makes the bytes [at, at + len) readable at *bytes. GCH_ERR_AGAIN: the file ends before. Bytes past the published end
 * may be changing under a live writer, so the window is filled no further than limit. */
static enum gch_status peek(struct gch_segment_reader *reader, uint64_t at, size_t len, uint64_t limit,
                            const uint8_t **bytes)
{
    if (at + len > limit)
        return GCH_ERR_AGAIN;
    if (reader->memory != NULL) {
        *bytes = reader->memory + at;
        return GCH_OK;
    }
    if (at < reader->window_at || at + len > reader->window_at + reader->window_len) {
        enum gch_status status = grow_window(reader, len);
        if (status != GCH_OK)
            return status;
        size_t want = reader->window_room;
        if (want > limit - at)
            want = (size_t)(limit - at);
        reader->window_at = at;
        status = read_fully(reader->fd, reader->window, want, at, &reader->window_len);
        if (status != GCH_OK) {
            reader->window_len = 0;
            return status;
        }
        if (reader->window_len < len)
            return GCH_ERR_AGAIN;
    }
    *bytes = reader->window + (at - reader->window_at);
    return GCH_OK;
}

/* GCH_OK: *frame is a whole frame at offset. GCH_ERR_INVALID: none starts here, or (frame->next set) one whose payload
 * is damaged. */
static enum gch_status read_frame(struct gch_segment_reader *reader, uint64_t offset, uint64_t limit,
                                  struct gch_frame *frame)
{
    const uint8_t *head;
    frame->next = 0;
    enum gch_status status = peek(reader, offset, GCH_FRAME_HEADER, limit, &head);
    if (status != GCH_OK)
        return status;
    uint32_t len = get_u32(head);
    if (len == 0 || len > GCH_PAYLOAD_MAX || gch_frame_size(len) > limit - offset)
        return GCH_ERR_INVALID;
    if (get_u32(head + 12) != frame_header_check(head, reader->id, offset))
        return GCH_ERR_INVALID;
    uint32_t payload_crc = get_u32(head + 4);
    frame->kind = (enum gch_frame_kind)head[8];
    frame->table = head[9];
    frame->len = len;
    frame->offset = offset;
    frame->next = offset + gch_frame_size(len);
    status = peek(reader, offset, GCH_FRAME_HEADER + (size_t)len, limit, &head);
    if (status != GCH_OK)
        return status;
    frame->payload = head + GCH_FRAME_HEADER;
    return gch_crc32c(frame_seed(reader->id), frame->payload, len) == payload_crc ? GCH_OK : GCH_ERR_INVALID;
}

/* How many of the bytes in which no valid frame was found are damage, and not what a writer leaves: nothing, or a frame
 * whose length was not published. */
static uint64_t damaged_tail(struct gch_segment_reader *reader, uint64_t limit, struct gch_frame *frame)
{
    const uint8_t *head;
    uint64_t at = reader->offset;
    uint64_t end = reader->live ? limit : reader->sealed_end;
    if (end != 0)
        return end > at && limit >= end ? end - at : 0;
    if (at + GCH_FRAME_HEADER > limit)
        return 0;
    if (read_frame(reader, at, limit, frame) == GCH_ERR_AGAIN)
        return limit - at; /* The file is shorter than it was made. */
    if (frame->next != 0)
        return frame->next - at;
    return peek(reader, at, GCH_FRAME_HEADER, limit, &head) == GCH_OK && get_u32(head) == 0 ? 0 : GCH_FRAME_HEADER;
}

enum gch_status gch_segment_reader_next(struct gch_segment_reader *reader, uint64_t limit, struct gch_frame *frame,
                                        struct gch_err *err)
{
    uint64_t offset = reader->offset;
    uint64_t damaged = 0;
    if (limit > reader->size)
        limit = reader->size;
    while (offset + GCH_FRAME_HEADER <= limit) {
        enum gch_status status = read_frame(reader, offset, limit, frame);
        if (status == GCH_OK) {
            reader->damaged_frames += damaged;
            reader->damaged_bytes += offset - reader->offset;
            reader->offset = frame->next;
            return GCH_OK;
        }
        if (status == GCH_ERR_IO || status == GCH_ERR_NOMEM)
            return gch_err_set(err, status, "cannot read a segment of the outbox: %s", strerror(errno));
        if (status == GCH_ERR_AGAIN)
            break;
        damaged = damaged == 0 || frame->next != 0 ? damaged + 1 : damaged;
        offset = frame->next != 0 ? frame->next : offset + GCH_FRAME_ALIGN;
    }
    uint64_t tail = damaged_tail(reader, limit, frame);
    if (tail > 0) {
        count_damage(reader, tail);
        reader->offset = limit;
    }
    return GCH_ERR_AGAIN;
}

static enum gch_status write_mark(int fd, uint64_t at, uint64_t id, uint64_t value, struct gch_err *err)
{
    uint8_t mark[SEGMENT_MARK_SIZE];
    segment_mark_put(mark, id, value);
    if (pwrite(fd, mark, sizeof(mark), (off_t)at) != (ssize_t)sizeof(mark))
        return gch_err_set(err, GCH_ERR_IO, "cannot write to the outbox: %s", strerror(errno));
    return GCH_OK;
}

void gch_segment_ack(int fd, uint64_t id, uint64_t offset)
{
    enum gch_status ignored = write_mark(fd, SEGMENT_ACKED_AT, id, offset, NULL);
    (void)ignored;
}

enum gch_status gch_segment_set_not_before(int fd, uint64_t time_us, struct gch_err *err)
{
    uint8_t header[GCH_SEGMENT_HEADER];
    size_t got;
    if (read_fully(fd, header, sizeof(header), 0, &got) != GCH_OK || got < sizeof(header))
        return gch_err_set(err, GCH_ERR_IO, "cannot read a segment of the outbox: %s", strerror(errno));
    return write_mark(fd, SEGMENT_LATER_AT, get_u64(header + SEGMENT_ID_AT), time_us, err);
}
