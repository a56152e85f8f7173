/* needs: drainer.c outbox.c outbox_files.c orphan.c aside.c window.c batch.c schema.c query_text.c source.c writer_dir.c
 * segment.c segment_reader.c tables.c rowbinary.c notice.c buf.c crc32c.c descriptor.c disk.c status.c utf8.c thread.c ; libs:
 * libzstd */
/* Every state that SIGKILL can leave of an outbox: a writer is run one machine instruction at a time, and whenever the
 * files have changed, what they hold now is recovered and compared with what the writer was told to keep.
 *
 * Stores are recorded as the processor makes them, by the writer's real code. SIGKILL keeps the order of a program's
 * stores, so the states between two instructions are all there are; on top of that every store, and every byte that a
 * system call writes, is cut at each of its bytes. What the kernel loses when the power fails is another matter.
 *
 * crash_states ROWS SEED EVERY: of stores longer than 16 bytes, one cut in EVERY is tried. The last line is JSON.
 * Status 77: this system does not let a program be stepped.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "descriptor.h"
#include "rows.h"
#include "tree.h"

#define SEGMENT 8192
#define WINDOW  1500
#define CAP     (1U << 20)
#define SKIPPED 77

/* What the writer tells of itself, in memory shared with the tracer. */
struct told {
    _Atomic uint32_t begun;    /* append calls */
    _Atomic uint32_t returned; /* of them with GCH_OK */
    uint8_t stored[ROWS_MAX];  /* by the server */
    uint64_t recycled;
    uint64_t made;
    uint64_t exact;     /* rows that end where the segment ends */
    uint64_t too_large; /* by one byte: they go to the next segment */
};

static struct told *told;
static unsigned rows_wanted;
static unsigned seed;
static unsigned every;

static struct {
    uint64_t states;
    uint64_t torn; /* states in the middle of a store */
    uint64_t stores;
    uint64_t file_steps; /* states in which a file or directory came or went */
    uint64_t instructions;
    uint64_t in_flight; /* states that gave back the row whose call had not returned */
    uint64_t rows;
    uint64_t again;   /* rows that came twice because a recovery was cut */
    uint64_t damaged; /* recoveries that met a torn header or length, and counted it as damage */
} seen;

static bool torn; /* the state is a cut in a header or a length; no processor leaves the second */

/* ---- the writer ---- */

static unsigned next_random(void)
{
    seed = seed * 1103515245U + 12345U;
    return seed >> 8;
}

/* Lengths of all sizes; now and then one that just fits, or is one byte too large, or leaves less than a frame. */
static uint32_t choose_len(const struct world *world)
{
    const struct gch_segment *current = world->outbox.current;
    size_t room = current == NULL ? 0 : current->size - (size_t)gch_segment_end(current);
    uint32_t len = ROW_MIN + next_random() % (next_random() % 8 == 0 ? 1200 : 120);
    if (room < 400 || room > 1500)
        return len;
    uint32_t fits = (uint32_t)room - GCH_FRAME_HEADER;
    switch (next_random() % 3) {
    case 0:
        told->exact += 1;
        return fits - next_random() % GCH_FRAME_ALIGN;
    case 1:
        told->too_large += 1;
        return fits + 1;
    default:
        return fits - GCH_FRAME_ALIGN * (1 + next_random() % 3);
    }
}

static enum row_fate choose_fate(uint32_t number)
{
    return number % 29 == 7 ? ROW_QUARANTINED : number % 31 == 5 ? ROW_PARKED : ROW_STORED;
}

static void append_one(struct world *world)
{
    static const unsigned tables[] = {GCH_TABLE_agent_actions, GCH_TABLE_agent_actions, GCH_TABLE_pareto_fronts};
    uint32_t number = told->begun;
    unsigned table = number % 23 == 11 ? ROWS_UPDATES : tables[number % 3];
    uint32_t len = choose_len(world);
    told->begun += 1;
    DEMAND(world_append(world, table, number, len) == GCH_OK);
    told->returned += 1;
}

/* The life of an outbox: rows pile up, are delivered in part, files are used again, and it is closed with rows in it.
 */
static void write_rows(const char *root)
{
    static struct world world;
    server.stored = told->stored;
    server.fate = choose_fate;
    world_begin(&world, root, CAP, SEGMENT, WINDOW);
    (void)row_stuff();
    raise(SIGSTOP);
    for (unsigned i = 0; i < rows_wanted; i++) {
        append_one(&world);
        if (i % 7 == 0)
            world_keep(&world);
        bool fails = i % 41 == 40;
        if (i < rows_wanted / 3 || (i % 20 != 0 && !fails))
            continue;
        server.fail_at = fails ? server.count + 3 : 0;
        enum gch_status ignored = gch_drainer_run(&world.drainer, true, false);
        (void)ignored;
    }
    told->recycled = gch_counted(&world.counters.segments_recycled);
    told->made = gch_counted(&world.counters.segments_created);
    world_end(&world);
    _exit(0);
}

