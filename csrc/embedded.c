#include "embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "descriptor.h"
#include "secret.h"
#include "thread.h"
#include "writer_dir.h"

#define POLL_MS     20
#define PATIENCE_MS 3000

extern char **environ;

enum gch_status gch_embedded_init(struct gch_embedded *embedded, const char *home, const char *python,
                                  const char *package_path, unsigned idle_s, struct gch_counters *counters)
{
    embedded->home = strdup(home);
    embedded->python = strdup(python);
    embedded->package_path = strdup(package_path);
    embedded->idle_s = idle_s;
    embedded->counters = counters;
    bool ok = embedded->home != NULL && embedded->python != NULL && embedded->package_path != NULL;
    return ok ? GCH_OK : GCH_ERR_NOMEM;
}

void gch_embedded_deinit(struct gch_embedded *embedded)
{
    free(embedded->home);
    free(embedded->python);
    free(embedded->package_path);
    memset(embedded, 0, sizeof(*embedded));
}

static bool server_lives(int home_fd)
{
    int fd = gch_descriptor_open(home_fd, "server.lock", O_RDWR);
    if (fd < 0)
        return false;
    bool lives = flock(fd, LOCK_SH | LOCK_NB) != 0;
    gch_descriptor_close(fd);
    return lives;
}

static enum gch_status read_endpoint(int home_fd, struct gch_endpoint *endpoint, struct gch_err *err)
{
    char text[GCH_ENDPOINT_FILE_MAX];
    int fd = gch_descriptor_open(home_fd, "endpoint.json", O_RDONLY);
    if (fd < 0)
        return GCH_ERR_AGAIN;
    ssize_t got = read(fd, text, sizeof(text));
    gch_descriptor_close(fd);
    if (got <= 0)
        return GCH_ERR_AGAIN;
    return gch_json_read_endpoint(endpoint, text, (size_t)got, err);
}

static enum gch_status url_of(const struct gch_endpoint *endpoint, struct gch_url *url, struct gch_err *err)
{
    enum gch_status status = gch_url_parse(url, endpoint->url, err);
    if (status != GCH_OK)
        return status;
    free(url->password);
    url->password = strdup(endpoint->token);
    return url->password == NULL ? GCH_ERR_NOMEM : GCH_OK;
}

/* What a Python process, the server and the engine need of an environment, and nothing that holds a key or a password:
 * so a list of what is passed on, not of what is not. A name that ends with '_' stands for all that begin with it. */
static const char *const passed_on[] = {
    "PATH",
    "HOME",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "TZ",
    "LANG",
    "LC_",
    "VIRTUAL_ENV",
    "SYSTEMROOT",
    "LD_",
    "DYLD_",
    "PYTHONHOME",
    "PYTHONUTF8",
    "PYTHONMALLOC",
    "PYTHONFAULTHANDLER",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONWARNINGS",
    "PYTHONPYCACHEPREFIX",
    "GENESIS_CH_SERVER_",
    "MALLOC_",
    "ASAN_",
    "LSAN_",
    "UBSAN_",
    "TSAN_",
};

static bool is_passed_on(const char *entry)
{
    size_t len = strcspn(entry, "=");
    if (gch_secret_key(entry, len) != GCH_SECRECY_NONE)
        return false;
    for (size_t i = 0; i < sizeof(passed_on) / sizeof(passed_on[0]); i++) {
        size_t name = strlen(passed_on[i]);
        bool prefix = passed_on[i][name - 1] == '_';
        if (strncmp(entry, passed_on[i], name) == 0 && (prefix || len == name))
            return true;
    }
    return false;
}

/* Our package stands in front of PYTHONPATH. */
static char **make_environment(const struct gch_embedded *embedded, char **python_path)
{
    size_t count = 0;
    while (environ[count] != NULL)
        count++;
    char **made = calloc(count + 2, sizeof(*made));
    if (made == NULL)
        return NULL;
    size_t to = 0;
    const char *old = getenv("PYTHONPATH");
    struct gch_buf path;
    gch_buf_init(&path, 1U << 20);
    gch_buf_printf(&path, "PYTHONPATH=%s%s%s", embedded->package_path, old != NULL && *old != '\0' ? ":" : "",
                   old != NULL ? old : "");
    const char *text = gch_buf_cstr(&path);
    *python_path = text == NULL ? NULL : strdup(text);
    gch_buf_deinit(&path);
    if (*python_path != NULL)
        made[to++] = *python_path;
    for (size_t i = 0; i < count; i++) {
        if (is_passed_on(environ[i]))
            made[to++] = environ[i];
    }
    return made;
}

static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none;
    sigset_t standard;
    sigemptyset(&none);
    sigfillset(&standard);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &standard);
    posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

