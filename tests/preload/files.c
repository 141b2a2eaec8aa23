/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Looks at socket files. See files.h. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define TEXTS 8

const char *path_of(const char *name)
{
        static __thread char texts[TEXTS][256];
        static __thread unsigned turn;
        char *text = texts[turn++ % TEXTS];

        need(getenv("TEST_DIR") != NULL, "TEST_DIR");
        snprintf(text, sizeof(texts[0]), "%s/%s", getenv("TEST_DIR"), name);
        return text;
}

const char *kind_of(const char *path)
{
        static const struct {
                mode_t type;
                const char *name;
        } kinds[] = {{S_IFSOCK, "socket"}, {S_IFREG, "file"}, {S_IFDIR, "directory"},
                     {S_IFLNK, "link"},    {S_IFIFO, "pipe"}, {S_IFCHR, "device"}};
        struct stat st;

        if (lstat(path, &st) < 0)
                return errno == ENOENT ? "none" : strerrorname_np(errno);

        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
                if ((st.st_mode & S_IFMT) == kinds[i].type)
                        return kinds[i].name;
        return "?";
}

ino_t inode_of(const char *path)
{
        struct stat st;

        return lstat(path, &st) < 0 ? 0 : st.st_ino;
}

static struct sockaddr_un address_of_file(const char *path)
{
        struct sockaddr_un un = {.sun_family = AF_UNIX};

        need(strlen(path) < sizeof(un.sun_path), path);
        strcpy(un.sun_path, path);
        return un;
}

int unix_at(const char *path, int type, int backlog)
{
        const struct sockaddr_un un = address_of_file(path);
        const int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

        need(fd >= 0 && bind(fd, (const struct sockaddr *)&un, sizeof(un)) == 0, path);
        need(backlog < 0 || listen(fd, backlog) == 0, path);
        return fd;
}

void leave_dead(const char *path)
{
        close(unix_at(path, SOCK_STREAM, 1));
}

static int connect_file(const char *path)
{
        const struct sockaddr_un un = address_of_file(path);
        const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        need(fd >= 0, "socket");
        if (connect(fd, (const struct sockaddr *)&un, sizeof(un)) == 0)
                return fd;

        close(fd);
        return -1;
}

int try_file(const char *path)
{
        const int fd = connect_file(path);

        if (fd < 0)
                return errno;

        close(fd);
        return 0;
}

bool file_serves(const char *path, int listener)
{
        const int theirs = connect_file(path);
        char byte = 0;
        bool good = false;

        if (theirs < 0)
                return false;
        if (readable(listener, PATIENCE)) {
                const int ours = accept(listener, NULL, NULL);

                good = ours >= 0 && send(theirs, "a", 1, MSG_NOSIGNAL) == 1 &&
                       recv(ours, &byte, 1, 0) == 1 && send(ours, "b", 1, MSG_NOSIGNAL) == 1 &&
                       recv(theirs, &byte, 1, 0) == 1 && byte == 'b';
                close(ours);
        }
        close(theirs);
        return good;
}

int count_files(void)
{
        DIR *directory = opendir(path_of("."));
        int n = 0;

        need(directory != NULL, path_of("."));
        for (struct dirent *entry; (entry = readdir(directory));)
                n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
        closedir(directory);
        return n;
}

/* A socket that can be told from others: an option, a flag, an epoll that watches it. */
static int marked_socket(int epfd, const char *address)
{
        const int fd = socket_for(address, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK);
        struct epoll_event event = {EPOLLIN, {.u64 = 5}};

        need(fd >= 0 && set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1) == 0, "socket");
        need(set_option(fd, SOL_SOCKET, SO_PRIORITY, 3) == 0, "SO_PRIORITY");
        need(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
        return fd;
}

static ino_t inode_of_socket(int fd)
{
        struct stat st;

        need(fstat(fd, &st) == 0, "fstat");
        return st.st_ino;
}

/* An IP socket still, which the kernel binds where it is asked to, and which is still watched. */
static void check_usable(int fd, int epfd, const char *what)
{
        struct epoll_event event = {0, {0}};
        const bool ipv6 = strncmp(local_name(fd), "[", 1) == 0;
        int theirs;

        same(bind_to(fd, ipv6 ? "[::1]:0" : "127.0.0.1:0"), 0,
             "%s: it can be bound to another port", what);
        same(listen(fd, 5), 0, "%s: and listens", what);
        theirs = socket_for(local_name(fd), SOCK_STREAM | SOCK_CLOEXEC);
        same(connect_to(theirs, local_name(fd)), 0, "%s: over TCP", what);
        same(epoll_wait(epfd, &event, 1, PATIENCE), 1, "%s: which epoll tells of", what);
        same((long long)event.data.u64, 5, "%s: with its data", what);
        close(theirs);
}

void check_refused_bind(const char *address, int number, const char *what)
{
        const int epfd = epoll_create1(EPOLL_CLOEXEC), fd = marked_socket(epfd, address);
        const ino_t before = inode_of_socket(fd);

        is(strerrorname_np(bind_to(fd, address)), strerrorname_np(number), "%s: errno", what);
        same((long long)inode_of_socket(fd), (long long)before,
             "%s: the program's socket is the same", what);
        ok(strstr(local_name(fd), "]:0") || strstr(local_name(fd), "0.0.0.0:0"), "%s: not bound",
           what);
        same(option(fd, SOL_SOCKET, SO_PRIORITY), 3, "%s: with its options", what);
        same(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK, "%s: flags", what);
        same(fcntl(fd, F_GETFD), FD_CLOEXEC, "%s: flags of the descriptor", what);
        check_usable(fd, epfd, what);
        close(fd);
        close(epfd);
}

int in_child(int (*function)(void))
{
        const pid_t pid = fork();

        need(pid >= 0, "fork");
        if (pid == 0)
                _exit(function());
        return reap(pid);
}
