/* The bytes of a segment: what segment.c writes and segment_reader.c reads back. See segment.h for the layout in words.
 */
#ifndef GCH_SEGMENT_FORMAT_H
#define GCH_SEGMENT_FORMAT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "crc32c.h"
#include "segment.h"

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "segments are little-endian; this processor needs byte swaps in segment_format.h"
#endif

#define SEGMENT_MAGIC     "GCHSEG1\n"
#define SEGMENT_ID_AT     8
#define SEGMENT_SIZE_AT   16
#define SEGMENT_CRC_AT    24 /* over the 24 bytes before it */
#define SEGMENT_ACKED_AT  32 /* a mark: bytes delivered */
#define SEGMENT_SEALED_AT 48 /* a mark: where the frames end, once sealed */
#define SEGMENT_LATER_AT  64 /* a mark: microseconds since the epoch, not to be tried before */
#define SEGMENT_MARK_SIZE 16
#define SEGMENT_COPY_AT   80 /* the first 28 bytes once more: no frame can be read without the id */
#define SEGMENT_COPY_SIZE 28

static inline void put_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

static inline void put_u64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

static inline uint32_t get_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static inline uint64_t get_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

/* A mark is a number that changes in place, with a check beside it: one that was torn or damaged counts as absent. */
static inline uint64_t segment_mark_check(uint64_t id, uint64_t value)
{
    return ~(value ^ (id * UINT64_C(0x9E3779B97F4A7C15)));
}

static inline void segment_mark_put(uint8_t *at, uint64_t id, uint64_t value)
{
    put_u64(at, value);
    put_u64(at + 8, segment_mark_check(id, value));
}

static inline uint64_t segment_mark_get(const uint8_t *at, uint64_t id)
{
    uint64_t value = get_u64(at);
    return get_u64(at + 8) == segment_mark_check(id, value) ? value : 0;
}

static inline void segment_header_put(uint8_t header[GCH_SEGMENT_HEADER], uint64_t id, uint64_t size)
{
    memset(header, 0, GCH_SEGMENT_HEADER);
    memcpy(header, SEGMENT_MAGIC, 8);
    put_u64(header + SEGMENT_ID_AT, id);
    put_u64(header + SEGMENT_SIZE_AT, size);
    put_u32(header + SEGMENT_CRC_AT, gch_crc32c(0, header, SEGMENT_CRC_AT));
    memcpy(header + SEGMENT_COPY_AT, header, SEGMENT_COPY_SIZE);
}

static inline bool segment_copy_valid(const uint8_t copy[SEGMENT_COPY_SIZE])
{
    return memcmp(copy, SEGMENT_MAGIC, 8) == 0 && get_u32(copy + SEGMENT_CRC_AT) == gch_crc32c(0, copy, SEGMENT_CRC_AT);
}

/* How many of the two copies of a header's fixed part are damaged. With one, it is mended from the other. */
static inline int segment_header_mend(uint8_t header[GCH_SEGMENT_HEADER])
{
    bool first = segment_copy_valid(header);
    bool second = segment_copy_valid(header + SEGMENT_COPY_AT);
    if (!first)
        memcpy(header, header + SEGMENT_COPY_AT, SEGMENT_COPY_SIZE);
    return !first + !second;
}

static inline uint32_t frame_seed(uint64_t id)
{
    return (uint32_t)(id ^ (id >> 32));
}

static inline uint32_t frame_header_check(const uint8_t *frame, uint64_t id, uint64_t offset)
{
    uint8_t checked[20];
    memcpy(checked, frame, 12);
    put_u64(checked + 12, offset);
    return gch_crc32c(frame_seed(id), checked, sizeof(checked));
}

/* Publishes the frame: everything but the length first, then the length. */
static inline void frame_header_put(uint8_t *frame, uint64_t id, uint64_t offset, enum gch_frame_kind kind,
                                    uint8_t table, const void *payload, uint32_t len)
{
    uint8_t header[GCH_FRAME_HEADER];
    put_u32(header, len);
    put_u32(header + 4, gch_crc32c(frame_seed(id), payload, len));
    header[8] = (uint8_t)kind;
    header[9] = table;
    header[10] = 0;
    header[11] = 0;
    put_u32(header + 12, frame_header_check(header, id, offset));
    memcpy(frame + 4, header + 4, GCH_FRAME_HEADER - 4);
    atomic_store_explicit((_Atomic uint32_t *)(void *)frame, len, memory_order_release);
}

#endif
