/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A server that makes its calls with syscall(2), as libuv does. argv: the address to serve at; run
 * with a second socket that waits and that nobody binds.
 */

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

static int raw_listen(const char *address)
{
        struct sockaddr_storage storage;
        const socklen_t length = address_of(address, &storage);
        const int fd = (int)syscall(SYS_socket, storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

        /* The kernel's own waits a minute before it gives the address again. */
        (void)set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        same(syscall(SYS_bind, fd, &storage, length), 0, "bind");
        same(syscall(SYS_listen, fd, 5), 0, "listen");
        return fd;
}

static const char *raw_name(long number, int fd)
{
        struct sockaddr_storage storage;
        socklen_t length = sizeof(storage);

        need(syscall(number, fd, &storage, &length) == 0, "getsockname or getpeername");
        return address_text((struct sockaddr *)&storage);
}

static void check_connection(int listener, const char *address)
{
        const int theirs = client(0, listener);
        struct sockaddr_storage peer;
        socklen_t length = sizeof(peer);
        int ours, copy, value = 1;
        char byte = 0;

        ours = (int)syscall(SYS_accept4, listener, &peer, &length, SOCK_CLOEXEC);
        need(ours >= 0, "accept4");
        ok(is_local_peer(address_text((struct sockaddr *)&peer), peer.ss_family),
           "the peer's address is one of IP");
        is(raw_name(SYS_getpeername, ours), address_text((struct sockaddr *)&peer), "getpeername");
        is(raw_name(SYS_getsockname, ours), address, "getsockname");
        same(syscall(SYS_setsockopt, ours, IPPROTO_TCP, TCP_NODELAY, &value, sizeof(value)), 0,
             "an option of TCP");

        copy = (int)syscall(SYS_dup3, ours, 50, O_CLOEXEC);
        same(copy, 50, "dup3");
        is(peer_name(copy), address_text((struct sockaddr *)&peer), "its copy's peer is the same");
        same(syscall(SYS_close, ours), 0, "close");
        same(syscall(SYS_sendto, copy, "a", 1, 0, NULL, 0), 1, "the copy still sends");
        ok(recv(theirs, &byte, 1, 0) == 1 && byte == 'a', "and it arrives");
        same(syscall(SYS_close, copy), 0, "close of the copy");
        same(recv(theirs, &byte, 1, 0), 0, "ends the connection");
        close(theirs);
}

/* Nothing may be left of what was closed when its number comes back. */
static void check_reuse(int listener)
{
        const int lowest = dup(STDERR_FILENO);
        int connection, file;

        close(lowest);
        connection = fcntl(accept_client(0, listener, NULL), F_DUPFD, lowest);
        syscall(SYS_close, connection);
        file = open("/dev/null", O_RDWR | O_CLOEXEC);
        same(file, connection, "the number comes back");
        is(local_name(file), "ENOTSOCK", "and is no socket");
        is(peer_name(file), "ENOTSOCK", "by no name");
        close(file);
}

static void check_rebind(const char *address, int listener)
{
        syscall(SYS_close, listener);
        listener = raw_listen(address);
        ok(serves(0, listener), "closed and bound again, it serves again");
        same(syscall(SYS_close_range, listener, listener, 0), 0, "close_range");
        listener = raw_listen(address);
        ok(serves(0, listener), "and again");
        syscall(SYS_close, listener);
}

/* All descriptors are closed one by one: those that wait are not the program's. */
static void check_waiting(void)
{
        int fd;

        if (!under_rules())
                return;
        for (fd = 3; fd < 1100; fd++)
                syscall(SYS_close, fd);
        same(syscall(SYS_close_range, 3, ~0U, 0), 0, "close_range of all");
        fd = listen_at("127.0.0.1:82");
        ok(serves(1, fd), "a descriptor that waits survives");
        close(fd);
}

static void check_others(void)
{
        char *page = (char *)syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        char params[120] = {0};

        need(page != MAP_FAILED, "mmap, which has six arguments");
        page[0] = 1;
        same(syscall(SYS_munmap, page, 4096), 0, "munmap");
        same(syscall(SYS_getpid), getpid(), "getpid");
        errno = 0;
        same(syscall(SYS_chdir, "/nowhere/at/all"), -1, "what fails");
        same(errno, ENOENT, "says why");
        same(syscall(-1L), -1, "an unknown call");
        same(errno, ENOSYS, "says ENOSYS");
        if (!under_rules())
                return;
        same(syscall(SYS_io_uring_setup, 1, params), -1, "there is no io_uring");
        same(errno, ENOSYS, "says ENOSYS");
}

static void *close_cancelled(void *argument)
{
        const int *fd = argument;

        pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
        pthread_cancel(pthread_self());
        pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
        syscall(SYS_close, *fd);
        return argument;
}

/* syscall() is no cancellation point, whatever it calls. */
static void check_cancellation(int listener)
{
        int fd = accept_client(0, listener, NULL);
        pthread_t thread;
        void *result;

        need(pthread_create(&thread, NULL, close_cancelled, &fd) == 0, "pthread_create");
        pthread_join(thread, &result);
        ok(result == &fd, "a cancelled thread goes on after close by syscall");
        same(fcntl(fd, F_GETFD), -1, "and has closed it");
}

static void check_exec(void)
{
        char *argv[] = {(char *)"sh", (char *)"-c", (char *)"test -n \"$IP2UNIX_RULES\"", NULL};
        char *envp[] = {(char *)"PATH=/bin", NULL};
        pid_t pid;

        if (!under_rules())
                return;
        pid = fork();
        if (pid == 0) {
                syscall(SYS_execve, "/bin/sh", argv, envp);
                _exit(99);
        }
        same(reap(pid), 0, "a program that is executed finds the rules");
}

int main(int argc, char **argv)
{
        int listener;

        need(argc == 2, "an address");
        listener = raw_listen(argv[1]);
        check_connection(listener, argv[1]);
        check_reuse(listener);
        check_cancellation(listener);
        check_rebind(argv[1], listener);
        check_others();
        check_exec();
        check_waiting();
        return tap_end();
}
