/* needs: connection.c reply.c server_text.c logger.c sender.c ticket.c syncer.c migrate.c migration.c ledger.c cluster.c
 * cluster_alter.c cluster_column.c cluster_work.c sql_scan.c embedded.c secret.c json_read.c
 * place.c settings.c likeness.c url.c retry.c release.c error_class.c transport.c delivery.c halving.c update.c drainer.c outbox.c
 * outbox_files.c orphan.c aside.c window.c batch.c schema.c merge.c multipart.c post.c query_text.c source.c
 * writer_dir.c segment.c segment_reader.c tables.c rowbinary.c notice.c buf.c crc32c.c descriptor.c disk.c status.c
 * utf8.c thread.c ; libs: libcurl libzstd libcjson */
#include "logger.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "thread.h"
#include "ticket.h"

#include "check.h"
#include "scratch.h"

#define ROWS     6000
#define FLUSH_MS 20000

/* A server that takes everything, and now and then hangs up instead of answering. */
static struct {
    int listener;
    uint16_t port;
    _Atomic unsigned inserts;
    _Atomic unsigned hung_up;
    _Atomic unsigned every; /* hangs up on each n-th insert, 0: never */
} server;

static _Atomic bool disk_hangs;
static _Atomic unsigned reads_held;

/* Reads of the outbox go through here, so that a test can have a disk that hangs. */
ssize_t pread(int fd, void *to, size_t len, off_t at)
{
    if (atomic_load(&disk_hangs))
        atomic_fetch_add(&reads_held, 1);
    while (atomic_load(&disk_hangs))
        usleep(1000);
    return syscall(SYS_pread64, fd, to, len, at);
}

static bool answer(int fd)
{
    static const char reply[] =
        "HTTP/1.1 200 OK\r\nX-ClickHouse-Summary: {\"written_rows\":\"1\"}\r\nContent-Length: 0\r\n\r\n";
    char text[65536];
    size_t len = 0;
    const char *body = NULL;
    while (body == NULL) {
        ssize_t got = len + 1 < sizeof(text) ? read(fd, text + len, sizeof(text) - 1 - len) : 0;
        if (got <= 0)
            return false;
        len += (size_t)got;
        text[len] = '\0';
        body = strstr(text, "\r\n\r\n");
    }
    const char *field = strstr(text, "Content-Length:");
    size_t left = field == NULL ? 0 : strtoul(field + 15, NULL, 10);
    size_t here = len - (size_t)(body + 4 - text);
    bool insert = strstr(text, "query=INSERT") != NULL;
    while (here < left) {
        char more[65536];
        ssize_t got = read(fd, more, left - here < sizeof(more) ? left - here : sizeof(more));
        if (got <= 0)
            return false;
        here += (size_t)got;
    }
    unsigned every = atomic_load(&server.every);
    if (insert && every != 0 && atomic_fetch_add(&server.inserts, 1) % every == every - 1) {
        atomic_fetch_add(&server.hung_up, 1);
        return false;
    }
    return write(fd, reply, sizeof(reply) - 1) == (ssize_t)sizeof(reply) - 1;
}

static void *serve_one(void *argument)
{
    int fd = (int)(intptr_t)argument;
    while (answer(fd))
        continue;
    close(fd);
    return NULL;
}

static void *serve(void *unused)
{
    for (;;) {
        pthread_t thread;
        int fd = accept(server.listener, NULL, NULL);
        if (fd < 0)
            return unused;
        CHECK_INT(gch_thread_start(&thread, "answers", serve_one, (void *)(intptr_t)fd), GCH_OK);
        pthread_detach(thread);
    }
}

static void start_server(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    pthread_t thread;
    if (server.port != 0)
        return;
    CHECK_INT(gch_transport_global_init(), GCH_OK);
    server.listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(server.listener, (struct sockaddr *)&address, len) == 0 && listen(server.listener, 16) == 0);
    CHECK(getsockname(server.listener, (struct sockaddr *)&address, &len) == 0);
    server.port = ntohs(address.sin_port);
    CHECK_INT(gch_thread_start(&thread, "server", serve, NULL), GCH_OK);
    pthread_detach(thread);
}

static struct gch_logger *open_logger(const char *home)
{
    struct gch_settings settings;
    struct gch_migrations migrations = {NULL, 0};
    struct gch_logger_options options = {.python = "python", .package_path = "/"};
    struct gch_logger *logger = NULL;
    char url[64];
    start_server();
    (void)snprintf(url, sizeof(url), "http://u:p@127.0.0.1:%u/d", server.port);
    CHECK_INT(gch_settings_init(&settings), GCH_OK);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_url, url, NULL), GCH_OK);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_home, home, NULL), GCH_OK);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_segment_bytes, "65536", NULL), GCH_OK);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_batch_bytes, "20000", NULL), GCH_OK);
    CHECK_INT(gch_settings_set(&settings, GCH_OPTION_batch_interval, "0", NULL), GCH_OK);
    CHECK_INT(gch_logger_open(&logger, &settings, &migrations, &options, NULL), GCH_OK);
    return logger;
}

static void log_rows(struct gch_logger *logger, unsigned rows)
{
    static const uint8_t bytes[300] = {1};
    for (unsigned i = 0; i < rows; i++) {
        size_t len = 40 + i % 200;
        gch_count(&logger->counters.rows_logged, 1);
        CHECK_INT(gch_outbox_append_row(&logger->outbox, GCH_TABLE_code_lineages, bytes, len), GCH_OK);
        if (i % 500 == 0)
            usleep(300);
    }
}

