/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Programs that close all that they have not opened themselves, as daemons do at start, find their
 * sockets nevertheless, and see none of those that wait. argv: how to close: "loop", "loop-high",
 * "closefrom", "range", "range-each", "cloexec", "dup2", or "nothing".
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define LAST 1100

static int kept[8], n_kept;

/* The kernel knows of descriptors that the program does not. */
static void find_kept(void)
{
        DIR *directory = opendir("/proc/self/fd");

        need(directory != NULL, "/proc/self/fd");
        for (struct dirent *entry; (entry = readdir(directory));) {
                const int fd = atoi(entry->d_name);

                if (fd > 2 && fd != dirfd(directory) && n_kept < 8)
                        kept[n_kept++] = fd;
        }
        closedir(directory);
}

static void check_hidden(int fd)
{
        struct epoll_event event = {EPOLLIN, {0}};
        struct sockaddr_storage storage;
        socklen_t length = sizeof(storage);
        const int epfd = epoll_create1(EPOLL_CLOEXEC);

        need(epfd > 0 && epfd != fd, "epoll_create1");
        same(fcntl(fd, F_GETFD), -1, "F_GETFD of a waiting descriptor");
        same(errno, EBADF, "says EBADF");
        same(fcntl(fd, F_DUPFD, 3), -1, "F_DUPFD of it");
        same(close(fd), 0, "close of it, which /proc/self/fd shows");
        same(dup(fd), -1, "dup of it");
        same(errno, EBADF, "says EBADF");
        same(dup2(fd, 100), -1, "dup2 of it");
        same(dup3(fd, 100, 0), -1, "dup3 of it");
        is(local_name(fd), "EBADF", "getsockname of it");
        is(peer_name(fd), "EBADF", "getpeername of it");
        same(accept(fd, (struct sockaddr *)&storage, &length), -1, "accept on it");
        same(errno, EBADF, "says EBADF");
        same(listen(fd, 1), -1, "listen on it");
        same(bind_to(fd, "127.0.0.1:80"), EBADF, "bind of it");
        same(connect_to(fd, "127.0.0.1:80"), EBADF, "connect of it");
        same(shutdown(fd, SHUT_RDWR), -1, "shutdown of it");
        same(option(fd, SOL_SOCKET, SO_TYPE), -EBADF, "getsockopt of it");
        same(set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1), EBADF, "setsockopt of it");
        same(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event), -1, "epoll_ctl with it");
        close(epfd);
}

static void close_all(const char *how)
{
        if (strcmp(how, "loop") == 0)
                for (int fd = 3; fd < LAST; fd++)
                        close(fd);
        else if (strcmp(how, "loop-high") == 0)
                for (int fd = LAST; fd > 2; fd--)
                        close(fd);
        else if (strcmp(how, "closefrom") == 0)
                closefrom(3);
        else if (strcmp(how, "range") == 0)
                same(close_range(3, ~0U, 0), 0, "close_range");
        else if (strcmp(how, "cloexec") == 0)
                same(close_range(3, ~0U, CLOSE_RANGE_CLOEXEC), 0, "close_range, close-on-exec");
        else if (strcmp(how, "range-each") == 0)
                for (int i = 0; i < n_kept; i++) {
                        const unsigned fd = (unsigned)kept[i];

                        same(close_range(fd, fd, 0), 0, "close_range of one that waits");
                        same(close_range(fd - 1, fd, 0), 0, "and of the one before it");
                        same(close_range(fd, fd + 1, 0), 0, "and of the one after it");
                }
        else if (strcmp(how, "dup2") == 0)
                for (int i = 0; i < n_kept; i++) {
                        same(dup2(STDERR_FILENO, kept[i]), kept[i], "dup2 onto one that waits");
                        is(local_name(kept[i]), "ENOTSOCK", "it is what was put there");
                        close(kept[i]);
                        is(local_name(kept[i]), "EBADF", "and closed");
                }
}

/* What was open before a close-all must be gone, or not. */
static void check_closed(const char *how, int file)
{
        const bool all = strcmp(how, "nothing") != 0 && strcmp(how, "cloexec") != 0 &&
                         strcmp(how, "range-each") != 0 && strcmp(how, "dup2") != 0;

        same(fcntl(file, F_GETFD),
             all                           ? -1
             : strcmp(how, "cloexec") == 0 ? FD_CLOEXEC
                                           : 0,
             "the program's own descriptor");
        if (!all)
                close(file);
}

int main(int argc, char **argv)
{
        int file, first, second;

        need(argc == 2, "how to close");
        find_kept();
        same(n_kept, 2, "two descriptors wait");
        for (int i = 0; i < n_kept; i++)
                check_hidden(kept[i]);

        file = fcntl(STDERR_FILENO, F_DUPFD, 3);
        same(file, 3, "the first descriptor of a program is 3");
        close_all(argv[1]);
        check_closed(argv[1], file);

        first = listen_at("0.0.0.0:80");
        second = listen_at("0.0.0.0:81");
        ok(serves(0, first), "the first socket is there");
        ok(serves(1, second), "the second socket is there");

        /* The same again, now that they are bound: what is closed is gone, and comes back. */
        if (strcmp(argv[1], "closefrom") != 0 && strcmp(argv[1], "range") != 0)
                return tap_end();
        close_all(argv[1]);
        is(local_name(first), "EBADF", "closed with the rest");
        first = listen_at("0.0.0.0:80");
        second = listen_at("0.0.0.0:81");
        ok(serves(0, first), "the first socket is there again");
        ok(serves(1, second), "the second socket is there again");
        return tap_end();
}
