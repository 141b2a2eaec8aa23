/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The rules that this process runs under, from the environment variable IP2UNIX_RULES. */

#include "preload/convert.h"
#include "preload/endpoint.h"
#include "rules/rule.h"

struct rule_set {
        const struct rule *rules;
        size_t n_rules;
        bool loaded;
        bool concerns_in;   /* some rule may have a say in binds */
        bool concerns_out;  /* some rule may have a say in connects and addressed sends */
        bool names_out;     /* the same, or one that says to ignore them */
        bool one_target;    /* all datagrams that rules lead elsewhere go to one Unix socket */
        bool concerns_unix; /* some rule has from-unix= or from-abstract= */
};

/* All zero, so that nothing matches, until the constructor has run. */
extern struct rule_set rule_set;

/*
 * Parse the rules that the environment has. Ends the process with a message and status 78
 * (EX_CONFIG of sysexits.h) when there are none, or one that is wrong, or a part of them is
 * missing.
 */
void rule_set_load(void);

/* The rule for a socket call, or NULL: none matches, or one that says to ignore it. */
const struct rule *rule_set_match(enum rule_direction direction, const struct inet_socket *inet,
                                  const struct endpoint *endpoint, bool is_ipv4,
                                  struct rule_query *ret_query);

/*
 * The same for a Unix socket of the program's. Abstract names are those without their leading NUL;
 * a socket that is to be given a name by the kernel matches none.
 */
const struct rule *rule_set_match_unix(enum rule_direction direction,
                                       const struct inet_socket *inet, const struct sockaddr *addr,
                                       socklen_t length, struct rule_query *ret_query);

/*
 * The rule for a socket call, also one that says to ignore it, for who only asks what the rules
 * say: nothing is logged. NULL: none matches.
 */
const struct rule *rule_set_find(enum rule_direction direction, const struct inet_socket *inet,
                                 const struct endpoint *endpoint, bool is_ipv4);

/* What a query is about, for a message: "[::]:53, datagram". */
enum { QUERY_TEXT_MAX = 512 };
const char *rule_set_text(char buf[static QUERY_TEXT_MAX], const struct rule_query *query);
#define QUERY_TEXT(query) rule_set_text((char[QUERY_TEXT_MAX]){0}, (query))

/* Carry out reject=. Returns the negative errno that the call fails with. */
int rule_set_reject(const struct rule *rule, const struct rule_query *query);