static bool flush(struct gch_logger *logger)
{
    struct gch_ticket ticket = gch_ticket_ask_flush(&logger->sender);
    uint64_t until = gch_monotonic_ms() + FLUSH_MS;
    enum gch_status status = GCH_ERR_AGAIN;
    while (status == GCH_ERR_AGAIN && gch_monotonic_ms() < until)
        status = gch_ticket_wait_flush(&logger->sender, ticket, 50);
    return status == GCH_OK;
}

static void *watch(void *argument)
{
    struct gch_logger *logger = argument;
    for (int i = 0; i < 40; i++) {
        struct gch_sender_report report;
        struct gch_notice notice;
        gch_sender_get_report(&logger->sender, &report);
        CHECK(report.state <= GCH_SENDER_STOPPED);
        (void)gch_outbox_backlog(&logger->outbox);
        (void)gch_logger_pending(logger);
        (void)gch_notice_take(&logger->notices, &notice);
        CHECK(flush(logger));
    }
    return NULL;
}

static void test_threads_beside_each_other(void)
{
    char *home = scratch_path();
    struct gch_logger *logger = open_logger(home);
    pthread_t thread;
    atomic_store(&server.every, 7);
    CHECK_INT(gch_thread_start(&thread, "watches", watch, logger), GCH_OK);
    log_rows(logger, ROWS);
    pthread_join(thread, NULL);
    CHECK(flush(logger));
    CHECK(gch_counted(&logger->counters.rows_delivered) == ROWS);
    CHECK_INT(gch_logger_pending(logger), 0);
    CHECK(atomic_load(&server.hung_up) > 0);
    gch_logger_close(logger);
    atomic_store(&server.every, 0);
    free(home);
}

static void test_close_at_any_moment(void)
{
    char *home = scratch_path();
    unsigned delivered = 0;
    enum { ROUNDS = 25 };
    for (unsigned i = 0; i < ROUNDS; i++) {
        struct gch_logger *logger = open_logger(home);
        log_rows(logger, 200);
        usleep(i * 400);
        CHECK(gch_sender_stop(&logger->sender, GCH_STOP_WAIT_MS));
        delivered += (unsigned)gch_counted(&logger->counters.rows_delivered);
        gch_logger_close(logger);
    }
    struct gch_logger *logger = open_logger(home);
    CHECK(flush(logger));
    delivered += (unsigned)gch_counted(&logger->counters.rows_delivered);
    CHECK(delivered >= ROUNDS * 200);
    CHECK_INT(gch_logger_pending(logger), 0);
    gch_logger_close(logger);
    free(home);
}

#ifdef __linux__
/* Descriptors of this process that lead below path. */
static int open_below(const char *path)
{
    int count = 0;
    for (int fd = 0; fd < 256; fd++) {
        char name[64];
        char target[4096] = "";
        (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        if (readlink(name, target, sizeof(target) - 1) > 0)
            count += strncmp(target, path, strlen(path)) == 0;
    }
    return count;
}
#else
static int open_below(const char *path)
{
    (void)path;
    return 0;
}
#endif

static void test_fork_and_log_in_the_child(void)
{
    char *home = scratch_path();
    struct gch_logger *logger = open_logger(home);
    for (int i = 0; i < 15; i++) {
        log_rows(logger, 100);
        pid_t pid = fork();
        if (pid == 0) {
            bool right = gch_logger_inherited(logger) && open_below(home) == 0;
            struct gch_logger *own = open_logger(home);
            size_t len = 8;
            right = right &&
                    gch_outbox_append_row(&own->outbox, GCH_TABLE_individuals, (const uint8_t *)home, len) == GCH_OK;
            right = right && (i % 2 != 0 || flush(own));
            _exit(right ? 0 : 1);
        }
        int state;
        CHECK(waitpid(pid, &state, 0) == pid && state == 0);
    }
    CHECK(!gch_logger_inherited(logger));
    CHECK(flush(logger));
    CHECK_INT(gch_logger_pending(logger), 0);
    gch_logger_close(logger);
    free(home);
}

/* Who closes does not wait for a disk that hangs; when it goes on, the rest is freed, and the rows can be adopted. */
static void test_close_while_the_disk_hangs(void)
{
    char *home = scratch_path();
    struct gch_logger *logger = open_logger(home);
    atomic_store(&disk_hangs, true);
    log_rows(logger, 100);
    while (atomic_load(&reads_held) == 0)
        usleep(1000);
    uint64_t begun = gch_monotonic_ms();
    gch_logger_close(logger);
    CHECK(gch_monotonic_ms() - begun < GCH_STOP_WAIT_MS + 1000);
    CHECK(open_below(home) > 0);
    atomic_store(&disk_hangs, false);
    for (int i = 0; i < 5000 && open_below(home) > 0; i++)
        usleep(1000);
    CHECK_INT(open_below(home), 0);
    logger = open_logger(home);
    CHECK(flush(logger));
    CHECK(gch_counted(&logger->counters.rows_adopted) == 100);
    CHECK_INT(gch_logger_pending(logger), 0);
    gch_logger_close(logger);
    free(home);
}

CHECK_MAIN(test_threads_beside_each_other, test_close_at_any_moment, test_fork_and_log_in_the_child,
           test_close_while_the_disk_hangs)
