/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Makes, replaces and removes socket files. See socket-file.h. */

#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/next.h"
#include "preload/owner.h"
#include "preload/socket-file.h"
#include "preload/words.h"
#include "rules/text.h"

/* How long somebody else's lock on the directory is waited for, in milliseconds. */
#define LOCK_PATIENCE 200

/* How long a socket has to be dead before it is replaced, in milliseconds. */
#define DEAD_FOR 3

/* What sockets have that nobody has changed, before the umask. */
#define SOCKET_MODE 0777

/* What a new file is to have. */
struct rights {
        bool by_default; /* nothing was asked for */
        bool replaces_connected;
        mode_t mode;
        uid_t user;
        gid_t group;
};

/* umask(2) can only be read by changing it, for all threads: the kernel also tells it here. */
static mode_t read_umask(void)
{
        static const char key[] = "Umask:\t";
        char buf[512];
        const char *line = buf;
        mode_t mask = 0;
        ssize_t n;
        int file;

        file = kernel_openat(AT_FDCWD, "/proc/self/status", O_RDONLY | O_CLOEXEC);
        n = file < 0 ? -1 : kernel_read(file, buf, sizeof(buf) - 1);
        if (file >= 0)
                kernel_close(file);
        buf[n < 0 ? 0 : n] = 0;

        while (*line && !word_begins(line, key)) {
                line += word_length(line, '\n');
                line += *line == '\n';
        }
        if (!*line)
                return 077;
        for (line += sizeof(key) - 1; *line >= '0' && *line <= '7'; line++)
                mask = mask * 8 + (mode_t)(*line - '0');
        return mask & 0777;
}

static int find_owner(const struct rule *rule, struct rights *rights)
{
        int r = 0;

        if (rule->user)
                r = owner_find_user(rule->user, &rights->user);
        if (r < 0) {
                log_message(LOG_ERR, rule->target, ": user '", rule->user,
                            "' is not in /etc/passwd: ", LOG_ERRNO(-r));
                return -EACCES;
        }

        if (rule->group)
                r = owner_find_group(rule->group, &rights->group);
        if (r < 0) {
                log_message(LOG_ERR, rule->target, ": group '", rule->group,
                            "' is not in /etc/group: ", LOG_ERRNO(-r));
                return -EACCES;
        }

        return 0;
}

static int find_rights(const struct rule *rule, struct rights *ret)
{
        *ret = (struct rights){
                .by_default = rule->mode == RULE_MODE_UNSET && !rule->user && !rule->group,
                .user = (uid_t)-1,
                .group = (gid_t)-1,
        };
        if (ret->by_default)
                return 0;

        ret->mode = rule->mode != RULE_MODE_UNSET ? rule->mode : SOCKET_MODE & ~read_umask();
        return find_owner(rule, ret);
}

/*
 * chmod(2) of a file that is open with O_PATH, which fchmod(2) refuses. fchmodat2(2) is the way
 * where there is no /proc, but not the first: the filters of services
 * (SystemCallFilter=@system-service of systemd 252) don't know of it, and kill whoever calls what
 * they don't know.
 */
static int change_mode(int file, mode_t mode)
{
        static const char directory[] = "/proc/self/fd/";
        char path[sizeof(directory) + 10];
        struct text text;

        text_init(&text, path, sizeof(path));
        text_add_string(&text, directory);
        text_add_unsigned(&text, (unsigned)file);
        (void)text_finish(&text);
        if (kernel_chmod(path, mode) == 0)
                return 0;

        return errno == ENOENT ? kernel_fchmodat2(file, "", mode, AT_EMPTY_PATH) : -1;
}

