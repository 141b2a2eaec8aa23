/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Searches the list of Unix sockets. See unix-list.h. */

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "preload/kernel.h"
#include "preload/memory.h"
#include "preload/unix-list.h"
#include "preload/words.h"

/*
 * By sock_diag(7): a connected socket tells the inode of its peer, wherever that is, and of an
 * inode the kernel tells whether a socket of our network namespace has it. (The inode of the
 * socket, not of its file: that one, and its device, are not those of stat(2) on overlayfs and
 * btrfs.)
 */

/* Room for what is told of one socket, or an error with the request that it is about. */
#define ANSWER 256

static int ask(int diag, uint32_t inode, char buf[static ANSWER], size_t *ret_size)
{
        struct {
                struct nlmsghdr header;
                struct unix_diag_req what;
        } request = {
                .header = {.nlmsg_len = sizeof(request),
                           .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                           .nlmsg_flags = NLM_F_REQUEST},
                .what = {.sdiag_family = AF_UNIX,
                         .udiag_states = UINT32_MAX,
                         .udiag_ino = inode,
                         .udiag_show = UDIAG_SHOW_PEER,
                         .udiag_cookie = {UINT32_MAX, UINT32_MAX}},
        };
        ssize_t n;

        if (kernel_send(diag, &request, sizeof(request), 0) != sizeof(request))
                return -errno;
        do
                n = kernel_receive(diag, buf, ANSWER, MSG_TRUNC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;

        *ret_size = (size_t)n;
        return n <= ANSWER && NLMSG_OK((struct nlmsghdr *)buf, (size_t)n) ? 0 : -EBADMSG;
}

/* The negative errno that an answer tells, or 0. */
static int error_in(const struct nlmsghdr *message)
{
        const struct nlmsgerr *error = NLMSG_DATA(message);

        if (message->nlmsg_type == SOCK_DIAG_BY_FAMILY)
                return 0;
        return message->nlmsg_type == NLMSG_ERROR &&
                               message->nlmsg_len >= NLMSG_LENGTH(sizeof(error->error)) &&
                               error->error < 0
                       ? error->error
                       : -EBADMSG;
}

/* 0: it has none. */
static uint32_t peer_in(const struct nlmsghdr *message)
{
        const struct unix_diag_msg *socket = NLMSG_DATA(message);
        size_t length = NLMSG_PAYLOAD(message, sizeof(*socket));
        uint32_t inode = 0;

        for (const struct rtattr *at = (const struct rtattr *)(socket + 1); RTA_OK(at, length);
             at = RTA_NEXT(at, length))
                if (at->rta_type == UNIX_DIAG_PEER && RTA_PAYLOAD(at) >= sizeof(inode))
                        memcpy(&inode, RTA_DATA(at), sizeof(inode));

        return inode;
}

static int find_peer_by(int diag, uint32_t own)
{
        char buf[ANSWER] __attribute__((aligned(8)));
        const struct nlmsghdr *message = (const struct nlmsghdr *)buf;
        uint32_t peer;
        size_t size;
        int r;

        r = ask(diag, own, buf, &size);
        if (r == 0)
                r = error_in(message);
        if (r < 0)
                return r;

        peer = peer_in(message);
        if (peer == 0)
                return -ENOTCONN;
        r = ask(diag, peer, buf, &size);
        if (r == 0)
                r = error_in(message);
        return r == 0 ? 1 : r == -ENOENT ? 0 : r;
}

static int find_peer(int fd)
{
        struct stat own;
        int diag, r;

        if (fstat(fd, &own) < 0)
                return -errno;
        diag = kernel_socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
        if (diag < 0)
                return -errno;

        r = find_peer_by(diag, (uint32_t)own.st_ino);
        kernel_close(diag);
        return r;
}

/*
 * By the name that it is bound by, in a text: for programs that may have no netlink sockets
 * (RestrictAddressFamilies= of systemd.exec(5)) and machines without unix_diag. Anybody can make
 * lines in it: names may have line breaks.
 */

/* Not on the stack: signal handlers have little of it. */
#define ROOM 16384

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

static int search_list(int list, char *buf, const char *name)
{
        size_t filled = 0;
        ssize_t n;

        while ((n = kernel_read(list, buf + filled, ROOM - filled)) > 0) {
                size_t begin = 0;

                filled += (size_t)n;
                for (size_t i = 0; i < filled; i++) {
                        if (buf[i] != '\n')
                                continue;
                        buf[i] = 0;
                        if (word_equals(path_in(buf + begin), name))
                                return 1;
                        begin = i + 1;
                }
                filled -= begin;
                memmove(buf, buf + begin, filled);
                if (filled == ROOM)
                        filled = 0;
        }

        return n < 0 ? -errno : 0;
}

static int find_name(const char *name)
{
        const int list = kernel_openat(AT_FDCWD, "/proc/self/net/unix", O_RDONLY | O_CLOEXEC);
        char *buf;
        int r = -ENOMEM;

        if (list < 0)
                return -errno;

        buf = memory_map(ROOM);
        if (buf) {
                r = search_list(list, buf, name);
                (void)kernel_munmap(buf, ROOM);
        }
        kernel_close(list);
        return r;
}

static int find_connected(int fd, const struct target *target)
{
        struct target name;
        int r;

        if (kernel_connect(fd, &target->address, target->length) < 0)
                return -errno;
        r = find_peer(fd);
        if (r >= 0)
                return r;
        /* Names of the kernel's that fit have a NUL at their end. */
        return target_of_peer(fd, &name) ? find_name(name.address.sun_path) : r;
}

int unix_list_has(const struct target *target)
{
        const int fd = kernel_socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        int r;

        if (fd < 0)
                return -errno;

        r = find_connected(fd, target);
        kernel_close(fd);
        return r;
}
