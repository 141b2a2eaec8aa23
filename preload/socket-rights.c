/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Gives socket files their owner and their mode. See socket-rights.h. */

#include <string.h>
#include <sys/stat.h>

#include "preload/kernel.h"
#include "preload/log.h"
#include "preload/next.h"
#include "preload/owner.h"
#include "preload/socket-rights.h"
#include "preload/words.h"
#include "rules/text.h"

/* What sockets have that nobody has changed, before the umask. */
#define SOCKET_MODE 0777

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

static int find_owner(const struct rule *rule, struct socket_rights *rights)
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

int socket_rights_of_rule(const struct rule *rule, struct socket_rights *ret)
{
        *ret = (struct socket_rights){
                .by_default = rule->mode == RULE_MODE_UNSET && !rule->user && !rule->group,
                .user = (uid_t)-1,
                .group = (gid_t)-1,
        };
        if (ret->by_default)
                return 0;

        ret->mode = rule->mode != RULE_MODE_UNSET ? rule->mode : SOCKET_MODE & ~read_umask();
        return find_owner(rule, ret);
}

/* chmod(2) of a file that is open with O_PATH, which fchmod(2) refuses. */
static int change_mode_by_number(int file, mode_t mode)
{
        static const char directory[] = "/proc/self/fd/";
        char path[sizeof(directory) + 10];
        struct text text;

        text_init(&text, path, sizeof(path));
        text_add_string(&text, directory);
        text_add_unsigned(&text, (unsigned)file);
        (void)text_finish(&text);
        return kernel_fchmodat(AT_FDCWD, path, mode) < 0 ? -errno : 0;
}

/* Open the directory of a path. Returns a descriptor or a negative errno. */
static int open_directory(const char *path)
{
        char directory[sizeof(((struct sockaddr_un *)0)->sun_path)];
        const size_t length = (size_t)(word_last(path, '/') - path) + 1;
        int file;

        memcpy(directory, path, length);
        directory[length] = 0;
        file = kernel_openat(AT_FDCWD, directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return file < 0 ? -errno : file;
}

/* Can nobody but us and root put another file in the place of one of ours? */
static bool is_safe_directory(int directory)
{
        struct stat st;

        return fstat(directory, &st) == 0 && (st.st_uid == 0 || st.st_uid == kernel_geteuid()) &&
               (!(st.st_mode & (S_IWGRP | S_IWOTH)) || (st.st_mode & S_ISVTX));
}

/* chmod(2) by the name, where that is as good. -ENOTSUP: it is not. */
static int change_mode_by_name(const char *path, mode_t mode)
{
        int directory, r = -ENOTSUP;

        directory = open_directory(path);
        if (directory < 0)
                return directory;
        if (is_safe_directory(directory))
                r = kernel_fchmodat(directory, word_last(path, '/') + 1, mode) < 0 ? -errno : 0;

        kernel_close(directory);
        return r;
}

/*
 * There may be no /proc, in a chroot(2). fchmodat2(2) needs none, but is the last to be tried:
 * Linux has it since 6.6, and the filters of services (SystemCallFilter=@system-service of systemd
 * 252) kill whoever calls what they don't know.
 */
int socket_rights_set_mode(int file, const struct target *target, mode_t mode)
{
        const char *path = target->address.sun_path;
        int r = change_mode_by_number(file, mode);

        if (r == -ENOENT)
                r = change_mode_by_name(path, mode);
        if (r == -ENOTSUP)
                r = kernel_fchmodat2(file, "", mode, AT_EMPTY_PATH) < 0 ? -errno : 0;
        return r;
}

/* Give the file that we have just bound its owner first, and then its mode. */
static int give_rights(const struct target *target, const struct socket_rights *rights)
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
        if (r == 0)
                r = socket_rights_set_mode(file, target, rights->mode);

        kernel_close(file);
        return r;
}

/*
 * The file gets the mode of the socket's own inode (fchmod(2)), less the umask. With no rights at
 * all nobody can open it before it has its owner and its mode; an owner of the socket's inode would
 * be of no effect.
 */
static int bind_with_rights(int fd, const struct target *target, const struct socket_rights *rights)
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

int socket_rights_bind(int fd, const struct target *target, const struct socket_rights *rights)
{
        if (!rights->by_default)
                return bind_with_rights(fd, target, rights);

        return next.bind(fd, (const struct sockaddr *)&target->address, target->length) < 0 ? -errno
                                                                                            : 0;
}
