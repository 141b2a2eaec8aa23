/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which rules leave nothing to another. */

#include "tests/rules/cmocka-all.h"

#include "rules/address.h"
#include "rules/glob.h"
#include "tests/rules/rule-text.h"

static const struct {
        const char *a, *b;
        bool covers;
} cases[] = {
        {"ignore", "ignore", true},
        {"in,reject", "in,tcp,port=9000,systemd=b", true},
        {"in,udp,systemd=a", "in,udp,port=9000,systemd=b", true},
        {"in,udp,port=9000,systemd=b", "in,udp,systemd=a", false},
        /* direction */
        {"ignore", "in,ignore", true},
        {"ignore", "out,ignore", true},
        {"in,ignore", "ignore", false},
        {"out,ignore", "ignore", false},
        {"in,ignore", "out,ignore", false},
        {"in,ignore", "systemd", true},
        {"in,ignore", "blackhole", true},
        {"systemd", "in,ignore", true},
        {"systemd", "ignore", false},
        {"systemd", "out,ignore", false},
        {"blackhole", "systemd=x", true},
        {"blackhole", "path=/x", false},
        /* type */
        {"in,ignore", "in,tcp,ignore", true},
        {"in,ignore", "in,udp,ignore", true},
        {"tcp,ignore", "tcp,path=/x", true},
        {"tcp,ignore", "udp,ignore", false},
        {"tcp,ignore", "ignore", false},
        {"udp,ignore", "tcp,ignore", false},
        /* ports */
        {"port=80,ignore", "port=80,reject", true},
        {"port=80,ignore", "port=81,reject", false},
        {"port=80,ignore", "ignore", false},
        {"port=80-90,ignore", "port=80,ignore", true},
        {"port=80-90,ignore", "port=90,ignore", true},
        {"port=80-90,ignore", "port=80-90,ignore", true},
        {"port=80-90,ignore", "port=79-80,ignore", false},
        {"port=80-90,ignore", "port=85-91,ignore", false},
        {"port=1-65535,ignore", "ignore", false},
        {"port=1-65535,ignore", "port=0,ignore", false},
        /* addresses */
        {"ignore", "addr=::1,ignore", true},
        {"addr=::1,ignore", "ignore", false},
        {"addr=::1,ignore", "addr=::1,ignore", true},
        {"addr=::1,ignore", "addr=::2,ignore", false},
        {"addr=::/0,ignore", "addr=::1,ignore", true},
        {"addr=::/0,ignore", "ignore", false},
        {"addr=::/0,ignore", "addr=1.2.3.4,ignore", false},
        {"addr=::/0,ignore", "addr=::ffff:1.2.3.4,ignore", false},
        {"addr=0.0.0.0/0,ignore", "addr=1.2.3.4,ignore", true},
        {"addr=0.0.0.0/0,ignore", "addr=::ffff:1.2.3.4,ignore", true},
        {"addr=0.0.0.0/0,ignore", "addr=::1,ignore", false},
        {"addr=10.0.0.0/8,ignore", "addr=10.1.0.0/16,ignore", true},
        {"addr=10.0.0.0/8,ignore", "addr=10.0.0.0/8,ignore", true},
        {"addr=10.0.0.0/8,ignore", "addr=11.0.0.1,ignore", false},
        {"addr=10.0.0.0/16,ignore", "addr=10.0.0.0/8,ignore", false},
        {"addr=10.0.0.2/31,ignore", "addr=10.0.0.3,ignore", true},
        {"addr=10.0.0.2/31,ignore", "addr=10.0.0.4,ignore", false},
        {"addr=fd00::/8,ignore", "addr=fd12::/16,ignore", true},
        {"addr=fd00::/8,ignore", "addr=fe00::/8,ignore", false},
        /* all of them */
        {"in,tcp,addr=::1,port=80,ignore", "in,tcp,addr=::1,port=80,reject", true},
        {"in,tcp,addr=::1,port=80,ignore", "in,addr=::1,port=80,reject", false},
        {"in,tcp,addr=::1,port=80,ignore", "tcp,addr=::1,port=80,reject", false},
        {"in,tcp,addr=::1,port=80,ignore", "in,tcp,port=80,reject", false},
        {"in,tcp,addr=::1,port=80,ignore", "in,tcp,addr=::1,reject", false},
        /* origin */
        {"ignore", "from-unix=/x,ignore", false},
        {"from-unix=**,ignore", "ignore", false},
        {"from-unix=**,ignore", "from-unix=/run/*,ignore", true},
        {"from-unix=**,ignore", "from-abstract=x,ignore", false},
        {"from-abstract=**,ignore", "from-abstract=x,ignore", true},
        {"from-unix=**,in,ignore", "from-unix=/x,ignore", false},
};