/* ---- the oracle ---- */

static int state_fd;
static char state_path[4200];

/* One recovery of what is in the state's directory, by a new process as it were. */
static void recover(size_t fail_at)
{
    static struct world world;
    world_begin(&world, state_path, CAP, SEGMENT, WINDOW);
    server.fail_at = fail_at == 0 ? 0 : server.count + fail_at;
    enum gch_status status =
        gch_drainer_has_orphan(&world.drainer) ? gch_drainer_run(&world.drainer, false, true) : GCH_OK;
    DEMAND(status == GCH_OK || fail_at != 0);
    bool damaged = gch_counted(&world.counters.frames_damaged) != 0;
    DEMAND(!damaged || torn);
    seen.damaged += damaged;
    world_end(&world);
}

static void write_state(const struct tree *tree)
{
    DEMAND(tree_clear(state_fd, "."));
    DEMAND(tree_write(tree, state_fd));
}

static void mark_found(uint8_t found[ROWS_MAX])
{
    DEMAND(server.altered == 0);
    for (size_t i = 0; i < server.count; i++)
        found[server.numbers[i]] = 1;
}

/* Rows in quarantine are kept too. One file is one row, or none when the writer died before it was in. */
static void mark_quarantined(const struct tree *tree, uint8_t found[ROWS_MAX])
{
    for (size_t i = 0; i < tree->count; i++) {
        const struct tree_entry *entry = &tree->entries[i];
        struct gch_segment_reader reader;
        struct gch_frame frame;
        size_t len = strlen(entry->path);
        if (strncmp(entry->path, "quarantine/", 11) != 0 || strcmp(entry->path + len - 4, ".seg") != 0)
            continue;
        int fd = gch_descriptor_open(state_fd, entry->path, O_RDONLY);
        if (gch_segment_reader_open(&reader, fd, NULL) != GCH_OK)
            continue;
        while (gch_segment_reader_next(&reader, reader.size, &frame, NULL) == GCH_OK) {
            if (frame.kind == GCH_FRAME_SCHEMA)
                continue;
            int64_t number = row_number(frame.payload, frame.len);
            DEMAND(number >= 0);
            found[number] = 1;
        }
        gch_segment_reader_close(&reader);
    }
}

/* Rows of one table come in the order in which they were logged. A parked row has an outbox of its own, so only those
 * that never are parked are compared. */
static void check_order(void)
{
    int64_t last[GCH_TABLE_COUNT + 1];
    memset(last, -1, sizeof(last));
    for (size_t i = 0; i < server.count; i++) {
        if (choose_fate(server.numbers[i]) == ROW_PARKED)
            continue;
        int64_t *before = &last[server.tables[i]];
        DEMAND(server.numbers[i] > *before);
        *before = server.numbers[i];
    }
}

/* Whether found is all that was logged and not stored, and nothing else but the row in flight. */
static void check_whole(const uint8_t found[ROWS_MAX])
{
    uint32_t returned = told->returned;
    for (uint32_t i = 0; i < returned; i++)
        DEMAND(found[i] != 0 || told->stored[i] != 0);
    if (returned < told->begun)
        seen.in_flight += found[returned];
    for (uint32_t i = told->begun; i < ROWS_MAX; i++)
        DEMAND(found[i] == 0);
}

static void check_state(struct tree *tree)
{
    uint8_t once[ROWS_MAX] = {0};
    uint8_t twice[ROWS_MAX] = {0};
    server.count = 0;
    write_state(tree);
    mark_quarantined(tree, once);
    memcpy(twice, once, sizeof(once));
    recover(0);
    mark_found(once);
    check_order();
    check_whole(once);
    size_t count = server.count;
    seen.rows += count;
    recover(0);
    DEMAND(server.count == count);
    write_state(tree);
    server.count = 0;
    recover(1 + count / 2); /* It dies on the way, and another one goes on. */
    recover(0);
    mark_found(twice);
    DEMAND(memcmp(once, twice, sizeof(once)) == 0 && server.count >= count);
    seen.again += server.count - count;
    seen.states += 1;
}

/* ---- the tracer ---- */

/* The state before, with the first bytes of a store done; `before` holds the store in the end. */
static void check_store(struct tree *before, struct tree_entry *entry, const uint8_t *after)
{
    size_t start = 0;
    size_t end = entry->len;
    while (entry->bytes[start] == after[start])
        start++;
    while (entry->bytes[end - 1] == after[end - 1])
        end--;
    seen.stores += 1;
    for (size_t at = start; at < end; at++) {
        if (entry->bytes[at] == after[at])
            continue;
        entry->bytes[at] = after[at];
        bool cut = at + 1 < end;
        if (cut && end - start > 16 && next_random() % every != 0)
            continue;
        seen.torn += cut;
        torn = cut && (start < GCH_SEGMENT_HEADER || end - start <= 4);
        check_state(before);
        torn = false;
    }
}

