/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* IP addresses in text, without resolver, locale or allocation, and from text of known length. */

#include "rules/rule.h"

/*
 * Parse an IPv4 or IPv6 address (RFC 4291, 2.2; no zone).
 * Errors: -EINVAL.
 */
int rule_address_parse(const char *text, size_t length, struct rule_address *ret, bool *ret_ipv4);

/* Longest text of an address with its terminator, as INET6_ADDRSTRLEN. */
#define RULE_ADDRESS_TEXT_MAX 46

/* Write the address (IPv4 dotted, IPv6 by RFC 5952). Returns its length. */
size_t rule_address_format(const struct rule_address *address, bool ipv4,
                           char ret[static RULE_ADDRESS_TEXT_MAX]);

/* Hold an address in network order as it stands in struct in_addr. */
struct rule_address rule_address_from_ipv4(const void *in_addr);

/* Is this ::ffff:0:0/96 ? */
bool rule_address_is_mapped(const struct rule_address *address);
