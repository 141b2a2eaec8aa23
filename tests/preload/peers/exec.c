/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Datagram sockets in another program: inherited over exec, or received over a Unix socket. They
 * have their IP addresses there as well, and so have the peers, who are answered. argv: the
 * server's address, and that of another server, which has a client here; or "serve" or "ask" and a
 * descriptor in the program that is executed, "receive" in one that is sent descriptors.
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define SELF    "/proc/self/exe"
#define CHANNEL 5

static char other_address[64];

/* Serve one question with an inherited socket, and say what is seen of it. */
static int serve_one(int fd)
{
        char from[64] = "nobody", text[64];

        strcpy(text, server_hears(fd, from));
        printf("%s %d %d %s %s %d\n", local_name(fd), option(fd, SOL_SOCKET, SO_DOMAIN),
               option(fd, SOL_SOCKET, SO_TYPE), text, from, server_says(fd, from, "answer"));
        return 0;
}

/* Go on asking with an inherited connected socket. */
static int ask_one(int fd)
{
        char byte;
        const bool sent = send(fd, "?", 1, 0) == 1;

        printf("%s %d %s %s\n", peer_name(fd), option(fd, SOL_SOCKET, SO_DOMAIN),
               sent ? "sent" : strerrorname_np(errno),
               readable(fd, PATIENCE) && recv(fd, &byte, 1, 0) == 1 && byte == '!' ? "heard"
                                                                                   : "none");
        return 0;
}

static int receive(void)
{
        return serve_one(receive_descriptor(CHANNEL));
}

/* Run this program with a descriptor as its standard input. */
static pid_t start(const char *what, int fd, int *ret_output)
{
        int fds[2];
        pid_t pid;

        need(pipe(fds) == 0, "pipe");
        pid = fork();
        need(pid >= 0, "fork");
        if (pid == 0) {
                dup2(fd, strcmp(what, "receive") == 0 ? CHANNEL : 0);
                dup2(fds[1], 1);
                execl(SELF, "exec", what, (char *)NULL);
                _exit(127);
        }
        close(fds[1]);
        *ret_output = fds[0];
        return pid;
}

static void check_server(int server, const char *address)
{
        const int client = new_client("@exec");
        char from[64], expected[256];
        int output;
        pid_t pid;

        client_says(client, "before");
        is(server_hears(server, from), "before", "the server hears a client");
        client_says(client, "during");
        pid = start("serve", server, &output);
        /* Another process may have another name for the client: it has to be one of the family. */
        strcpy(expected, reap_output(pid, output));
        note("%s", expected);
        ok(strncmp(expected, address, strlen(address)) == 0,
           "a program that inherits it: its name");
        ok(strstr(expected, " 2 2 during 127.0.0.1:") != NULL, "its kind, and who asks");
        is(client_hears(client), "answer", "the client is answered by that program");
        client_says(client, "after");
        is(server_hears(server, expected), "after", "the server goes on");
        is(expected, from, "and knows the client by the same address");
        close(client);
}

static void check_passed(int server, const char *address)
{
        const int client = new_client("passed");
        char seen[256];
        int output, pair[2];
        pid_t pid;

        need(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0, "socketpair");
        pid = start("receive", pair[1], &output);
        send_descriptor(pair[0], server);
        client_says(client, "hello");
        strcpy(seen, reap_output(pid, output));
        note("%s", seen);
        ok(strncmp(seen, address, strlen(address)) == 0, "a program that is sent it: its name");
        ok(strstr(seen, " 2 2 hello 127.0.0.1:") != NULL, "its kind, and who asks");
        is(client_hears(client), "answer", "the client is answered by that program");
        close(pair[0]);
        close(pair[1]);
        close(client);
}

static int open_other(void)
{
        int fd;

        if (under_rules())
                return serve_unix(in_directory("other"), SOCK_DGRAM, 0);
        fd = socket_for(other_address, SOCK_DGRAM | SOCK_CLOEXEC);
        errno = bind_to(fd, other_address);
        need(errno == 0, other_address);
        return fd;
}

static void answer_other(int other)
{
        struct sockaddr_storage from;
        socklen_t length = sizeof(from);
        char byte = 0;

        ok(readable(other, PATIENCE) &&
                   recvfrom(other, &byte, 1, 0, (struct sockaddr *)&from, &length) == 1 &&
                   byte == '?',
           "the server hears the client");
        same(sendto(other, "!", 1, 0, (struct sockaddr *)&from, length), 1, "and can answer");
}

static void check_client(void)
{
        const int other = open_other();
        const int fd = socket_for(other_address, SOCK_DGRAM | SOCK_CLOEXEC);
        char expected[128];
        int output;
        pid_t pid;

        errno = connect_to(fd, other_address);
        need(errno == 0, other_address);
        pid = start("ask", fd, &output);
        answer_other(other);
        snprintf(expected, sizeof(expected), "%s 2 sent heard", other_address);
        is(reap_output(pid, output), expected, "a program that inherits a connected socket");
        need(send(fd, "?", 1, 0) == 1, "send");
        answer_other(other);
        ok(readable(fd, PATIENCE) && recv(fd, expected, 1, 0) == 1,
           "who has made it goes on with it");
        close(fd);
        close(other);
}

int main(int argc, char **argv)
{
        int server;

        if (argc == 2)
                return strcmp(argv[1], "serve") == 0 ? serve_one(0)
                       : strcmp(argv[1], "ask") == 0 ? ask_one(0)
                                                     : receive();
        need(argc == 3, "two addresses");
        snprintf(other_address, sizeof(other_address), "%s", argv[2]);
        server = serve_datagrams(argv[1], 0);
        check_server(server, argv[1]);
        check_passed(server, argv[1]);
        check_client();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
