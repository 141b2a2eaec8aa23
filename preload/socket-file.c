/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes, replaces and removes socket files. See socket-file.h. */

#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/next.h"
#include "preload/socket-file.h"
#include "preload/socket-rights.h"
#include "rules/text.h"

/* How long somebody else's lock on the directory is waited for, in milliseconds. */
#define LOCK_PATIENCE 200

/* How long a socket has to be dead before it is replaced, in milliseconds. */
#define DEAD_FOR 3

/* How long a child may take to connect the socket that its parent has left to it, likewise. */
#define CONNECTED_WITHIN 100

/*
 * The lock on the directory of a socket file. While it is held no signal is handled in this thread:
 * a handler that binds or closes a socket there would wait for the lock, which has to wait for the
 * handler.
 */
struct lock {
        int file; /* or -1 */
        uint64_t signals;
};

static bool try_lock(struct lock *lock)
{
        int r;

        kernel_block_all_signals(&lock->signals);
        if (kernel_flock(lock->file, LOCK_EX | LOCK_NB) == 0)
                return true;

        r = errno;
        (void)kernel_block_signals(SIG_SETMASK, &lock->signals, NULL);
        errno = r;
        return false;
}

/*
 * Without the lock goes who can't have it: where the directory may not be read, where the file
 * system has no locks, or where others (flock(1) against systemd-tmpfiles, say) don't let go of it.
 * Whoever may read the directory can do that, so that it must not matter much: remove_dead().
 */
static struct lock lock_directory(const char *path)
{
        char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
        size_t length = strlen(path);
        struct lock lock;