static void check_maps(struct tree *before)
{
    for (size_t i = 0; i < before->count; i++) {
        struct tree_entry *entry = &before->entries[i];
        if (entry->live != NULL && memcmp(entry->bytes, entry->live, entry->len) != 0)
            check_store(before, entry, entry->live);
    }
}

/* After a system call: files may have come, gone, grown or been written to. */
static void check_files(struct tree *before, const char *root)
{
    static struct tree now;
    DEMAND(tree_read(&now, root));
    if (tree_same_shape(before, &now)) {
        for (size_t i = 0; i < before->count; i++) {
            struct tree_entry *entry = &before->entries[i];
            const struct tree_entry *after = tree_find(&now, entry->path);
            if (entry->len > 0 && memcmp(entry->bytes, after->bytes, entry->len) != 0)
                check_store(before, entry, after->bytes);
        }
    } else {
        seen.file_steps += 1;
        check_state(&now);
    }
    tree_deinit(before);
    *before = now;
}

#ifdef __x86_64__
static bool at_system_call(pid_t pid)
{
    long at = ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user_regs_struct, rip), NULL);
    return (ptrace(PTRACE_PEEKTEXT, pid, at, NULL) & 0xFFFF) == 0x050F;
}
#else
static bool at_system_call(pid_t pid)
{
    (void)pid;
    printf("stepping is written for x86-64\n");
    exit(SKIPPED);
}
#endif

/* One instruction; false when the writer has ended. */
static bool step(pid_t pid)
{
    int status;
    DEMAND(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0);
    DEMAND(waitpid(pid, &status, 0) == pid);
    if (WIFEXITED(status)) {
        DEMAND(WEXITSTATUS(status) == 0);
        return false;
    }
    DEMAND(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP);
    seen.instructions += 1;
    return true;
}

static void trace(pid_t pid, const char *root)
{
    static struct tree before;
    DEMAND(tree_read(&before, root));
    for (;;) {
        bool called = at_system_call(pid);
        if (!step(pid))
            break;
        if (called)
            check_files(&before, root);
        else
            check_maps(&before);
    }
    tree_deinit(&before);
}

/* On one processor a step costs half as much. */
static void stay_on_one_processor(void)
{
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    (void)sched_setaffinity(0, sizeof(one), &one);
}

static pid_t start_writer(const char *root)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
            _exit(SKIPPED);
        write_rows(root);
    }
    DEMAND(pid > 0 && waitpid(pid, &status, 0) == pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
        exit(SKIPPED);
    DEMAND(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    return pid;
}

int main(int argc, char **argv)
{
    char root[4096];
    DEMAND(argc == 4 && getcwd(root, sizeof(root)) != NULL);
    rows_wanted = (unsigned)strtoul(argv[1], NULL, 10);
    seed = (unsigned)strtoul(argv[2], NULL, 10);
    every = (unsigned)strtoul(argv[3], NULL, 10);
    DEMAND(rows_wanted > 0 && rows_wanted < ROWS_MAX && every > 0);
    (void)snprintf(state_path, sizeof(state_path), "%s/state", root);
    (void)strncat(root, "/outbox", sizeof(root) - strlen(root) - 1);
    DEMAND(mkdir(root, 0700) == 0 && mkdir(state_path, 0700) == 0);
    state_fd = open(state_path, O_RDONLY | O_DIRECTORY);
    told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    DEMAND(state_fd >= 0 && told != MAP_FAILED);
    stay_on_one_processor();
    pid_t pid = start_writer(root);
    trace(pid, root);
    uint64_t stored = 0;
    for (uint32_t i = 0; i < told->returned; i++)
        stored += told->stored[i] != 0;
    printf("{\"rows\": %u, \"stored\": %lu, \"made\": %lu, \"recycled\": %lu, \"exact\": %lu, \"too_large\": %lu, "
           "\"instructions\": %lu, \"stores\": %lu, \"states\": %lu, \"torn\": %lu, \"file_steps\": %lu, "
           "\"in_flight\": %lu, \"recovered\": %lu, \"again\": %lu, \"damaged\": %lu}\n",
           told->returned, stored, told->made, told->recycled, told->exact, told->too_large, seen.instructions,
           seen.stores, seen.states, seen.torn, seen.file_steps, seen.in_flight, seen.rows, seen.again, seen.damaged);
    return 0;
}
