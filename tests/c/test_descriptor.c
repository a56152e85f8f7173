/* needs: descriptor.c */
#include "descriptor.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "check.h"
#include "scratch.h"

#define FORKS    200
#define MAP_SIZE 65536

static _Atomic bool stop;
static _Atomic unsigned turns;
static char *path;

/* Opens, maps and closes without a pause. */
static void *keep_mapping(void *unused)
{
    (void)unused;
    while (!atomic_load(&stop)) {
        int fd = gch_descriptor_open(AT_FDCWD, path, O_RDWR);
        void *map = gch_descriptor_map(fd, MAP_SIZE);
        if (map != MAP_FAILED)
            munmap(map, MAP_SIZE);
        gch_descriptor_close(fd);
        atomic_fetch_add(&turns, 1);
    }
    return NULL;
}

static bool is_mapped_here(void)
{
    char line[4096];
    bool found = false;
    FILE *file = fopen("/proc/self/maps", "re");
    while (file != NULL && !found && fgets(line, sizeof(line), file) != NULL)
        found = strstr(line, path) != NULL;
    if (file != NULL)
        fclose(file);
    return found;
}

static bool is_open_here(void)
{
    char name[64];
    char target[4096];
    for (int fd = 3; fd < 64; fd++) {
        (void)snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
        ssize_t len = readlink(name, target, sizeof(target) - 1);
        target[len < 0 ? 0 : len] = '\0';
        if (strcmp(target, path) == 0)
            return true;
    }
    return false;
}

/* A child that is forked at any moment of another thread has neither the file nor the map. */
static void test_fork_at_any_moment(void)
{
    pthread_t thread;
    CHECK_INT(pthread_atfork(gch_descriptor_before_fork, gch_descriptor_after_fork_in_parent,
                             gch_descriptor_after_fork_in_child),
              0);
    path = scratch_path();
    (void)strncat(path, "/mapped", 8);
    int made = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(made >= 0 && ftruncate(made, MAP_SIZE) == 0 && close(made) == 0);
    CHECK_INT(pthread_create(&thread, NULL, keep_mapping, NULL), 0);
    int shared = 0;
    for (int i = 0; i < FORKS; i++) {
        int state = 0;
        pid_t pid = fork();
        if (pid == 0)
            _exit(is_open_here() || is_mapped_here());
        CHECK(pid > 0 && waitpid(pid, &state, 0) == pid);
        shared += state != 0;
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    CHECK_INT(shared, 0);
    CHECK(atomic_load(&turns) > 0);
    free(path);
}

CHECK_MAIN(test_fork_at_any_moment)
