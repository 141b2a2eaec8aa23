/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a client's own socket is called, where it can be answered: an abstract name that the kernel
 * chooses, or what a rule says; a file where the server is in another network namespace, from which
 * abstract names can't be reached. argv: the case, and perhaps what kind of file system DIR/open
 * is, "overlay".
 *
 *     chosen     udp,port=8080,path=DIR/open/udp-8080.sock
 *     rule       out,udp,port=8080,path=DIR/udp-8080.sock, and in,udp,path=DIR/%t-%p.own
 *     beside     out,udp,port=8080,path=DIR/open/udp-8080.sock
 *     runtime    out,udp,port=8080,path=DIR/closed/udp-8080.sock, as another user, and a runtime
 *                directory DIR/run
 *     nowhere    the same without
 */

#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/files.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define SERVER "127.0.0.1:8080"

/* Tell each client how it is called. */
static void __attribute__((noreturn)) serve(int fd)
{
        for (;;) {
                struct sockaddr_un un = {0};
                socklen_t length = sizeof(un);
                char text[sizeof(un.sun_path) + 1] = "";
                char byte;

                if (recvfrom(fd, &byte, 1, 0, (struct sockaddr *)&un, &length) < 0)
                        _exit(1);
                if (length <= offsetof(struct sockaddr_un, sun_path))
                        continue;
                memcpy(text, un.sun_path, length - offsetof(struct sockaddr_un, sun_path));
                if (!*text)
                        *text = '@';
                (void)!sendto(fd, text, strlen(text), 0, (struct sockaddr *)&un, length);
        }
}

/* elsewhere: in a network namespace of its own, as PrivateNetwork=yes makes it. 0: it can't be. */
static pid_t start_server(const char *path, bool elsewhere)
{
        const int fd_here = elsewhere ? -1 : serve_unix(path, SOCK_DGRAM, 0);
        int fds[2], fd;
        char byte;
        pid_t pid;

        need(pipe(fds) == 0, "pipe");
        pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0) {
                if (elsewhere && unshare(CLONE_NEWNET) < 0 &&
                    unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
                        _exit(1);
                fd = elsewhere ? serve_unix(path, SOCK_DGRAM, 0) : fd_here;
                (void)!write(fds[1], "r", 1);
                serve(fd);
        }
        close(fds[1]);
        if (read(fds[0], &byte, 1) != 1) {
                skip("a server elsewhere", "no network namespace can be made here");
                reap(pid);
                return 0;
        }
        close(fds[0]);
        if (!elsewhere)
                close(fd_here);
        return pid;
}

static void stop_server(pid_t pid)
{
        kill(pid, SIGKILL);
        reap(pid);
}

static const char *hello(int fd)
{
        const char *what = say(fd, SERVER, "x");

        return strcmp(what, "sent") == 0 ? hear(fd) : what;
}

static void check_chosen(void)
{
        const pid_t pid = start_server(path_of("open/udp-8080.sock"), false);
        const int before = count_files(), fd = udp_socket(SERVER), other = udp_to(SERVER);
        char name[128];

        strcpy(name, hello(fd));
        ok(*name == '@' && strlen(name) == 6, "an abstract name: %s", name);
        is(hello(fd), name, "it stays");
        ok(strcmp(hello(other), name) != 0, "another client has another");
        same(connect_to(fd, SERVER), 0, "connect");
        is(hello(fd), name, "connected, it stays");
        same(count_files(), before, "nothing is seen of it");
        close(fd);
        close(other);
        stop_server(pid);
}

/* Where a server was killed and another one comes. */
static void check_dead(void)
{
        const char *path = path_of("open/udp-8080.sock");
        const int fd = udp_socket(SERVER);
        struct sockaddr_un name;
        socklen_t length;
        pid_t pid;

        (void)unlink(path);
        leave_dead(path);
        is(say(fd, SERVER, "x"), "sent", "a datagram is sent to nobody");
        ok(udp_real_name(fd, &name, &length), "by a client with an abstract name");
        need(unlink(path) == 0, "unlink");
        pid = start_server(path, false);
        ok(*hello(fd) == '@', "which a server answers that comes later");
        close(fd);
        stop_server(pid);
}

