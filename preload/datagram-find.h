/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Who is at the address that a program sends a datagram or connects to: a peer that was heard, the
 * target of a rule, another socket of ours, or nobody of ours.
 */

#include "preload/convert.h"
#include "preload/datagram.h"

/*
 * The peer at an address, for a converted socket, unless a rule names the port: as peers_find().
 */
bool datagram_find_peer(const struct inet_socket *inet, const struct endpoint *asked, bool is_ipv4,
                        struct target *ret, uint64_t *ret_number);

/*
 * Who is at an address, for a converted socket: a peer, by a rule, or another socket of ours.
 *
 * ret_number: for peers_pace().
 * Returns one of these with ret filled in; 0: nobody whom we could reach; or a negative errno.
 */
enum { DATAGRAM_TO_PEER = 1, DATAGRAM_TO_TARGET };

int datagram_find(int fd, const struct sock *sock, const struct endpoint *asked, bool is_ipv4,
                  union correspondent *ret, uint64_t *ret_number);

/*
 * Make a Unix socket of an IP datagram socket, or of a stand-in, that is about to send or connect
 * to asked, if a peer is there or a rule says so.
 *
 * The ports of peers are those that the kernel gives to UDP sockets, too. So an address where it
 * has one is never taken for a peer's here: a peer could bring about that his is the address of a
 * server that the program asks, and answer in its place.
 *
 * ret_aside: NULL for connect(2). A send from a connected socket is to go there by
 * aside_send_unix(). Returns one of these; 0: it is to go on as it is; or a negative errno, as
 * connect(2) has them.
 */
enum { DATAGRAM_IS_CONVERTED = 1, DATAGRAM_GOES_ASIDE };

int datagram_convert(const struct inet_socket *inet, const struct endpoint *asked, bool is_ipv4,
                     struct target *ret_aside);