/* Give the file that we have just bound its owner first, and then its mode. */
static int give_rights(const struct target *target, const struct rights *rights)
{
        struct stat st;
        int file, r = 0;

        file = kernel_openat(AT_FDCWD, target->address.sun_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (file < 0)
                return -errno;

        /* In a directory that others may write to it could be another file by now. */
        if (fstat(file, &st) < 0 || !S_ISSOCK(st.st_mode) || st.st_uid != kernel_geteuid())
                r = -EACCES;
        else if (rights->user != (uid_t)-1 || rights->group != (gid_t)-1)
                r = kernel_fchownat(file, "", rights->user, rights->group, AT_EMPTY_PATH) < 0
                            ? -errno
                            : 0;
        if (r == 0 && change_mode(file, rights->mode) < 0)
                r = -errno;

        kernel_close(file);
        return r;
}

/*
 * The file gets the mode of the socket's own inode (fchmod(2)), less the umask. With no rights at
 * all nobody can open it before it has its owner and its mode; an owner of the socket's inode would
 * be of no effect.
 */
static int bind_with_rights(int fd, const struct target *target, const struct rights *rights)
{
        int r;

        if (kernel_fchmod(fd, 0) < 0)
                return -errno;
        r = next.bind(fd, (const struct sockaddr *)&target->address, target->length) < 0 ? -errno
                                                                                         : 0;
        (void)kernel_fchmod(fd, SOCKET_MODE);
        if (r < 0)
                return r;

        r = give_rights(target, rights);
        if (r < 0)
                (void)kernel_unlink(target->address.sun_path);
        /* EINVAL: a user that the namespace does not have. EADDRINUSE would be tried once more. */
        return r == -EINVAL || r == -EADDRINUSE ? -EPERM : r;
}

static int try_bind(int fd, const struct target *target, const struct rights *rights)
{
        if (!rights->by_default)
                return bind_with_rights(fd, target, rights);

        return next.bind(fd, (const struct sockaddr *)&target->address, target->length) < 0 ? -errno
                                                                                            : 0;
}

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
        const uint64_t all = ~UINT64_C(0);
        int r;

        (void)kernel_block_signals(SIG_BLOCK, &all, &lock->signals);
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

        if (change_mode(file, (st->st_mode & 07777) | S_IWUSR) == 0) {
                r = ask(target);
                if (r != ECONNREFUSED)
                        (void)change_mode(file, st->st_mode & 07777);
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

/* Not while the directory is locked: who reads standard error may take his time. */
static void tell_obstacle(const struct target *target, const struct obstacle *obstacle)
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
}

/* Returns what bind(2) says in the end. */
static int replace_dead(int fd, const struct target *target, const struct rights *rights,
                        const struct lock *lock, struct obstacle *ret)
{
        struct stat st = {0};
        int r = -EADDRINUSE;

        /* Who binds for the first time needs no lock, and may be faster than we. */
        for (int i = 0; r == -EADDRINUSE && i < 10; i++) {
                enum state state = find_dead(target, lock, &st);

                if (state == STATE_CONNECTED)
                        state = rights->replaces_connected ? STATE_DEAD : STATE_IN_USE;
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
                r = try_bind(fd, target, rights);
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

int socket_file_bind(int fd, const struct target *target, const struct rule *rule,
                     bool replaces_connected, ino_t *ret_file)
{
        struct obstacle obstacle = {0};
        struct rights rights;
        struct lock lock;
        int r;

        r = find_rights(rule, &rights);
        if (r < 0)
                return r;

        rights.replaces_connected = replaces_connected;

        /*
         * The file is there before connect(2) finds the socket behind it: who asked in between
         * would take it for dead, and replace it.
         */
        lock = lock_directory(target->address.sun_path);
        r = try_bind(fd, target, &rights);
        if (r == -EADDRINUSE)
                r = replace_dead(fd, target, &rights, &lock, &obstacle);
        unlock_directory(&lock);
        tell_obstacle(target, &obstacle);
        if (r < 0) {
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
        const struct rights rights = {.mode = mode, .user = (uid_t)-1, .group = (gid_t)-1};
        struct stat st;
        const int r = bind_with_rights(fd, target, &rights);

        if (r < 0)
                return r;
        *ret_file = kernel_lstat(target->address.sun_path, &st) == 0 ? st.st_ino : 0;
        return 0;
}
