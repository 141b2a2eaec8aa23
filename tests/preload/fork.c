/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Children made by fork(2) have descriptors of their own: what they do changes nothing here. */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define WORKERS 4
#define CLIENTS 40

static const char *address;

static void check_child_closes(int fd)
{
        const int connection = accept_client(0, fd, NULL);
        const char *peer = peer_name(connection);
        const pid_t pid = fork();

        if (pid == 0) {
                bool good = strcmp(peer_name(connection), peer) == 0 &&
                            strcmp(local_name(fd), address) == 0;

                close(fd);
                close(connection);
                good = good && strcmp(local_name(fd), "EBADF") == 0;
                _exit(good ? 0 : 1);
        }
        same(reap(pid), 0, "a child sees the addresses, and closes its copies");
        is(local_name(fd), address, "the parent's listener is there");
        is(peer_name(connection), peer, "and the connection");
        ok(serves(0, fd), "it serves");
        close(connection);
}

/* One process each connection: the child talks, the parent closes. */
static void check_forking_server(int fd)
{
        int theirs;
        const int ours = accept_client(0, fd, &theirs);
        const pid_t pid = fork();
        char byte;

        if (pid == 0) {
                int copy;

                close(fd);
                copy = dup2(ours, 0);
                _exit(is_local_peer(peer_name(copy), AF_INET) &&
                                      set_option(copy, IPPROTO_TCP, TCP_NODELAY, 1) == 0 &&
                                      option(ours, IPPROTO_TCP, TCP_NODELAY) >= 0 &&
                                      write(copy, "k", 1) == 1
                              ? 0
                              : 1);
        }
        close(ours);
        same(reap(pid), 0, "a child serves one connection");
        same(read(theirs, &byte, 1), 1, "its client gets the answer");
        same(read(theirs, &byte, 1), 0, "and the end");
        close(theirs);
}

static void worker(int fd, uint16_t *ports, int *n)
{
        for (;;) {
                const int ours = accept(fd, NULL, NULL);
                char byte = 0;

                if (ours < 0)
                        _exit(2);
                if (read(ours, &byte, 1) != 1 || byte == 'q')
                        _exit(0);
                ports[__atomic_fetch_add(n, 1, __ATOMIC_SEQ_CST)] =
                        (uint16_t)atoi(strrchr(peer_name(ours), ':') + 1);
                (void)!write(ours, "k", 1);
                close(ours);
        }
}

static void ask(const char *text, int fd)
{
        const int theirs = client(0, fd);
        char byte;

        need(write(theirs, text, 1) == 1, "write");
        (void)!read(theirs, &byte, 1);
        close(theirs);
}

/* Workers that were forked before the first client never tell of the same one. */
static void check_prefork(int fd)
{
        struct {
                int n;
                uint16_t ports[CLIENTS + WORKERS];
        } *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                         -1, 0);
        pid_t pids[WORKERS];
        int twice = 0;

        for (int i = 0; i < WORKERS; i++) {
                pids[i] = fork();
                if (pids[i] == 0)
                        worker(fd, shared->ports, &shared->n);
        }
        for (int i = 0; i < CLIENTS; i++)
                ask("w", fd);
        for (int i = 0; i < WORKERS; i++)
                ask("q", fd);
        for (int i = 0; i < WORKERS; i++)
                same(reap(pids[i]), 0, "worker %d ends well", i);
        same(shared->n, CLIENTS, "all clients were served");
        for (int i = 0; i < shared->n; i++)
                for (int j = 0; j < i; j++)
                        twice += shared->ports[i] == shared->ports[j];
        same(twice, 0, "and told apart by their ports");
}

/* The usual way into the background; the parent in this test stays to look on. */
static void check_daemon(int fd)
{
        const pid_t pid = fork();
        int theirs;
        char byte;

        if (pid == 0) {
                int ours;

                if (daemon(0, 0) < 0)
                        _exit(1);
                ours = accept(fd, NULL, NULL);
                if (ours >= 0 && is_local_peer(peer_name(ours), AF_INET) &&
                    strcmp(local_name(0), "ENOTSOCK") == 0 && strcmp(local_name(fd), address) == 0)
                        (void)!write(ours, "k", 1);
                _exit(0);
        }
        same(reap(pid), 0, "daemon ends the first process");
        theirs = client(0, fd);
        same(read(theirs, &byte, 1), 1, "the second serves");
        close(theirs);
}

/* Who has bound the socket is gone; its child closes it, and binds again. */
static void check_rebind_in_child(int fd)
{
        const pid_t pid = fork();

        if (pid == 0) {
                const pid_t grandchild = fork();
                int again;

                if (grandchild > 0)
                        _exit(reap(grandchild));
                close(fd);
                again = listen_at(address);
                _exit(serves(0, again) ? 0 : 1);
        }
        same(reap(pid), 0, "a grandchild closes the listener, binds and serves");
        ok(serves(0, fd), "and so does its ancestor");
}

int main(int argc, char **argv)
{
        int fd;

        need(argc == 2, "an address");
        address = argv[1];
        fd = socket_for(address, SOCK_STREAM);
        set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        need(bind_to(fd, address) == 0 && listen(fd, 100) == 0, "bind");
        check_child_closes(fd);
        check_forking_server(fd);
        check_prefork(fd);
        check_daemon(fd);
        if (is_activated())
                check_rebind_in_child(fd);
        return tap_end();
}
