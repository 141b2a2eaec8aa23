/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Answers from another socket than the one that was asked, as TFTP servers give them: from a new
 * one that sends to the client's address, or is connected to it, in this process or in a child. The
 * client goes on with whoever answers. argv: the address, and where the other socket is bound, or
 * "no".
 */

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define BLOCKS   50
#define UPSTREAM "127.0.0.1:8081"

static const char *own_address;
static int server;

/* A client's end of a transfer: each block is acknowledged where it came from. */
static int take_blocks(int client)
{
        struct sockaddr_storage from;
        socklen_t length;
        char block[8], wanted[8];
        int good = 0;

        for (int i = 0; i < BLOCKS && readable(client, PATIENCE); i++) {
                snprintf(wanted, sizeof(wanted), "%d", i);
                length = sizeof(from);
                memset(block, 0, sizeof(block));
                if (recvfrom(client, block, sizeof(block), 0, (struct sockaddr *)&from, &length) <
                    0)
                        break;
                good += strcmp(block, wanted) == 0 && length > sizeof(sa_family_t) &&
                        sendto(client, block, sizeof(block), 0, (struct sockaddr *)&from, length) ==
                                sizeof(block);
        }
        return good;
}

static pid_t start_client(const char *name)
{
        const pid_t pid = fork();
        int client;

        need(pid >= 0, "fork");
        if (pid > 0)
                return pid;
        client = new_client(name);
        if (!client_says(client, "get"))
                _exit(2);
        _exit(take_blocks(client) == BLOCKS ? 0 : 1);
}

static int new_socket(void)
{
        const int fd =
                socket_for(own_address ? own_address : "127.0.0.1:0", SOCK_DGRAM | SOCK_CLOEXEC);

        need(fd >= 0, "socket");
        if (own_address) {
                errno = bind_to(fd, own_address);
                need(errno == 0, own_address);
        }
        return fd;
}

/* The server's end, with a socket that sends to the address each time. Returns how many are right.
 */
static int send_blocks(const char *to)
{
        const int fd = new_socket();
        char block[8], from[64];
        int good = 0;

        for (int i = 0; i < BLOCKS; i++) {
                snprintf(block, sizeof(block), "%d", i);
                good += server_says(fd, to, block) == 0 &&
                        strcmp(server_hears(fd, from), block) == 0 && strcmp(from, to) == 0;
        }
        close(fd);
        return good;
}

/* The same with one that is connected, so that it hears nobody else. */
static int send_blocks_connected(const char *to)
{
        const int fd = new_socket();
        char block[8], from[64];
        int good = 0;

        if (connect_to(fd, to) != 0 || strcmp(peer_name(fd), to) != 0)
                return -1;
        for (int i = 0; i < BLOCKS; i++) {
                snprintf(block, sizeof(block), "%d", i);
                good += send(fd, block, strlen(block), 0) == (ssize_t)strlen(block) &&
                        strcmp(server_hears(fd, from), block) == 0 && strcmp(from, to) == 0;
        }
        good += strcmp(peer_name(fd), to) == 0 ? 0 : -1;
        close(fd);
        return good;
}

/* A child that has to do with the client alone. */
static int in_child(int (*send_all)(const char *), const char *to)
{
        const pid_t pid = fork();

        need(pid >= 0, "fork");
        if (pid > 0)
                return reap(pid);
        close(server);
        _exit(send_all(to) == BLOCKS ? BLOCKS : 1);
}

static int in_grandchild_once(const char *to)
{
        return in_child(send_blocks_connected, to);
}

static void check(const char *name, bool child, int (*send_all)(const char *), const char *what)
{
        const pid_t pid = start_client(name);
        char from[64] = "";

        is(server_hears(server, from), "get", "%s, %s: the server is asked", name, what);
        same(child ? in_child(send_all, from) : send_all(from), BLOCKS,
             "%s, %s: all blocks are sent and acknowledged", name, what);
        same(reap(pid), 0, "%s, %s: the client has got them", name, what);
}

/* Who is not the peer of a connected socket is not heard by it. */
static void check_stranger(void)
{
        const int first = new_client("@first"), fd = new_socket();
        const int second = new_client("@second");
        struct sockaddr_storage address = {0};
        socklen_t length = sizeof(address);
        char from[64], byte;

        client_says(first, "hello");
        is(server_hears(server, from), "hello", "a client");
        same(connect_to(fd, from), 0, "a socket is connected to it");
        same(send(fd, "x", 1, 0), 1, "and sends");
        same(recvfrom(first, &byte, 1, 0, (struct sockaddr *)&address, &length), 1, "it hears");
        (void)!sendto(second, "y", 1, MSG_DONTWAIT, (struct sockaddr *)&address, length);
        same(recv(fd, &byte, 1, MSG_DONTWAIT), -1, "another client is not heard there");
        same(sendto(first, "z", 1, MSG_DONTWAIT, (struct sockaddr *)&address, length), 1,
             "the client sends");
        is(server_hears(fd, from), "z", "and is heard");
        close(first);
        close(second);
        close(fd);
}

/* A socket that has asked a server by a rule goes on with a client: who answers is heard. */
static void check_after_question(void)
{
        const int first = new_client("client"), fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        const int upstream = under_rules() ? serve_unix(in_directory("other"), SOCK_DGRAM, 0)
                                           : socket_for(UPSTREAM, SOCK_DGRAM | SOCK_CLOEXEC);
        struct sockaddr_storage address = {0};
        socklen_t length = sizeof(address);
        char to[64], from[64], byte = 0;

        need(under_rules() || bind_to(upstream, UPSTREAM) == 0, "bind");
        client_says(first, "hello");
        is(server_hears(server, to), "hello", "a client");
        same(server_says(fd, UPSTREAM, "?"), 0, "a socket asks a server");
        need(readable(upstream, PATIENCE), "a question");
        same(recvfrom(upstream, &byte, 1, 0, (struct sockaddr *)&address, &length), 1, "it hears");
        same(sendto(upstream, "!", 1, 0, (struct sockaddr *)&address, length), 1, "and answers");
        is(server_hears(fd, from), "!", "which is heard");
        is(from, UPSTREAM, "from the server");
        same(server_says(fd, to, "x"), 0, "then it sends to the client");
        length = sizeof(address);
        need(readable(first, PATIENCE), "a datagram");
        same(recvfrom(first, &byte, 1, 0, (struct sockaddr *)&address, &length), 1, "it hears");
        same(sendto(first, "y", 1, MSG_DONTWAIT, (struct sockaddr *)&address, length), 1,
             "and answers");
        is(server_hears(fd, from), "y", "which is heard as well");
        is(from, to, "from the client");
        close(first);
        close(upstream);
        close(fd);
}

int main(int argc, char **argv)
{
        static const char *const names[] = {"@tftp", "client"};

        need(argc == 3, "an address, and one of the other socket's");
        own_address = strcmp(argv[2], "no") == 0 ? NULL : argv[2];
        server = serve_datagrams(argv[1], 0);
        for (int i = 0; i < 2; i++) {
                check(names[i], false, send_blocks, "a new socket");
                check(names[i], false, send_blocks_connected, "a new socket, connected");
                check(names[i], true, send_blocks, "a child's");
                check(names[i], true, send_blocks_connected, "a child's, connected");
                check(names[i], true, in_grandchild_once, "a child's child's");
        }
        check_stranger();
        if (*argv[1] != '[')
                check_after_question();
        is(messages(), "", "nothing is printed");
        return tap_end();
}
