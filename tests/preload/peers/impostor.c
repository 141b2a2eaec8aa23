/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A client of a server makes sockets until it is told the port of somebody whom the program is
 * going to ask on the loopback address. What is meant for that one must not come to the client:
 * where the kernel has a UDP socket, where a rule says to leave the port alone, and where a rule
 * leads it elsewhere. Under rules alone, each of which is about the ports of all clients. argv:
 * "kernel", "ignored" or "led".
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/preload/datagram/udp.h"
#include "tests/preload/ends.h"
#include "tests/preload/native.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

#define ADDRESS "127.0.0.1:8080"
#define CLIENTS 8
#define TEXT    64

/* How long nothing has to be heard, in milliseconds. */
#define NOTHING 50

static int server, theirs;
static char target[TEXT]; /* the client's address, and that of who is meant */

/* Ports are given one after the other. */
static void next_address(const char *address)
{
        const int port = port_in(address), next = port < 60999 ? port + 1 : 32768;

        snprintf(target, sizeof(target), "127.0.0.1:%d", next);
}

static int new_one(int i, char *ret_address)
{
        char name[16];
        int fd;

        snprintf(name, sizeof(name), "@%d", i);
        fd = new_client(name);
        need(client_says(fd, "?"), "a client that can send");
        need(strcmp(server_hears(server, ret_address), "?") == 0, "what it says is heard");
        return fd;
}

/* Returns who is meant, or -1: bound before the client has its address. */
static int open_both(bool by_kernel)
{
        char address[TEXT] = "";
        int real = -1;

        for (int i = 0; i < CLIENTS; i++) {
                if (i > 0 && by_kernel && real < 0) {
                        next_address(address);
                        real = udp_at(target);
                }
                theirs = new_one(i, address);
                if (real < 0)
                        strcpy(target, address);
                else if (strcmp(address, target) == 0)
                        return real;
        }

        need(!by_kernel, "a client with the port that is meant");
        return -1;
}

static void check_client_hears(void)
{
        same(server_says(server, target, "answer"), 0, "the server answers the client");
        is(client_hears(theirs), "answer", "which hears that");
}

static void check_client_hears_nothing(const char *what)
{
        char bytes[TEXT];

        same(client_gets(theirs, bytes, sizeof(bytes), NOTHING), -1,
             "%s: the client hears nothing of it", what);
}

/* A socket that has not sent before, and one that is connected. */
static void check_asks(int real)
{
        const int fresh = udp_socket(target), connected = udp_to(target);

        is(exchange(fresh, target, real), "both ways", "a new socket reaches who is meant");
        is(exchange(connected, NULL, real), "both ways", "and so does a connected one");
        check_client_hears_nothing("asked");
        close(fresh);
        close(connected);
}

static void check_kernel(void)
{
        const int real = open_both(true);
        int fresh;

        check_asks(real);
        check_client_hears();
        close(real);

        /* Servers answer from other sockets than the one that was asked. */
        fresh = udp_socket(target);
        is(say(fresh, target, "from another"), "sent", "when there is no other any more");
        is(client_hears(theirs), "from another", "it is the client's address");
        close(fresh);
}

static void check_ignored(void)
{
        int fresh, real;

        open_both(false);
        fresh = udp_socket(target);
        real = udp_socket(target);
        is(say(fresh, target, "nobody"), "sent", "a new socket sends where no server is");
        check_client_hears_nothing("ignored");
        need(bind_to(real, target) == 0, "bind");
        check_asks(real);
        close(fresh);
        close(real);
}

static void check_led(void)
{
        const int real = serve_unix(in_directory("led"), SOCK_DGRAM, 0);

        open_both(false);
        check_asks(real);
        close(real);
}

int main(int argc, char **argv)
{
        need(argc == 2, "how it is known who is meant");
        server = serve_datagrams(ADDRESS, 0);
        if (strcmp(argv[1], "kernel") == 0)
                check_kernel();
        else if (strcmp(argv[1], "ignored") == 0)
                check_ignored();
        else
                check_led();
        close(theirs);
        is(messages(), "", "nothing is printed");
        return tap_end();
}
