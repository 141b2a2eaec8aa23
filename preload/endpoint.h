/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* IP addresses with ports, in and out of struct sockaddr: ip(7), ipv6(7). */

#include <stdbool.h>
#include <sys/socket.h>

#include "preload/sock.h"

/*
 * Read the address that a program gave. AF_UNSPEC with an all-zero address counts as AF_INET, as
 * Linux takes it in bind(2).
 *
 * ret_ipv4: IPv4, or IPv4-mapped IPv6. May be NULL.
 * Returns false when it is no whole IP address.
 */
bool endpoint_read(const struct sockaddr *addr, socklen_t length, struct endpoint *ret,
                   bool *ret_ipv4);

/*
 * Hand an address to the program as the kernel does: as much as fits, with its whole length told.
 * addr may be NULL. family: AF_INET or AF_INET6.
 */
void endpoint_write(const struct endpoint *endpoint, sa_family_t family, struct sockaddr *addr,
                    socklen_t *length);

/* The loopback address of a family, with a port. */
struct endpoint endpoint_loopback(sa_family_t family, uint16_t port);

/*
 * The loopback address at the other end of a connection whose one end is this: IPv4-mapped where
 * that is, as the kernel never connects an IPv4-mapped address and another one.
 */
struct endpoint endpoint_opposite(const struct endpoint *end, sa_family_t family, uint16_t port);

/*
 * An address that stands for a host that nobody knows, so that rules can be about connections to
 * it: hook-resolve.c. No machine has it: IPv4's dummy address (RFC 7600), and a unique local one
 * (RFC 4193) that spells the name of the product.
 */
#define ENDPOINT_NOWHERE_IPV4 "192.0.0.8"
#define ENDPOINT_NOWHERE_IPV6 "fd69:7032:756e:6978:ffff:ffff:ffff:ffff"

bool endpoint_is_nowhere(const struct endpoint *endpoint);

bool endpoint_is_wildcard(const struct endpoint *endpoint, sa_family_t family);

/*
 * A port that looks like one that the kernel chose for a client, not given out recently by this
 * process or any that it was forked from or has forked. Those that it was not forked from begin
 * elsewhere. No system call after the first.
 */
uint16_t endpoint_ephemeral_port(void);