static void check_rule(void)
{
        const pid_t pid = start_server(udp_file(SERVER), false);
        const int before = count_files(), fd = udp_socket(SERVER), other = udp_to(SERVER);
        char name[128], wanted[64];

        strcpy(name, hello(fd));
        snprintf(wanted, sizeof(wanted), "udp-%d.own", port_in(local_name(fd)));
        is(name, path_of(wanted), "what the rule says, with its port");
        is(kind_of(name), "socket", "a file");
        is(hello(fd), name, "it stays");
        strcpy(name, hello(other));
        snprintf(wanted, sizeof(wanted), "udp-%d.own", port_in(local_name(other)));
        is(name, path_of(wanted), "another client has another");
        same(count_files(), before + 2, "two files");
        close(fd);
        same(count_files(), before + 1, "closed, it is gone");
        close(other);
        same(count_files(), before, "and the other");
        stop_server(pid);
}

/* The file is hidden, and the server's alone to send to, who may be another user. */
static void check_file(const char *server, const char *directory)
{
        const char *path = path_of(server);
        const pid_t pid = start_server(path, true);
        char name[128], parent[128];
        int fd, other;

        if (pid == 0)
                return;
        if (strcmp(directory, "run") == 0)
                need(chmod(path_of("closed"), 0555) == 0, "chmod");
        fd = udp_socket(SERVER);
        other = udp_to(SERVER);
        strcpy(name, hello(fd));
        snprintf(parent, sizeof(parent), "%s/.", path_of(directory));
        ok(strncmp(name, parent, strlen(parent)) == 0, "a hidden file in %s: %s", directory, name);
        is(kind_of(name), "socket", "is there");
        is(hello(fd), name, "it stays");
        ok(strcmp(hello(other), name) != 0, "another client has another");
        close(fd);
        is(kind_of(name), "none", "closed, it is gone");
        strcpy(name, hello(other));
        close(other);
        is(kind_of(name), "none", "and the other");
        stop_server(pid);
}

/* Nowhere to put a file: what is sent arrives still, and a server here can answer. */
static void check_nowhere(void)
{
        const char *path = path_of("closed/udp-8080.sock");
        const pid_t pid = start_server(path, true);
        const char *said;
        int fd;

        if (pid == 0)
                return;
        need(chmod(path_of("closed"), 0555) == 0, "chmod");
        for (int i = 0; i < 2; i++) {
                fd = udp_socket(SERVER);
                is(say(fd, SERVER, "x"), "sent", "a datagram is sent");
                is(hear_soon(fd), "nothing", "no answer can come");
                same(option(fd, SOL_SOCKET, SO_ERROR), 0, "and no error");
                close(fd);
        }
        said = strstr(messages(), "will not arrive");
        ok(said != NULL, "a message says so");
        ok(said && !strchr(said, '\n')[1], "once");
        stop_server(pid);
}

/*
 * Of two file systems, so that stat(2) tells of a file there another device than the kernel has.
 * Returns false where that can't be.
 */
static bool mount_overlay(void)
{
        char options[512];

        snprintf(options, sizeof(options), "xino=off,lowerdir=%s,upperdir=%s/upper,workdir=%s/work",
                 path_of("lower"), path_of("layers"), path_of("layers"));
        need(mkdir(path_of("lower"), 0755) == 0 && mkdir(path_of("layers"), 0755) == 0,
             "directories");
        return (unshare(CLONE_NEWNS) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0) &&
               mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount("tmpfs", path_of("lower"), "tmpfs", 0, NULL) == 0 &&
               mount("tmpfs", path_of("layers"), "tmpfs", 0, NULL) == 0 &&
               mkdir(path_of("layers/upper"), 0755) == 0 &&
               mkdir(path_of("layers/work"), 0755) == 0 &&
               mount("overlay", path_of("open"), "overlay", 0, options) == 0;
}

int main(int argc, char **argv)
{
        need(argc == 2 || argc == 3, "a case");
        need(mkdir(path_of("open"), 0755) == 0 && mkdir(path_of("closed"), 0755) == 0 &&
                     mkdir(path_of("run"), 0700) == 0,
             "directories");
        if (argc == 3 && !mount_overlay()) {
                skip("all", "no overlay can be mounted here");
                return tap_end();
        }
        if (strcmp(argv[1], "chosen") == 0) {
                check_chosen();
                check_dead();
        } else if (strcmp(argv[1], "rule") == 0)
                check_rule();
        else if (strcmp(argv[1], "beside") == 0)
                check_file("open/udp-8080.sock", "open");
        else if (strcmp(argv[1], "runtime") == 0)
                check_file("closed/udp-8080.sock", "run");
        else
                check_nowhere();
        if (strcmp(argv[1], "nowhere") != 0)
                is(messages(), "", "nothing is printed");
        return tap_end();
}
