/* Remembers what a power cut would take back.
 *
 * Preloaded into a process, it lets every write to the files under SHIM_FOLDER through, but first
 * notes in SHIM_JOURNAL what was there before. A sync is noted, not done: while the machine runs,
 * the page cache is as good as a disk. Files that are unlinked or replaced are kept by a hard link
 * under SHIM_KEPT. While there is a file SHIM_FAILING, syncs fail, and what they should have written
 * is lost as in a kernel that marks such pages clean. The journal is read by cuts.py, which says
 * what the records mean.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct record {
    uint64_t kind, inode, offset, length, size_before, mark, path_bytes, old_bytes;
};

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static const char *folder, *kept;
static size_t folder_bytes;
static int journal = -1;

#define REAL(name, result, ...)                                     \
    static result (*real_##name)(__VA_ARGS__);                      \
    if (!real_##name) real_##name = dlsym(RTLD_NEXT, #name)

static ssize_t real_write_(int fd, const void *bytes, size_t size) {
    REAL(write, ssize_t, int, const void *, size_t);
    return real_write(fd, bytes, size);
}

static int is_ready(void) {
    if (folder) return journal >= 0;
    const char *name = getenv("SHIM_JOURNAL");
    folder = getenv("SHIM_FOLDER");
    kept = getenv("SHIM_KEPT");
    if (!folder || !kept || !name) return folder = "", 0;
    folder_bytes = strlen(folder);
    REAL(open, int, const char *, int, ...);
    journal = real_open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    return journal >= 0;
}

/* Anything but SQLite's shared memory, which no power cut leaves behind, lies in the folder. */
static int is_inside(const char *path) {
    if (!is_ready() || strncmp(path, folder, folder_bytes)) return 0;
    size_t size = strlen(path);
    return (path[folder_bytes] == '/' || !path[folder_bytes]) &&
           !(size > 4 && !strcmp(path + size - 4, "-shm"));
}

static int is_watched(int fd, struct stat *found) {
    char name[64], path[PATH_MAX];
    int error = errno;
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(name, path, sizeof path - 1);
    errno = error;
    if (size < 0) return 0;
    path[size] = 0;
    return is_inside(path) && !fstat(fd, found);
}

/* In one write, so that several processes may note in one journal. */
static void note(struct record *record, const char *path, const void *old) {
    record->path_bytes = path ? strlen(path) : 0;
    size_t size = sizeof *record + record->path_bytes + record->old_bytes;
    char *bytes = malloc(size);
    memcpy(bytes, record, sizeof *record);
    if (path) memcpy(bytes + sizeof *record, path, record->path_bytes);
    if (old) memcpy(bytes + sizeof *record + record->path_bytes, old, record->old_bytes);
    if (real_write_(journal, bytes, size) != (ssize_t)size) {
        perror("shim: journal");
        abort();
    }
    free(bytes);
}

/* Unique among the processes that note in one journal. */
static uint64_t number(void) {
    static uint32_t count;
    return ((uint64_t)getpid() << 32) | ++count;
}

static size_t old_content(int fd, char *old, size_t size, off_t offset) {
    ssize_t got = pread(fd, old, size, offset);
    if (got < 0 && errno == EBADF) { /* Opened for writing alone. */
        char name[64];
        snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
        REAL(open, int, const char *, int, ...);
        int reader = real_open(name, O_RDONLY | O_CLOEXEC);
        got = pread(reader, old, size, offset);
        close(reader);
    }
    if (got < 0) {
        perror("shim: old content");
        abort();
    }
    return (size_t)got;
}

static void note_change(char kind, int fd, struct stat *found, off_t offset, size_t size) {
    uint64_t before = (uint64_t)found->st_size, from = (uint64_t)offset;
    size_t overlap = kind == 'T' ? (from < before ? before - from : 0)
                                 : (from < before ? (before - from < size ? before - from : size) : 0);
    char *old = malloc(overlap + 1);
    struct record record = {.kind = (uint64_t)kind, .inode = found->st_ino, .offset = from,
                            .length = size, .size_before = before,
                            .old_bytes = overlap ? old_content(fd, old, overlap, offset) : 0};
    note(&record, NULL, old);
    free(old);
}

