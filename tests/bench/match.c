/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * What a rule that does not match costs.
 *
 *     match BATCHES
 *
 * Matches a socket against few and many rules of a kind, none of which is about it. Prints a line
 * for each kind: nanoseconds for each rule passed over, and the rule.
 */

#include <netinet/in.h>
#include <string.h>

#include "rules/rule.h"
#include "tests/bench/measure.h"

#define FEW  10
#define MANY 110

static const char *const kinds[] = {
        "out,tcp,port=443,ignore",
        "in,udp,port=53,systemd=dns",
        "in,tcp,port=81,systemd=other",
        "in,tcp,port=1000-2000,systemd=other",
        "in,tcp,addr=10.0.0.0/8,systemd=other",
        "in,tcp,addr=fd00::/8,port=80,systemd=other",
        "in,tcp,addr=127.0.0.2,port=80,reject",
};

/* A server that binds 127.0.0.1:80. */
static const struct rule_query query = {
        .direction = RULE_IN,
        .type = RULE_STREAM,
        .origin = RULE_FROM_IP,
        .is_ipv4 = true,
        .address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}},
        .port = 80,
};

static double time_kind(const char *text, long batches)
{
        static struct rule rules[MANY];
        static char memory[MANY * RULE_ARENA_SIZE(128)];
        struct rule_arena arena = {memory, memory + sizeof memory};
        struct shortest few = SHORTEST_INIT, many = SHORTEST_INIT;
        const struct rule *volatile found = NULL;
        struct rule_error error;

        for (int i = 0; i < MANY; i++)
                if (rule_parse(text, strlen(text), 0, &arena, &rules[i], &error, NULL, NULL) < 0) {
                        fprintf(stderr, "%s: %s\n", text, error.message);
                        exit(EXIT_FAILURE);
                }
        for (long batch = 0; batch < batches; batch++) {
                TIME_BATCH(&few, found = rule_match(rules, FEW, &query));
                TIME_BATCH(&many, found = rule_match(rules, MANY, &query));
        }
        need(found == NULL, "the rule matched");
        return (ns_per_call(&many) - ns_per_call(&few)) / (MANY - FEW);
}

int main(int argc, char **argv)
{
        if (argc != 2)
                return EXIT_FAILURE;
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
                printf("%.2f %s\n", time_kind(kinds[i], number(argv[1])), kinds[i]);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
