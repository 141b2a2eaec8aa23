/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The two ends of an exchange of datagrams, for programs that test servers and clients alike.
 *
 * A program is run in several ways and has one list of expectations, which the kernel's own UDP
 * confirms: bare; with both ends under rules; and with the other end a Unix socket that knows
 * nothing of IP, which TEST_NATIVE says: "server" or "client". Rules lead to udp-PORT.sock in the
 * directory of the test.
 */

#include <stdbool.h>
#include <sys/socket.h>

struct sockaddr_un;

/* A datagram as it came, for who looks closer than hear() does. */
struct datagram {
        char bytes[65536];
        ssize_t length;
        int flags;
        struct sockaddr_storage from;
        socklen_t from_length;
        char control[1024] __attribute__((aligned(8))); /* of struct cmsghdr */
        size_t control_length;
};

/* The file at which the rules lead to that address. Overwritten by one of the next 8 calls. */
const char *udp_file(const char *address);

/* Is the other end a Unix socket? who: "server" or "client". */
bool udp_native(const char *who);

/* An IP socket of the program's, not bound; it has to work. */
int udp_socket(const char *address);

/* The same, bound to the address; and connected to it. */
int udp_at(const char *address);
int udp_to(const char *address);

/* Who serves clients of that address, and a client of its server: native where it is said to be. */
int udp_server(const char *address);
int udp_client(const char *address);

/*
 * The abstract name that a client's socket has in truth, as the kernel lists it for everybody.
 * Returns false when it has none.
 */
bool udp_real_name(int fd, struct sockaddr_un *ret, socklen_t *ret_length);

/* A Unix datagram socket connected to the path, or to "@" and an abstract name. */
int udp_native_client(const char *path);

/* A client of its kind, connected to the passed socket of that place: see passed(). */
int udp_passed_client(int place);

/*
 * Send a text: to the address, or with NULL to where the socket is connected. Returns "sent", or
 * the name of an errno, or what else it returned.
 */
const char *say(int fd, const char *address, const char *text);

/* What comes, as a text, or the name of an errno; "nothing" when nothing comes within PATIENCE. */
const char *hear(int fd);

/* What comes within 50 milliseconds, which has to be enough on one machine: to be "nothing". */
const char *hear_soon(int fd);

/* Where the last that hear() took was from: "127.0.0.1:80", "unix", or "none". */
const char *heard_from(void);

/* Send a text to where the last was from. Returns as say() does. */
const char *answer(int fd, const char *text);

/*
 * The client says something to the address, or NULL when it is connected, and the server answers.
 * Returns "both ways", or what went wrong. answer() then sends to the client.
 */
const char *exchange(int client, const char *address, int server);

/* Receive whole with all that comes with it. Returns the result of recvmsg(2), errno as it was. */
ssize_t receive_datagram(int fd, struct datagram *ret, int flags);

/*
 * A thread that reads all that comes to a server, or who sends to it would have to wait. server:
 * its descriptor, an int that stays.
 */
void *udp_read_all(void *server);
