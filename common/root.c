/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/root.h"

#include "common/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* As many links as the kernel follows for one path. */
#define LINKS_MAX 40

struct walk {
        int root;
        int directory; /* where the walk has come to */
        unsigned n_links;
        char rest[2 * PATH_MAX]; /* what is left of the path */
};

static void walk_end(struct walk *walk)
{
        cleanup_close(&walk->directory);
        cleanup_close(&walk->root);
}

static void walk_move(struct walk *walk, int directory)
{
        cleanup_close(&walk->directory);
        walk->directory = directory;
}

/* Go back to the top. Returns 0 or a negative errno. */
static int walk_restart(struct walk *walk)
{
        int fd = openat(walk->root, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0)
                return -errno;
        walk_move(walk, fd);
        return 0;
}

static int walk_begin(struct walk *walk, const char *root, const char *path)
{
        if (strlen(path) >= PATH_MAX)
                return -ENAMETOOLONG;
        strcpy(walk->rest, path);
        walk->root = open(*root ? root : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (walk->root < 0)
                return -errno;
        return walk_restart(walk);
}

/*
 * Take the next component off the rest.
 * Returns 1, 0 when there is none left, or -ENAMETOOLONG.
 */
static int walk_next(struct walk *walk, char component[static NAME_MAX + 1])
{
        size_t slashes = strspn(walk->rest, "/");
        size_t length = strcspn(walk->rest + slashes, "/");

        if (length > NAME_MAX)
                return -ENAMETOOLONG;
        memcpy(component, walk->rest + slashes, length);
        component[length] = '\0';
        memmove(walk->rest, walk->rest + slashes + length,
                strlen(walk->rest + slashes + length) + 1);
        return length > 0;
}

/* Put a link's target in front of the rest. Returns 0 or a negative errno. */
static int walk_follow(struct walk *walk, int link)
{
        char target[PATH_MAX];
        ssize_t length = readlinkat(link, "", target, sizeof(target));
        size_t rest = strlen(walk->rest);

        if (length < 0)
                return -errno;
        if (++walk->n_links > LINKS_MAX)
                return -ELOOP;
        if ((size_t)length + rest + 1 > sizeof(walk->rest))
                return -ENAMETOOLONG;
        memmove(walk->rest + length, walk->rest, rest + 1);
        memcpy(walk->rest, target, (size_t)length);
        return target[0] == '/' ? walk_restart(walk) : 0;
}

static bool walk_at_root(const struct walk *walk)
{
        struct stat here, top;

        return fstat(walk->directory, &here) < 0 || fstat(walk->root, &top) < 0 ||
               (here.st_dev == top.st_dev && here.st_ino == top.st_ino);
}

/* Returns -EAGAIN to go on, or a negative errno. */
static int walk_up(struct walk *walk)
{
        int fd;

        if (walk_at_root(walk))
                return -EAGAIN;
        fd = openat(walk->directory, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        walk_move(walk, fd);
        return -EAGAIN;
}

/* O_PATH does not trigger an automount, but shows its file system (open(2)). */
static int check_automount(int fd)
{
        struct statfs fs;

        if (fstatfs(fd, &fs) < 0)
                return -errno;
        return fs.f_type == AUTOFS_SUPER_MAGIC ? -EREMOTE : 0;
}

/*
 * Enter a directory, follow a link, or open the file that ends the path.
 * Returns a descriptor, -EAGAIN to go on, or a negative errno.
 */
static int walk_step(struct walk *walk, const char *component, int flags)
{
        _cleanup_close_ int fd = -1;
        struct stat st;
        int r;

        fd = openat(walk->directory, component, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode)) {
                r = walk_follow(walk, fd);
                return r < 0 ? r : -EAGAIN;
        }
        if (S_ISDIR(st.st_mode)) {
                r = check_automount(fd);
                if (r < 0)
                        return r;
                walk_move(walk, fd);
                fd = -1;
                return -EAGAIN;
        }
        if (walk->rest[strspn(walk->rest, "/")] != '\0')
                return -ENOTDIR;
        r = openat(walk->directory, component,
                   flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        return r < 0 ? -errno : r;
}

int root_open(const char *root, const char *path, int flags)
{
        _cleanup_(walk_end) struct walk walk = {.root = -1, .directory = -1};
        char component[NAME_MAX + 1];
        int r;

        r = walk_begin(&walk, root, path);
        if (r < 0)
                return r;
        while ((r = walk_next(&walk, component)) > 0) {
                if (strcmp(component, ".") == 0)
                        continue;
                r = strcmp(component, "..") == 0 ? walk_up(&walk)
                                                 : walk_step(&walk, component, flags);
                if (r != -EAGAIN)
                        return r;
        }
        if (r < 0)
                return r;
        r = openat(walk.directory, ".", flags | O_CLOEXEC);
        return r < 0 ? -errno : r;
}

static int read_all(int fd, char *data, size_t size)
{
        size_t done = 0;

        while (done < size) {
                ssize_t n = read(fd, data + done, size - done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        return (int)done;
}

int root_read_fd(int fd, size_t limit, char **ret, size_t *ret_size)
{
        _cleanup_free_ char *data = NULL;
        struct stat st;
        int n;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return S_ISDIR(st.st_mode) ? -EISDIR : -EINVAL;
        if ((size_t)st.st_size > limit)
                return -EFBIG;
        data = malloc((size_t)st.st_size + 1);
        if (!data)
                return -ENOMEM;
        n = read_all(fd, data, (size_t)st.st_size);
        if (n < 0)
                return n;
        data[n] = '\0';
        *ret = TAKE(data);
        *ret_size = (size_t)n;
        return 0;
}

int root_read(const char *root, const char *path, size_t limit, char **ret, size_t *ret_size)
{
        _cleanup_close_ int fd = root_open(root, path, O_RDONLY);

        return fd < 0 ? fd : root_read_fd(fd, limit, ret, ret_size);
}