static enum gch_status spawn_server(const struct gch_embedded *embedded, pid_t *pid)
{
    char idle[32];
    char *python_path = NULL;
    (void)snprintf(idle, sizeof(idle), "%u", embedded->idle_s);
    /* -P: a file in the working directory that happens to be called like a module of ours is not taken for it. */
    const char *const arguments[] = {embedded->python, "-P",     "-m", "genesis_ch.server", "--path",
                                     embedded->home,   "--idle", idle, "--detach",          NULL};
    char **environment = make_environment(embedded, &python_path);
    if (environment == NULL)
        return GCH_ERR_NOMEM;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&files);
    set_attributes(&attributes);
    for (int fd = 0; fd < 3; fd++)
        posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
    int failed =
        posix_spawn(pid, embedded->python, &files, &attributes, (char *const *)(uintptr_t)arguments, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    free(python_path);
    free(environment);
    errno = failed;
    return failed == 0 ? GCH_OK : GCH_ERR_IO;
}

static void sleep_ms(long ms)
{
    struct timespec time = {ms / 1000, (ms % 1000) * 1000000L};
    (void)nanosleep(&time, NULL);
}

/* Waits for the first process, which ends as soon as the server has detached; the experiment may have reaped it
 * already. */
static enum gch_status reap(pid_t pid, const _Atomic bool *stop, int *exit_code)
{
    *exit_code = 0;
    for (;;) {
        int state;
        pid_t got = waitpid(pid, &state, WNOHANG);
        if (got < 0 && errno != EINTR)
            return GCH_OK;
        if (got == pid) {
            *exit_code = WIFEXITED(state) ? WEXITSTATUS(state) : 128;
            return GCH_OK;
        }
        if (atomic_load(stop))
            return GCH_ERR_STOPPED;
        sleep_ms(5);
    }
}

static enum gch_status start(struct gch_embedded *embedded, const _Atomic bool *stop, struct gch_err *err)
{
    pid_t pid;
    if (spawn_server(embedded, &pid) != GCH_OK)
        return gch_err_set(err, GCH_ERR_IO, "cannot start the embedded ClickHouse server with %s: %s", embedded->python,
                           strerror(errno));
    gch_count(&embedded->counters->servers_started, 1);
    int exit_code;
    enum gch_status status = reap(pid, stop, &exit_code);
    if (status == GCH_OK && exit_code != 0)
        return gch_err_set(err, GCH_ERR_IO,
                           "the embedded ClickHouse server ended with exit code %d; see %s/server.log, or run "
                           "`genesis-ch serve --path %s` to "
                           "see why",
                           exit_code, embedded->home, embedded->home);
    return status;
}

/* A server that has just taken the lock removes the file of one that was killed, a moment later. */
static bool is_left_behind(const struct gch_endpoint *endpoint)
{
    return kill((pid_t)endpoint->pid, 0) != 0 && errno == ESRCH;
}

/* One look: GCH_OK with url filled, GCH_ERR_AGAIN when it is starting or there is none (*alive tells which). A process
 * that cannot be seen may be in another container: after some patience it is believed. */
static enum gch_status look(int home_fd, struct gch_url *url, bool patient, bool *alive, struct gch_err *err)
{
    struct gch_endpoint endpoint;
    *alive = server_lives(home_fd);
    if (!*alive)
        return GCH_ERR_AGAIN;
    enum gch_status status = read_endpoint(home_fd, &endpoint, err);
    if (status == GCH_OK && patient && is_left_behind(&endpoint))
        return GCH_ERR_AGAIN;
    return status == GCH_OK ? url_of(&endpoint, url, err) : GCH_ERR_AGAIN;
}

enum gch_status gch_embedded_ensure(struct gch_embedded *embedded, struct gch_url *url, const _Atomic bool *stop,
                                    struct gch_err *err)
{
    int home_fd;
    enum gch_status status = gch_path_open(embedded->home, &home_fd, err);
    if (status != GCH_OK)
        return status;
    bool alive;
    bool started = false;
    uint64_t begun = gch_monotonic_ms();
    uint64_t until = begun + GCH_EMBEDDED_START_MS;
    uint64_t dead_since = 0;
    uint64_t now = begun;
    while ((status = look(home_fd, url, now - begun < PATIENCE_MS, &alive, err)) == GCH_ERR_AGAIN) {
        now = gch_monotonic_ms();
        dead_since = alive ? 0 : dead_since == 0 ? now : dead_since;
        if (atomic_load(stop)) {
            status = GCH_ERR_STOPPED;
            break;
        }
        if (!alive && (!started || now - dead_since > 15000)) {
            status = started ? gch_err_set(err, GCH_ERR_IO,
                                           "the embedded ClickHouse server does not start; see %s/server.log, or run "
                                           "`genesis-ch serve --path %s` to see why",
                                           embedded->home, embedded->home)
                             : start(embedded, stop, err);
            if (status != GCH_OK)
                break;
            started = true;
            dead_since = gch_monotonic_ms();
        }
        if (now > until) {
            status = gch_err_set(err, GCH_ERR_IO,
                                 "the embedded ClickHouse server in %s did not answer within %d s; see its server.log",
                                 embedded->home, GCH_EMBEDDED_START_MS / 1000);
            break;
        }
        sleep_ms(POLL_MS);
    }
    gch_descriptor_close(home_fd);
    return status;
}
