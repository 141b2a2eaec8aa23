/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Where a socket file can't be made: bind(2) fails with what its manual lists, says why, and leaves
 * the program's socket as it was. The rule is in,port=80 with a path that the case is about; argv
 * is the case.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define ADDRESS "127.0.0.1:80"

static void check_message(int number)
{
        ok(strstr(messages(), strerrorname_np(number)) || strstr(messages(), strerror(number)),
           "the message says %s", strerrorname_np(number));
}

/* What worked after the obstacle was out of the way: a socket file that serves. */
static void check_works(const char *address, const char *path)
{
        const int fd = listen_at(address);

        ok(file_serves(path, fd), "without the obstacle it works");
        close(fd);
        is(kind_of(path), "none", "and is removed");
}

/* path=@DIR@/no/web */
static void check_missing(void)
{
        check_refused_bind(ADDRESS, EADDRNOTAVAIL, "a directory that is missing");
        ok(strstr(messages(), path_of("no/web")) != NULL, "the message says where");
        check_message(ENOENT);
        is(kind_of(path_of("no")), "none", "and is not made");
        close(open(path_of("no"), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        check_refused_bind(ADDRESS, EADDRNOTAVAIL, "a file for a directory");
        unlink(path_of("no"));
        need(symlink("nowhere", path_of("no")) == 0, "symlink");
        check_refused_bind(ADDRESS, EADDRNOTAVAIL, "a dangling link for a directory");
        unlink(path_of("no"));
        need(symlink("no", path_of("no")) == 0, "symlink");
        check_refused_bind(ADDRESS, EADDRNOTAVAIL, "a link to itself for a directory");
        unlink(path_of("no"));
        need(mkdir(path_of("there"), 0755) == 0 && symlink("there", path_of("no")) == 0, "symlink");
        check_works(ADDRESS, path_of("no/web"));
}

/* path=@DIR@/no/web, run as another user than root */
static void check_unwritable(void)
{
        static const mode_t modes[] = {0555, 0666, 0};

        for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
                char what[64];

                snprintf(what, sizeof(what), "a directory of mode %03o", modes[i]);
                need(mkdir(path_of("no"), 0700) == 0 && chmod(path_of("no"), modes[i]) == 0, what);
                check_refused_bind(ADDRESS, EACCES, what);
                check_message(EACCES);
                chmod(path_of("no"), 0700);
                check_works(ADDRESS, path_of("no/web"));
                rmdir(path_of("no"));
        }

        /* A dead socket that may not be removed stays. */
        need(mkdir(path_of("no"), 0700) == 0, "mkdir");
        leave_dead(path_of("no/web"));
        chmod(path_of("no"), 0555);
        check_refused_bind(ADDRESS, EACCES, "a dead socket in a directory of mode 555");
        chmod(path_of("no"), 0700);
        is(kind_of(path_of("no/web")), "socket", "it is there");
        check_works(ADDRESS, path_of("no/web"));
}

/* As another user than root, path=@DIR@/web with 80: user=0, 81: group=0, 82: user=65534, 83: mode
 */
static void check_owner(void)
{
        int fd;

        check_refused_bind("127.0.0.1:80", EACCES, "user= that may not be set");
        is(kind_of(path_of("web")), "none", "no file is left");
        check_message(EPERM);
        check_refused_bind("127.0.0.1:81", EACCES, "group= that may not be set");
        is(kind_of(path_of("web")), "none", "no file is left");
        leave_dead(path_of("web"));
        check_refused_bind("127.0.0.1:80", EACCES, "the same over a dead socket");
        check_works("127.0.0.1:82", path_of("web"));
        check_works("127.0.0.1:83", path_of("web"));

        /* It is open to others only when it is ready. */
        fd = listen_at("127.0.0.1:83");
        ok(file_serves(path_of("web"), fd), "mode=0600 lets its owner in");
        close(fd);
}

/* path=/web under a root that can't be written to */
static void check_read_only(void)
{
        check_refused_bind(ADDRESS, EACCES, "a file system that is read-only");
        check_message(EROFS);
}

/* path=@DIR@/xxx…%p: 107 bytes with a port of one digit, and no more than that fit */
static void check_long(void)
{
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        same(bind_to(fd, "127.0.0.1:9"), 0, "a path of 107 bytes");
        same(listen(fd, 1), 0, "listen");
        same(count_files(), 1, "is there");
        close(fd);
        same(count_files(), 0, "and is removed");
        check_refused_bind("127.0.0.1:10", ENAMETOOLONG, "a path of 108 bytes");
        check_refused_bind("127.0.0.1:11111", ENAMETOOLONG, "a path of 111 bytes");
        check_refused_bind("[::1]:11111", ENAMETOOLONG, "the same for IPv6");
        same(count_files(), 0, "nothing was made under a shorter name");
}

/* abstract=xxx…%p, the same */
static void check_long_abstract(void)
{
        int fd = socket(AF_INET, SOCK_STREAM, 0);

        same(bind_to(fd, "127.0.0.1:9"), 0, "a name of 107 bytes");
        ok(listen(fd, 1) == 0 && serves(0, fd), "serves");
        close(fd);
        check_refused_bind("127.0.0.1:10", ENAMETOOLONG, "a name of 108 bytes");
}

/* path=@DIR@/web in a file system with room for a few files */
static void check_full(void)
{
        char name[32];
        int n = 0, fd;

        for (;; n++) {
                snprintf(name, sizeof(name), "file-%d", n);
                fd = open(path_of(name), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                if (fd < 0)
                        break;
                close(fd);
        }
        same(errno, ENOSPC, "after %d files the file system is full", n);
        check_refused_bind(ADDRESS, ENOBUFS, "a full file system");
        check_message(ENOSPC);
        is(kind_of(path_of("web")), "none", "no file is left");
        unlink(path_of("file-0"));
        check_works(ADDRESS, path_of("web"));
        leave_dead(path_of("web"));
        check_works(ADDRESS, path_of("web"));
}

/*
 * path=@DIR@/web,mode=0600, with no descriptors to be had, then one, then two, until there are
 * enough. On the way nothing is left behind, be it made already or not.
 */
static void check_descriptors(void)
{
        enum { MOST = 10 };
        const int epfd = epoll_create1(EPOLL_CLOEXEC), fd = socket(AF_INET, SOCK_STREAM, 0);
        struct epoll_event event = {EPOLLIN, {.u64 = 9}};
        int fds[4096], n = 0, spare = 0, r, theirs;

        need(epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &event) == 0, "epoll_ctl");
        set_option(fd, SOL_SOCKET, SO_PRIORITY, 3);
        while (n < 4096 && (fds[n] = dup(STDERR_FILENO)) >= 0)
                n++;
        need(errno == EMFILE, "a limit of descriptors");
        for (; (r = bind_to(fd, ADDRESS)) != 0 && spare < MOST; spare++) {
                is(strerrorname_np(r), "ENOBUFS", "%d spare descriptors: errno", spare);
                is(kind_of(path_of("web")), "none", "%d spare descriptors: no file", spare);
                is(local_name(fd), "0.0.0.0:0", "%d spare descriptors: not bound", spare);
                same(option(fd, SOL_SOCKET, SO_PRIORITY), 3, "%d spare descriptors: options",
                     spare);
                close(fds[--n]);
        }
        same(r, 0, "with %d spare descriptors it works", spare);
        ok(spare > 0, "and not without any");
        is(kind_of(path_of("web")), "socket", "the file is there");
        while (n > 0)
                close(fds[--n]);
        same(listen(fd, 5), 0, "listen");
        theirs = client(0, fd);
        same(epoll_wait(epfd, &event, 1, PATIENCE), 1, "epoll tells of a client");
        close(theirs);
        close(fd);
        is(kind_of(path_of("web")), "none", "closed, and gone");

        /* The dead file of another is replaced with as few. */
        leave_dead(path_of("web"));
        check_works(ADDRESS, path_of("web"));
}

/*
 * abstract=@DIR@-%p, with no memory to be had: sooner or later the place for what is known about
 * the sockets runs out.
 */
static void check_memory(void)
{
        enum { MANY = 20000 };
        static int fds[MANY];
        const struct rlimit none = {0, RLIM_INFINITY}, any = {RLIM_INFINITY, RLIM_INFINITY};
        char address[32];
        int open = 0, n = 0, r = 0;

        while (open < MANY && (fds[open] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) >= 0)
                open++;
        /* One more is needed to make a socket. */
        for (int i = 0; i < 8; i++)
                close(fds[--open]);
        need(bind_to(fds[n++], "127.0.0.1:1000") == 0, "bind");
        need(setrlimit(RLIMIT_AS, &none) == 0, "setrlimit");
        for (; n < open; n++) {
                snprintf(address, sizeof(address), "127.0.0.1:%d", 1000 + n);
                r = bind_to(fds[n], address);
                if (r)
                        break;
        }
        need(setrlimit(RLIMIT_AS, &any) == 0, "setrlimit");
        if (n == open) {
                skip("memory", "descriptors run out before it does");
                return;
        }
        is(strerrorname_np(r), "ENOBUFS", "without memory, bind number %d", n);
        is(local_name(fds[n]), "0.0.0.0:0", "the socket is not bound");
        same(option(fds[n], SOL_SOCKET, SO_DOMAIN), AF_INET, "an IP socket");
        same(bind_to(fds[n], address), 0, "with memory it works");
        is(local_name(fds[n]), address, "name");
        is(local_name(fds[0]), "127.0.0.1:1000", "the first one's name");
        snprintf(address, sizeof(address), "127.0.0.1:%d", 1000 + n - 1);
        is(local_name(fds[n - 1]), address, "the last one's name before");
}

static const struct {
        const char *name;
        void (*check)(void);
} cases[] = {
        {"missing", check_missing},
        {"unwritable", check_unwritable},
        {"owner", check_owner},
        {"read-only", check_read_only},
        {"long", check_long},
        {"long-abstract", check_long_abstract},
        {"full", check_full},
        {"memory", check_memory},
        {"descriptors", check_descriptors},
};

int main(int argc, char **argv)
{
        need(argc == 2, "a case");
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
                if (strcmp(argv[1], cases[i].name) == 0)
                        cases[i].check();
        return tap_end();
}