        while (length > 1 && path[length - 1] != '/')
                length--;
        memcpy(directory, path, length);
        directory[length] = 0;
        lock.file = kernel_openat(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (lock.file < 0)
                return lock;

        for (int i = 0; i < LOCK_PATIENCE; i++) {
                if (try_lock(&lock))
                        return lock;
                if (errno != EWOULDBLOCK && errno != EINTR)
                        break;
                kernel_sleep_millisecond();
        }

        kernel_close(lock.file);
        lock.file = -1;
        return lock;
}

static void unlock_directory(struct lock *lock)
{
        if (lock->file < 0)
                return;

        /* A child that was forked meanwhile has the same lock, which its copy must not keep. */
        (void)kernel_flock(lock->file, LOCK_UN);
        kernel_close(lock->file);
        (void)kernel_block_signals(SIG_SETMASK, &lock->signals, NULL);
}

/* Returns what connect(2) with a datagram socket says, as an errno. */
static int ask(const struct target *target)
{
        int fd, r;

        fd = kernel_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return errno;
        r = kernel_connect(fd, &target->address, target->length) < 0 ? errno : 0;
        kernel_close(fd);
        return r;
}

/*
 * The same where the owner himself may not write to the file: because of mode=, or because the one
 * who made it was killed before he could give it its mode.
 */
static int ask_as_owner(const struct target *target, const struct stat *st)
{
        int file, r = EACCES;

        if (st->st_uid != kernel_geteuid() || st->st_mode & S_IWUSR)
                return EACCES;
        file = kernel_openat(AT_FDCWD, target->address.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (file < 0)
                return EACCES;

        if (socket_rights_set_mode(file, target, (st->st_mode & 07777) | S_IWUSR) == 0) {
                r = ask(target);
                if (r != ECONNREFUSED)
                        (void)socket_rights_set_mode(file, target, st->st_mode & 07777);
        }
        kernel_close(file);
        return r;
}

enum state { STATE_MISSING, STATE_DEAD, STATE_CONNECTED, STATE_IN_USE };

/*
 * file: the inode that it must have, or 0.
 * lock: of the directory, or NULL. Without it the file's mode is not touched, which another process
 * may be about to set.
 * ret: the file, unless it is missing.
 */
static enum state find_state(const struct target *target, ino_t file, const struct lock *lock,
                             struct stat *ret)
{
        int r;

        if (kernel_lstat(target->address.sun_path, ret) < 0)
                return errno == ENOENT ? STATE_MISSING : STATE_IN_USE;
        if (!S_ISSOCK(ret->st_mode) || (file != 0 && ret->st_ino != file))
                return STATE_IN_USE;

        r = ask(target);
        if (r == EACCES && lock && lock->file >= 0)
                r = ask_as_owner(target, ret);
        switch (r) {
        case ECONNREFUSED:
                return STATE_DEAD;
        case ENOENT:
                return STATE_MISSING;
        case EPERM:
                return STATE_CONNECTED;
        default:
                /* Somebody is there, or we are not to know. */
                return STATE_IN_USE;
        }
}

static bool is_same_file(const struct stat *a, const struct stat *b)
{
        /* The number alone may have been used again. */
        return a->st_ino == b->st_ino && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
               a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/*
 * Without a lock somebody else may have put his own socket there meanwhile. So the file is taken
 * aside, where it can be looked at, and put back when it is another.
 */
static int remove_unlocked(const char *path, const struct stat *dead)
{
        char aside[sizeof(((struct sockaddr_un *)0)->sun_path) + 32];
        struct text text;
        struct stat st;

        text_init(&text, aside, sizeof(aside));
        text_add_string(&text, path);
        text_add_char(&text, '.');
        text_add_unsigned(&text, (unsigned long long)kernel_gettid());
        (void)text_finish(&text);

        if (kernel_rename_new(path, aside) < 0) {
                /* A file system that can't. */
                if (errno == EINVAL || errno == ENOSYS)
                        return kernel_unlink(path) < 0 ? -errno : 0;
                return -errno;
        }
        if (kernel_lstat(aside, &st) == 0 && !is_same_file(&st, dead))
                return kernel_rename_new(aside, path) < 0 ? -errno : -EADDRINUSE;

        return kernel_unlink(aside) < 0 ? -errno : 0;
}

/* Remove a file that find_state() has found dead. Errors: as unlink(2); -EADDRINUSE: another's. */
static int remove_dead(const struct target *target, const struct stat *dead,
                       const struct lock *lock)
{
        const char *path = target->address.sun_path;

        if (lock->file < 0)
                return remove_unlocked(path, dead);

        return kernel_unlink(path) < 0 ? -errno : 0;
}

/*
 * A server that is not ours takes no lock: a socket of its that is being bound is not mistaken for
 * a dead one twice.
 */
static enum state find_dead(const struct target *target, const struct lock *lock, struct stat *ret)
{
        struct stat first;
        enum state state = find_state(target, 0, lock, &first);

        *ret = first;
        if (state != STATE_DEAD)
                return state;

        for (int i = 0; i < DEAD_FOR; i++)
                kernel_sleep_millisecond();
        state = find_state(target, 0, lock, ret);
        return state == STATE_DEAD && !is_same_file(ret, &first) ? STATE_IN_USE : state;
}

/* What was in the way of a bind. */
struct obstacle {
        struct stat file; /* st_mode is 0 when it is not known */
        int error;        /* a dead socket could not be removed: a negative errno */
};

/*
 * Not while the directory is locked: who reads standard error may take his time. Returns false for
 * a living socket, of which there is nothing to be told here.
 */
static bool tell_obstacle(const struct target *target, const struct obstacle *obstacle)
{
        const char *path = target->address.sun_path;
        const mode_t mode = obstacle->file.st_mode;

        if (obstacle->error < 0)
                log_message(LOG_ERR, path, ": cannot remove the socket that nobody listens on: ",
                            LOG_ERRNO(-obstacle->error));
        else if (mode != 0 && !S_ISSOCK(mode))
                log_message(LOG_WARNING, path,
                            ": something that is no socket is there, and is left");
        else if (mode != 0 && ask(target) == EACCES)
                log_message(LOG_WARNING, path,
                            ": there is a socket of somebody else's, who may listen there");
        else
                return false;

        return true;
}

/* Returns what bind(2) says in the end. */
static int replace_dead(int fd, const struct target *target, const struct socket_rights *rights,
                        bool replaces_connected, const struct lock *lock, struct obstacle *ret)
{
        struct stat st = {0};
        int r = -EADDRINUSE;

        /* Who binds for the first time needs no lock, and may be faster than we. */
        for (int i = 0; r == -EADDRINUSE && i < 10; i++) {
                enum state state = find_dead(target, lock, &st);

                if (state == STATE_CONNECTED)
                        state = replaces_connected ? STATE_DEAD : STATE_IN_USE;
                switch (state) {
                case STATE_CONNECTED:
                case STATE_IN_USE:
                        ret->file = st;
                        return -EADDRINUSE;
                case STATE_DEAD:
                        r = remove_dead(target, &st, lock);
                        if (r < 0 && r != -ENOENT && r != -EADDRINUSE) {
                                ret->error = r;
                                return -EACCES;
                        }
                        break;
                case STATE_MISSING:
                        break;
                }
                r = socket_rights_bind(fd, target, rights);
        }

        return r;
}

/* What bind(2) on an IP socket says instead. */
static int translate(int r)
{
        switch (r) {
        case -EADDRINUSE:
        case -EACCES:
                return r;
        case -EPERM:
        case -EROFS:
                return -EACCES;
        case -ENOENT:
        case -ENOTDIR:
        case -ELOOP:
                return -EADDRNOTAVAIL;
        default:
                return -ENOBUFS;
        }
}

static ino_t inode_of(const struct target *target)
{
        struct stat st;

        return kernel_lstat(target->address.sun_path, &st) < 0 ? 0 : st.st_ino;
}

static int bind_locked(int fd, const struct target *target, const struct socket_rights *rights,
                       bool replaces_connected, struct obstacle *ret)
{
        struct lock lock;
        int r;

        /*
         * The file is there before connect(2) finds the socket behind it: who asked in between
         * would take it for dead, and replace it.
         */
        lock = lock_directory(target->address.sun_path);
        r = socket_rights_bind(fd, target, rights);
        if (r == -EADDRINUSE)
                r = replace_dead(fd, target, rights, replaces_connected, &lock, ret);
        unlock_directory(&lock);
        return r;
}

int socket_file_bind(int fd, const struct target *target, const struct rule *rule,
                     bool replaces_connected, ino_t *ret_file)
{
        struct obstacle obstacle = {0};
        struct socket_rights rights;
        int r;

        r = socket_rights_of_rule(rule, &rights);
        if (r < 0)
                return r;

        r = bind_locked(fd, target, &rights, replaces_connected, &obstacle);
        /*
         * A server may leave its socket to a child, which connects it to the client, and bind the
         * next one at once (socat): the child is about to be out of the way.
         */
        for (int i = 0; r == -EADDRINUSE && replaces_connected && i < CONNECTED_WITHIN; i++) {
                if (target_type(target) != SOCK_DGRAM)
                        break;
                kernel_sleep_millisecond();
                r = bind_locked(fd, target, &rights, replaces_connected, &obstacle);
        }
        if (r < 0) {
                const bool is_told = tell_obstacle(target, &obstacle);

                if (r == -EADDRINUSE && is_told)
                        return -EEXIST;
                if (r != -EADDRINUSE)
                        log_message(LOG_ERR, target->address.sun_path,
                                    rights.by_default
                                            ? ": cannot make the socket: "
                                            : ": cannot make the socket with its owner and mode: ",
                                    LOG_ERRNO(-r));
                return translate(r);
        }

        *ret_file = inode_of(target);
        return 0;
}

/* Without the right to write to the file, only who has the lock can tell. */
static bool may_be_dead(const struct target *target, ino_t file)
{
        struct stat st;

        return find_state(target, file, NULL, &st) == STATE_DEAD ||
               (kernel_lstat(target->address.sun_path, &st) == 0 && !(st.st_mode & S_IWUSR) &&
                st.st_uid == kernel_geteuid());
}

void socket_file_remove(const struct target *target, ino_t file)
{
        const int saved = errno;
        struct stat st;
        struct lock lock;

        /* Most often somebody else has the socket yet, and there is nothing to lock. */
        if (may_be_dead(target, file)) {
                lock = lock_directory(target->address.sun_path);
                if (find_state(target, file, &lock, &st) == STATE_DEAD)
                        (void)remove_dead(target, &st, &lock);
                unlock_directory(&lock);
        }
        errno = saved;
}

int socket_file_bind_new(int fd, const struct target *target, mode_t mode, ino_t *ret_file)
{
        const struct socket_rights rights = {.mode = mode, .user = (uid_t)-1, .group = (gid_t)-1};
        struct stat st;
        const int r = socket_rights_bind(fd, target, &rights);

        if (r < 0)
                return r;
        *ret_file = kernel_lstat(target->address.sun_path, &st) == 0 ? st.st_ino : 0;
        return 0;
}