#define CHANGE(kind, offset, size, call)                    \
    do {                                                    \
        struct stat found;                                  \
        if (!is_watched(fd, &found)) return call;           \
        pthread_mutex_lock(&turn);                          \
        fstat(fd, &found);                                  \
        note_change(kind, fd, &found, offset, size);        \
        __typeof__(call) result = call;                     \
        pthread_mutex_unlock(&turn);                        \
        return result;                                      \
    } while (0)

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset) {
    REAL(pwrite, ssize_t, int, const void *, size_t, off_t);
    CHANGE('W', offset, size, real_pwrite(fd, bytes, size, offset));
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset) {
    return pwrite(fd, bytes, size, offset);
}

ssize_t write(int fd, const void *bytes, size_t size) {
    struct stat seen;
    int is_appending = (fcntl(fd, F_GETFL) & O_APPEND) != 0;
    off_t offset = lseek(fd, 0, SEEK_CUR);
    if (is_appending && !fstat(fd, &seen)) offset = seen.st_size;
    CHANGE('W', offset, size, real_write_(fd, bytes, size));
}

int ftruncate(int fd, off_t size) {
    REAL(ftruncate, int, int, off_t);
    CHANGE('T', size, 0, real_ftruncate(fd, size));
}

int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

static int noted_sync(int fd, int (*sync)(int)) {
    struct stat found;
    if (!is_watched(fd, &found)) return sync(fd);
    const char *failing = getenv("SHIM_FAILING");
    int fails = failing && !access(failing, F_OK), is_folder = S_ISDIR(found.st_mode);
    /* Only what was written before the sync began is durable when it is done. */
    struct record begin = {.kind = 'B', .inode = found.st_ino};
    struct record end = {.kind = is_folder ? (fails ? 'E' : 'D') : (fails ? 'F' : 'S'),
                         .inode = found.st_ino};
    pthread_mutex_lock(&turn);
    begin.mark = end.mark = number();
    note(&begin, NULL, NULL);
    pthread_mutex_unlock(&turn);
    pthread_mutex_lock(&turn);
    note(&end, NULL, NULL);
    pthread_mutex_unlock(&turn);
    if (fails) errno = EIO;
    return fails ? -1 : 0;
}

int fsync(int fd) {
    REAL(fsync, int, int);
    return noted_sync(fd, real_fsync);
}

int fdatasync(int fd) {
    REAL(fdatasync, int, int);
    return noted_sync(fd, real_fdatasync);
}

static uint64_t keep(const char *path) {
    char name[PATH_MAX];
    uint64_t mark = number();
    snprintf(name, sizeof name, "%s/%llu", kept, (unsigned long long)mark);
    return link(path, name) ? 0 : mark;
}

static int noted_open(const char *path, int flags, mode_t mode) {
    REAL(open, int, const char *, int, ...);
    struct stat found;
    if (!(flags & (O_CREAT | O_TRUNC)) || !is_inside(path)) return real_open(path, flags, mode);
    pthread_mutex_lock(&turn);
    int is_new = stat(path, &found) != 0;
    int fd = real_open(path, flags & ~O_TRUNC, mode);
    if (fd >= 0 && !fstat(fd, &found)) {
        struct record record = {.kind = 'C', .inode = found.st_ino};
        if (is_new) note(&record, path, NULL);
        if (flags & O_TRUNC && found.st_size) {
            REAL(ftruncate, int, int, off_t);
            note_change('T', fd, &found, 0, 0);
            real_ftruncate(fd, 0);
        }
    }
    pthread_mutex_unlock(&turn);
    return fd;
}

#define WITH_MODE(call)                          \
    va_list rest;                                \
    va_start(rest, flags);                       \
    mode_t mode = va_arg(rest, mode_t);          \
    va_end(rest);                                \
    return call

int open(const char *path, int flags, ...) { WITH_MODE(noted_open(path, flags, mode)); }
int open64(const char *path, int flags, ...) { WITH_MODE(noted_open(path, flags, mode)); }

int rename(const char *path, const char *target) {
    REAL(rename, int, const char *, const char *);
    if (!is_inside(path)) return real_rename(path, target);
    char both[2 * PATH_MAX];
    snprintf(both, sizeof both, "%s\n%s", path, target);
    pthread_mutex_lock(&turn);
    struct record record = {.kind = 'R', .mark = keep(target)};
    note(&record, both, NULL);
    int result = real_rename(path, target);
    pthread_mutex_unlock(&turn);
    return result;
}

int unlink(const char *path) {
    REAL(unlink, int, const char *);
    if (!is_inside(path)) return real_unlink(path);
    pthread_mutex_lock(&turn);
    struct record record = {.kind = 'U', .mark = keep(path)};
    if (record.mark) note(&record, path, NULL);
    int result = real_unlink(path);
    pthread_mutex_unlock(&turn);
    return result;
}
