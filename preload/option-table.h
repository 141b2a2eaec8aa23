/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The socket options that a Unix socket refuses and an IP socket has: tcp(7), ip(7), ipv6(7), and
 * a few of socket(7). A converted socket keeps their values, so that they can be set and read back.
 */

#include <netinet/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* Not in every C library's headers. */
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

#define OPTION_COUNT 76

/* The places of those that the shim itself asks for. */
enum {
        OPTION_NODELAY,
        OPTION_CORK,
        OPTION_REUSEPORT,
        OPTION_PKTINFO = OPTION_COUNT - 9,
        OPTION_RECVTTL,
        OPTION_RECVTOS,
        OPTION_RECVORIGDSTADDR,
        OPTION_RECVPKTINFO6,
        OPTION_RECVHOPLIMIT6,
        OPTION_RECVTCLASS6,
        OPTION_RECVORIGDSTADDR6,
        OPTION_SEGMENT,
};

/* One value for each option of the table, in its order. */
struct option_values {
        int value[OPTION_COUNT];
        char congestion[16]; /* TCP_CONGESTION: TCP_CA_NAME_MAX */
};

/* What an option's value may be. */
struct option_range {
        int min, max; /* outside: EINVAL; none between: it can only be read */
        bool boolean; /* any value is taken, and read back as 0 or 1 */
        bool resets;  /* -1 is taken, and means the value of a fresh socket */
        int mask;     /* bits that are kept; 0: all */
};

/*
 * The place of an option in the table, or -1: not ours to keep.
 * ret_range: may be NULL.
 */
int option_find(int level, int name, struct option_range *ret_range);

/*
 * Options that programs set on their sockets as a rule have low places, so that which of them were
 * set has room in a word of 32 bits; those of higher places have not.
 */
#define OPTION_NOTED 32

/* The value of a fresh socket. */
int option_initial(int place);

/* Fill in what a fresh IP socket answers. */
void option_defaults(struct option_values *ret);

/*
 * Read all options from the IP socket that is about to be replaced: what the program has set there
 * holds on. What the socket does not have keeps its default.
 */
void option_snapshot(int fd, struct option_values *ret);

/*
 * The same for a socket of TCP or UDP of which it is known what was set: the options whose bits are
 * in noted, one for each place below OPTION_NOTED. The others have what the machine's sysctls give
 * them, which is asked once in a process for each family and type.
 */
void option_snapshot_noted(int fd, sa_family_t family, int type, uint32_t noted,
                           struct option_values *ret);

/* Set an option of the table on an IP socket. What the socket refuses is passed over. */
void option_restore(int fd, int place, int value);
