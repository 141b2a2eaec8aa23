/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Searches the list of Unix sockets. See unix-list.h. */

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>

#include "preload/kernel.h"
#include "preload/unix-list.h"
#include "preload/words.h"

/* Threads may have small stacks. The kernel sends no more at a time than there is room for. */
#define ROOM 4096

/* A dump of sock_diag(7): the file of each socket. */

static int ask(int fd)
{
        struct {
                struct nlmsghdr header;
                struct unix_diag_req what;
        } request = {
                .header = {.nlmsg_len = sizeof(request),
                           .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                           .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                .what = {.sdiag_family = AF_UNIX,
                         .udiag_states = UINT32_MAX,
                         .udiag_show = UDIAG_SHOW_VFS},
        };

        return kernel_send(fd, &request, sizeof(request), 0) == sizeof(request) ? 0 : -errno;
}

/* The kernel's own form of a device number, which is not that of stat(2). */
static uint32_t device_of(const struct stat *file)
{
        return (uint32_t)(major(file->st_dev) << 20 | minor(file->st_dev));
}

static bool is_of_file(const struct nlmsghdr *message, const struct stat *file)
{
        const struct unix_diag_msg *socket = NLMSG_DATA(message);
        size_t length = NLMSG_PAYLOAD(message, sizeof(*socket));

        for (const struct rtattr *at = (const struct rtattr *)(socket + 1); RTA_OK(at, length);
             at = RTA_NEXT(at, length)) {
                struct unix_diag_vfs vfs;

                if (at->rta_type != UNIX_DIAG_VFS || RTA_PAYLOAD(at) < sizeof(vfs))
                        continue;
                memcpy(&vfs, RTA_DATA(at), sizeof(vfs));
                return vfs.udiag_vfs_ino == (uint32_t)file->st_ino &&
                       vfs.udiag_vfs_dev == device_of(file);
        }

        return false;
}

/* -EAGAIN: the list goes on. */
static int search_messages(const char *buf, size_t size, const struct stat *file)
{
        const struct nlmsghdr *message = (const struct nlmsghdr *)buf;

        for (; NLMSG_OK(message, size); message = NLMSG_NEXT(message, size)) {
                if (message->nlmsg_type == NLMSG_DONE)
                        return 0;
                if (message->nlmsg_type == NLMSG_ERROR)
                        return -ENOENT;
                if (is_of_file(message, file))
                        return 1;
        }

        return -EAGAIN;
}

static int search_dump(const struct stat *file)
{
        char buf[ROOM] __attribute__((aligned(8)));
        const int fd = kernel_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
        int r;

        if (fd < 0)
                return -errno;

        r = ask(fd);
        if (r == 0)
                r = -EAGAIN;
        while (r == -EAGAIN) {
                const ssize_t n = kernel_receive(fd, buf, sizeof(buf), 0);

                if (n <= 0 && !(n < 0 && errno == EINTR))
                        r = n < 0 ? -errno : -ENOENT;
                else if (n > 0)
                        r = search_messages(buf, (size_t)n, file);
        }
        kernel_close(fd);
        return r;
}

/*
 * The same as a text, for programs that may have no netlink sockets (RestrictAddressFamilies= of
 * systemd.exec(5)) and machines without unix_diag. Anybody can make lines in it: names may have
 * line breaks.
 */

/* The path in a line of /proc/net/unix: all that comes behind its seven other fields. */
static const char *path_in(const char *line)
{
        for (int i = 0; i < 7; i++) {
                while (*line == ' ')
                        line++;
                line += word_length(line, ' ');
        }

        return *line == ' ' ? line + 1 : line;
}

/*
 * It has the path that the server has bound, which may be another one to the same file: /var/run is
 * a link to /run.
 */
static bool names_file(const char *line, const char *path, const struct stat *file)
{
        const char *bound = path_in(line), *last = word_last(bound, '/');
        struct stat st;

        if (word_equals(bound, path))
                return true;
        return last && word_equals(last, word_last(path, '/')) && kernel_lstat(bound, &st) == 0 &&
               st.st_ino == file->st_ino && st.st_dev == file->st_dev;
}

/*
 * The kernel lists the sockets of our network namespace. 1: that of the path is there, 0: it is
 * not.
 */
static int search_list(int list, const char *path, const struct stat *file)
{
        char buf[ROOM];
        size_t filled = 0;
        ssize_t n;

        while ((n = kernel_read(list, buf + filled, sizeof(buf) - filled)) > 0) {
                size_t begin = 0;

                filled += (size_t)n;
                for (size_t i = 0; i < filled; i++) {
                        if (buf[i] != '\n')
                                continue;
                        buf[i] = 0;
                        if (names_file(buf + begin, path, file))
                                return 1;
                        begin = i + 1;
                }
                filled -= begin;
                memmove(buf, buf + begin, filled);
                if (filled == sizeof(buf))
                        filled = 0;
        }

        return n < 0 ? -errno : 0;
}

static int search_text(const char *path, const struct stat *file)
{
        const int list = kernel_openat(AT_FDCWD, "/proc/self/net/unix", O_RDONLY | O_CLOEXEC);
        int r;

        if (list < 0)
                return -errno;

        r = search_list(list, path, file);
        kernel_close(list);
        return r;
}

int unix_list_has(const char *path, const struct stat *file)
{
        const int r = search_dump(file);

        return r < 0 ? search_text(path, file) : r;
}
