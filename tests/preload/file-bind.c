/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What stands in the way of a socket file: nothing that is not a dead socket is ever removed, and
 * whatever bind(2) fails with, the program's socket is as it was. The rule is
 * in,port=80,path=@DIR@/web; other ports are the kernel's.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define ADDRESS "127.0.0.1:80"

static const char *web;

static void check_refused(const char *what, int number)
{
        const ino_t file = inode_of(web);
        const char *kind = kind_of(web);
        const int files = count_files();

        check_refused_bind(ADDRESS, number, what);
        is(kind_of(web), kind, "%s: it is what it was", what);
        same((long long)inode_of(web), (long long)file, "%s: and the same one", what);
        same(count_files(), files, "%s: nothing else was left there", what);
}

/* The obstacle is gone, and the very same socket gets the path. */
static void check_second_try(void)
{
        const int epfd = epoll_create1(EPOLL_CLOEXEC), fd = socket(AF_INET, SOCK_STREAM, 0);
        struct epoll_event event = {EPOLLIN, {0}};
        int theirs;

        need(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
        close(open(web, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        same(bind_to(fd, ADDRESS), EADDRINUSE, "an obstacle");
        unlink(web);
        same(bind_to(fd, ADDRESS), 0, "bind again when it has been removed");
        is(local_name(fd), ADDRESS, "name");
        same(listen(fd, 5), 0, "listen");
        theirs = client(0, fd);
        same(epoll_wait(epfd, &event, 1, PATIENCE), 1, "epoll tells of a client");
        close(theirs);
        close(fd);
        close(epfd);
        is(kind_of(web), "none", "closed, and the file is gone");
}

static void check_files(void)
{
        int fd = open(web, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

        need(write(fd, "data", 4) == 4, "write");
        check_refused("a file", EADDRINUSE);
        close(fd);
        unlink(web);
        close(open(web, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        check_refused("an empty file", EADDRINUSE);
        unlink(web);
        need(mkdir(web, 0755) == 0, web);
        check_refused("a directory", EADDRINUSE);
        rmdir(web);
        need(mkfifo(web, 0644) == 0, web);
        check_refused("a pipe", EADDRINUSE);
        unlink(web);
}

static void check_links(void)
{
        int live;

        need(symlink("nowhere", web) == 0, web);
        check_refused("a dangling link", EADDRINUSE);
        is(kind_of(path_of("nowhere")), "none", "nothing was made where it leads");
        unlink(web);

        close(open(path_of("file"), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        need(symlink("file", web) == 0, web);
        check_refused("a link to a file", EADDRINUSE);
        is(kind_of(path_of("file")), "file", "the file is there");
        unlink(web);
        unlink(path_of("file"));

        live = unix_at(path_of("other"), SOCK_STREAM, 5);
        need(symlink("other", web) == 0, web);
        check_refused("a link to a live socket", EADDRINUSE);
        ok(file_serves(path_of("other"), live), "the socket serves");
        close(live);
        check_refused("a link to a dead socket", EADDRINUSE);
        is(kind_of(path_of("other")), "socket", "the dead socket is there");
        unlink(web);
        unlink(path_of("other"));
        need(symlink("web", web) == 0, web);
        check_refused("a link to itself", EADDRINUSE);
        unlink(web);
}

static void check_live(void)
{
        static const struct {
                int type, backlog;
                const char *name;
        } sockets[] = {{SOCK_STREAM, 5, "a listener"},
                       {SOCK_STREAM, 0, "a listener without a backlog"},
                       {SOCK_STREAM, -1, "a stream socket that is bound"},
                       {SOCK_SEQPACKET, 5, "a seqpacket listener"},
                       {SOCK_SEQPACKET, -1, "a seqpacket socket that is bound"}};

        for (size_t i = 0; i < sizeof(sockets) / sizeof(sockets[0]); i++) {
                const int fd = unix_at(web, sockets[i].type, sockets[i].backlog);

                check_refused(sockets[i].name, EADDRINUSE);
                if (sockets[i].backlog > 0) {
                        struct sockaddr_un un;
                        socklen_t length = sizeof(un);

                        fcntl(fd, F_SETFL, O_NONBLOCK);
                        same(accept(fd, (struct sockaddr *)&un, &length), -1,
                             "%s: nobody has connected to it", sockets[i].name);
                }
                close(fd);
                unlink(web);
        }
}

/* A server of both kinds, with a rule that does not tell them apart. */
static void check_other_type(void)
{
        const int fd = unix_at(web, SOCK_DGRAM, -1);

        check_refused("a datagram socket", EADDRINUSE);
        ok(strstr(messages(), "ip2unix: port 80: ") != NULL &&
                   strstr(messages(), "/web is a datagram socket: a stream socket can't be there "
                                      "too (%t in the path makes two)\n") != NULL,
           "what is of the other type is worth a message");
        close(fd);
        unlink(web);
}

/* Every client that fits is in the queue, so that a probe can't get into it. */
static void check_full(void)
{
        const int fd = unix_at(web, SOCK_STREAM, 0);
        struct sockaddr_un un = {.sun_family = AF_UNIX};
        int clients[4], n = 0;

        strcpy(un.sun_path, web);
        for (; n < 4; n++) {
                clients[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
                if (connect(clients[n], (struct sockaddr *)&un, sizeof(un)) < 0)
                        break;
        }
        check_refused("a listener with a full queue", EADDRINUSE);
        for (; n >= 0; n--)
                close(clients[n]);
        close(fd);
        unlink(web);
}

static void check_replaced(const char *what, int type)
{
        int fd = unix_at(web, type, type == SOCK_DGRAM ? -1 : 5);

        close(fd);
        is(kind_of(web), "socket", "%s: there is one", what);
        fd = socket(AF_INET, SOCK_STREAM, 0);
        same(bind_to(fd, ADDRESS), 0, "%s: bind replaces it", what);
        same(listen(fd, 5), 0, "%s: listen", what);
        ok(file_serves(web, fd), "%s: it serves", what);
        same(count_files(), 1, "%s: nothing else is there", what);
        close(fd);
        is(kind_of(web), "none", "%s: closed, it is gone", what);
}

static int serve_until_killed(void)
{
        const int fd = listen_at(ADDRESS);

        raise(SIGKILL);
        return fd;
}

static void check_killed(void)
{
        int fd;

        same(in_child(serve_until_killed), 1000 + SIGKILL, "a server is killed");
        is(kind_of(web), "socket", "its file is left");
        same(try_file(web), ECONNREFUSED, "and dead");
        fd = listen_at(ADDRESS);
        ok(file_serves(web, fd), "the next one replaces it, and serves");
        close(fd);
}

int main(void)
{
        static char path[256];
        size_t printed;

        web = strcpy(path, path_of("web"));
        check_live();
        is(messages(), "", "that somebody listens is for the program to say");
        check_other_type();
        check_files();
        check_links();
        check_second_try();
        printed = strlen(messages());
        ok(strstr(messages(), "/web: something that is no socket is there") != NULL,
           "what is no socket is worth a message");
        check_full();
        check_replaced("a dead listener", SOCK_STREAM);
        check_replaced("a dead datagram socket", SOCK_DGRAM);
        check_replaced("a dead seqpacket listener", SOCK_SEQPACKET);
        check_killed();
        same((long long)strlen(messages()), (long long)printed, "nothing else is printed");
        return tap_end();
}
