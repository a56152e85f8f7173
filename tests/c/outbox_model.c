/* needs: drainer.c outbox.c outbox_files.c orphan.c aside.c window.c batch.c schema.c query_text.c source.c writer_dir.c
 * segment.c segment_reader.c tables.c rowbinary.c notice.c buf.c crc32c.c descriptor.c disk.c status.c utf8.c thread.c ; libs:
 * libzstd */
/* A process with an outbox that does what it is told, one line at a time; tests/faults/test_outbox_model.py tells it.
 *
 * outbox_model ROOT CAP SEGMENT WINDOW. Lines, each answered by one of JSON:
 *     a TABLE NUMBER LEN  appends a row, or an update where TABLE is 7
 *     r                   tells the bytes that are left in the current segment
 *     k                   does what the keeper thread does
 *     d ROWS              delivers our own; the server fails once it has taken so many rows (0: never)
 *     o ROWS              adopts the rows of dead processes likewise
 *     c ROOT              adopts all that is in another outbox, as a process of its own would
 *     q                   closes and ends
 */
#include "rows.h"

static struct world world;
static uint64_t cap;
static size_t segment;
static size_t window;

static void answer(enum gch_status status, const struct world *of)
{
    printf("{\"status\": %d, \"dropped\": %lu, \"frames\": %lu, \"numbers\": [", (int)status,
           gch_counted(&of->counters.rows_dropped), gch_counted(&of->counters.frames_damaged));
    for (size_t i = 0; i < server.count; i++)
        printf("%s%u", i == 0 ? "" : ", ", server.numbers[i]);
    printf("]}\n");
    DEMAND(server.altered == 0);
    server.count = 0;
}

static enum gch_status adopt(struct world *adopter)
{
    return gch_drainer_has_orphan(&adopter->drainer) ? gch_drainer_run(&adopter->drainer, false, true) : GCH_OK;
}

static void check_copy(const char *root)
{
    static struct world other;
    world_begin(&other, root, cap, segment, window);
    server.fail_at = 0;
    enum gch_status status = adopt(&other);
    answer(status, &other);
    world_end(&other);
}

static void tell_room(void)
{
    const struct gch_segment *current = world.outbox.current;
    printf("{\"room\": %lu}\n", current == NULL ? 0 : current->size - (size_t)gch_segment_end(current));
}

/* False: it was told to end. */
static bool obey(const char *line)
{
    unsigned table = 0;
    unsigned number = 0;
    unsigned len = 0;
    char root[4096] = "";
    enum gch_status status = GCH_OK;
    switch (line[0]) {
    case 'a':
        DEMAND(sscanf(line + 1, "%u %u %u", &table, &number, &len) == 3);
        answer(world_append(&world, table, number, len), &world);
        return true;
    case 'r':
        tell_room();
        return true;
    case 'k':
        world_keep(&world);
        break;
    case 'd':
    case 'o':
        DEMAND(sscanf(line + 1, "%zu", &server.fail_at) == 1);
        status = line[0] == 'd' ? gch_drainer_run(&world.drainer, true, false) : adopt(&world);
        break;
    case 'c':
        DEMAND(sscanf(line + 1, "%4095s", root) == 1);
        check_copy(root);
        return true;
    default:
        return false;
    }
    answer(status, &world);
    return true;
}

int main(int argc, char **argv)
{
    char line[8192];
    DEMAND(argc == 5);
    cap = strtoull(argv[2], NULL, 10);
    segment = strtoull(argv[3], NULL, 10);
    window = strtoull(argv[4], NULL, 10);
    setvbuf(stdout, NULL, _IOLBF, 1U << 16);
    world_begin(&world, argv[1], cap, segment, window);
    while (fgets(line, sizeof(line), stdin) != NULL && obey(line))
        continue;
    world_end(&world);
    return 0;
}
