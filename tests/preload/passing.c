/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Descriptors that are sent to another process over a Unix socket, as node's cluster does: the
 * receiver sees IP addresses on them, whether it was forked or executed. argv: "receive" in the
 * process that receives.
 */

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define CHANNEL 5

/* The process that gets a listener and accepts for the one that bound it. */
static int receive(void)
{
        struct sockaddr_storage storage;
        socklen_t length = sizeof(storage);
        const int listener = receive_descriptor(CHANNEL);
        const char *name = local_name(listener);
        int ours;

        printf("%s %d %d; ", name, option(listener, SOL_SOCKET, SO_DOMAIN),
               option(listener, SOL_SOCKET, SO_ACCEPTCONN));
        fflush(stdout);
        ours = accept(listener, (struct sockaddr *)&storage, &length);
        printf("%s %s %s\n",
               is_local_peer(address_text((struct sockaddr *)&storage), AF_INET) ? "peer" : "?",
               local_name(ours), is_local_peer(peer_name(ours), AF_INET) ? "peer" : "?");
        fflush(stdout);
        return write(ours, "k", 1) == 1 ? 0 : 1;
}

static void check_receiver(int listener, bool execute)
{
        int fds[2], pair[2], theirs;
        char byte;
        pid_t pid;

        need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        is(local_name(pair[0]), "unix", "a channel is a Unix socket");
        need(pipe(fds) == 0, "pipe");
        pid = fork();
        if (pid == 0) {
                close(listener);
                dup2(pair[1], CHANNEL);
                dup2(fds[1], 1);
                if (execute)
                        execl("/proc/self/exe", "passing", "receive", (char *)NULL);
                _exit(receive());
        }
        close(fds[1]);
        close(pair[1]);
        send_descriptor(pair[0], listener);
        theirs = client(0, listener);
        same(read(theirs, &byte, 1), 1, "the client is served by the receiver");
        is(reap_output(pid, fds[0]), "127.0.0.1:80 2 1; peer 127.0.0.1:80 peer",
           "a receiver that was %s sees IP addresses", execute ? "executed" : "forked");
        close(theirs);
        close(pair[0]);
}

/* A descriptor may come back, at another number. */
static void check_same_process(int listener)
{
        int pair[2], fd;

        need(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
        send_descriptor(pair[0], listener);
        fd = receive_descriptor(pair[1]);
        is(local_name(fd), "127.0.0.1:80", "sent to oneself: name");
        ok(serves(0, fd), "sent to oneself: it serves");
        close(fd);
        ok(serves(0, listener), "and the one that was sent too");
        close(pair[0]);
        close(pair[1]);
}

int main(int argc, char **argv)
{
        int listener;

        if (argc > 1 && strcmp(argv[1], "receive") == 0)
                return receive();

        listener = listen_at("127.0.0.1:80");
        check_receiver(listener, false);
        check_receiver(listener, true);
        check_same_process(listener);
        return tap_end();
}