static const struct {
        const char *a, *b;
        bool covers;
} patterns[] = {
        {"", "", true},
        {"/run/*", "/run/*", true},
        {"/run/*", "/run/a", true},
        {"/run/*", "/run/a/b", false},
        {"/run/*", "/run/a*", false}, /* which it does, but that is not found out */
        {"/run/a", "/run/*", false},
        {"/run/?", "/run/\303\251", true},
        {"/run/?", "/run/\\*", false},
        {"/run/[ab]", "/run/a", true},
        {"/run/[ab]", "/run/c", false},
        {"**", "", true},
        {"**", "*", true},
        {"**", "[!a]\\**", true},
        {"/run/**", "/run/a/*", true},
        {"/run/**", "/run/**", true},
        {"/run/**", "/run/", true},
        {"/run/**", "/run/\\[x]?", true},
        {"/run/**", "/run", false},
        {"/run/**", "/ru*", false},
        {"/run/**", "**", false},
        {"/run/**x", "/run/*", false},
        {"/run/*", "/run/**", false},
        {"\\/run/**", "/run/*", false},
        /* the first byte of a character is none of its own */
        {"\303**", "\303\251", false},
        {"\303**", "\303\251*", false},
};

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct parsed a, b;
                struct rule_error error;

                if (parse_text(cases[i].a, &a, &error) < 0)
                        fail_msg("%s: %s", cases[i].a, error.message);
                if (parse_text(cases[i].b, &b, &error) < 0)
                        fail_msg("%s: %s", cases[i].b, error.message);
                if (rule_covers(&a.rule, &b.rule) != cases[i].covers)
                        fail_msg("%s %s %s", cases[i].a,
                                 cases[i].covers ? "does not cover" : "covers", cases[i].b);
        }
}

static void test_patterns(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(patterns); i++) {
                assert_null(glob_check(patterns[i].a));
                assert_null(glob_check(patterns[i].b));
                if (glob_covers(patterns[i].a, patterns[i].b) != patterns[i].covers)
                        fail_msg("'%s' %s '%s'", patterns[i].a,
                                 patterns[i].covers ? "does not cover" : "covers", patterns[i].b);
        }
}

/* Ports and addresses around those of the cases, as any kind of call. */
static struct rule_query make_query(size_t i)
{
        static const char *const addresses[] = {"::",       "::1",      "::2",     "fd12::1",
                                                "fe00::1",  "0.0.0.0",  "1.2.3.4", "10.0.0.2",
                                                "10.1.2.3", "10.0.0.4", "11.0.0.1"};
        static const uint16_t ports[] = {0, 1, 79, 80, 81, 85, 90, 91, 9000, 65535};
        static const char *const names[] = {"", "/x", "x", "/run/a", "/run/a/b"};
        struct rule_query query = {.direction = i % 2 ? RULE_IN : RULE_OUT,
                                   .type = i / 2 % 2 ? RULE_STREAM : RULE_DGRAM};
        const char *address = addresses[i / 12 % N_ELEMENTS(addresses)];

        query.origin = (enum rule_origin)(i / 4 % 3);
        if (query.origin == RULE_FROM_IP) {
                assert_int_equal(rule_address_parse(address, strlen(address), &query.address,
                                                    &query.is_ipv4),
                                 0);
                query.port = ports[i / 12 / N_ELEMENTS(addresses)];
        } else {
                query.name = names[i / 12 % N_ELEMENTS(names)];
                query.name_length = strlen(query.name);
        }
        return query;
}

#define N_QUERIES (12 * 11 * 10)

/* Whatever a rule matches, one that covers it does too. */
static void test_against_matches(void **state)
{
        struct rule rules[2];
        struct parsed parsed[2];
        struct rule_error error;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases) * N_ELEMENTS(cases); i++) {
                const char *a = cases[i / N_ELEMENTS(cases)].a;
                const char *b = cases[i % N_ELEMENTS(cases)].b;

                assert_int_equal(parse_text(a, &parsed[0], &error), 0);
                assert_int_equal(parse_text(b, &parsed[1], &error), 0);
                rules[0] = parsed[0].rule;
                rules[1] = parsed[1].rule;
                if (!rule_covers(&rules[0], &rules[1]))
                        continue;
                for (size_t j = 0; j < N_QUERIES; j++) {
                        struct rule_query query = make_query(j);

                        if (rule_match(rules, 2, &query) == &rules[1])
                                fail_msg("%s does not cover %s, query %zu", a, b, j);
                }
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_patterns),
                cmocka_unit_test(test_against_matches),
        };

        return cmocka_run_group_tests_name("cover", tests, NULL, NULL);
}
