/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Which rule decides about which socket call. */

#include "tests/rules/cmocka-all.h"

#include "rules/address.h"
#include "tests/rules/rule-text.h"

/*
 * A query in text: DIRECTION TYPE, then an address and a port, or a path, or '@' and an abstract
 * name.
 */
struct query {
        enum rule_direction direction;
        enum rule_type type;
        const char *where;
        uint16_t port;
};

#define IN_TCP  RULE_IN, RULE_STREAM
#define IN_UDP  RULE_IN, RULE_DGRAM
#define OUT_TCP RULE_OUT, RULE_STREAM
#define OUT_UDP RULE_OUT, RULE_DGRAM

static const struct {
        const char *rule;
        struct query query;
        bool matches;
} cases[] = {
        /* direction */
        {"ignore", {IN_TCP, "1.2.3.4", 80}, true},
        {"ignore", {OUT_UDP, "::1", 0}, true},
        {"in,ignore", {IN_TCP, "1.2.3.4", 80}, true},
        {"in,ignore", {OUT_TCP, "1.2.3.4", 80}, false},
        {"out,ignore", {OUT_TCP, "1.2.3.4", 80}, true},
        {"out,ignore", {IN_TCP, "1.2.3.4", 80}, false},
        {"systemd", {IN_TCP, "1.2.3.4", 80}, true},
        {"systemd", {OUT_TCP, "1.2.3.4", 80}, false},
        {"blackhole", {IN_UDP, "1.2.3.4", 80}, true},
        {"blackhole", {OUT_UDP, "1.2.3.4", 80}, false},
        {"reject", {IN_TCP, "1.2.3.4", 80}, true},
        {"reject", {OUT_TCP, "1.2.3.4", 80}, true},
        {"path=/x", {OUT_TCP, "1.2.3.4", 80}, true},
        /* type */
        {"tcp,ignore", {IN_TCP, "1.2.3.4", 80}, true},
        {"tcp,ignore", {IN_UDP, "1.2.3.4", 80}, false},
        {"udp,ignore", {IN_UDP, "1.2.3.4", 80}, true},
        {"udp,ignore", {OUT_TCP, "1.2.3.4", 80}, false},
        /* ports */
        {"port=80,ignore", {IN_TCP, "1.2.3.4", 79}, false},
        {"port=80,ignore", {IN_TCP, "1.2.3.4", 80}, true},
        {"port=80,ignore", {IN_TCP, "1.2.3.4", 81}, false},
        {"port=80-82,ignore", {IN_TCP, "1.2.3.4", 79}, false},
        {"port=80-82,ignore", {IN_TCP, "1.2.3.4", 80}, true},
        {"port=80-82,ignore", {IN_TCP, "1.2.3.4", 82}, true},
        {"port=80-82,ignore", {IN_TCP, "1.2.3.4", 83}, false},
        {"port=1-65535,ignore", {IN_TCP, "1.2.3.4", 0}, false},
        {"port=1-65535,ignore", {IN_TCP, "1.2.3.4", 1}, true},
        {"port=1-65535,ignore", {IN_TCP, "1.2.3.4", 65535}, true},
        {"port=0,ignore", {IN_TCP, "1.2.3.4", 0}, true},
        {"port=0,ignore", {IN_TCP, "1.2.3.4", 1}, false},
        {"ignore", {IN_TCP, "1.2.3.4", 65535}, true},
        /* addresses and prefixes */
        {"addr=127.0.0.1,ignore", {IN_TCP, "127.0.0.1", 80}, true},
        {"addr=127.0.0.1,ignore", {IN_TCP, "127.0.0.2", 80}, false},
        {"addr=127.0.0.1,ignore", {IN_TCP, "::ffff:127.0.0.1", 80}, true},
        {"addr=127.0.0.1,ignore", {IN_TCP, "::127.0.0.1", 80}, false},
        {"addr=::ffff:127.0.0.1,ignore", {IN_TCP, "127.0.0.1", 80}, true},
        {"addr=0.0.0.0,ignore", {IN_TCP, "0.0.0.0", 80}, true},
        {"addr=0.0.0.0,ignore", {IN_TCP, "127.0.0.1", 80}, false},
        {"addr=0.0.0.0,ignore", {IN_TCP, "::", 80}, false},
        {"addr=0.0.0.0/0,ignore", {IN_TCP, "255.255.255.255", 80}, true},
        {"addr=0.0.0.0/0,ignore", {IN_TCP, "::ffff:1.2.3.4", 80}, true},
        {"addr=0.0.0.0/0,ignore", {IN_TCP, "::1", 80}, false},
        {"addr=0.0.0.0/1,ignore", {IN_TCP, "127.255.255.255", 80}, true},
        {"addr=0.0.0.0/1,ignore", {IN_TCP, "128.0.0.0", 80}, false},
        {"addr=10.0.0.0/8,ignore", {IN_TCP, "10.0.0.0", 80}, true},
        {"addr=10.0.0.0/8,ignore", {IN_TCP, "10.255.255.255", 80}, true},
        {"addr=10.0.0.0/8,ignore", {IN_TCP, "9.255.255.255", 80}, false},
        {"addr=10.0.0.0/8,ignore", {IN_TCP, "11.0.0.0", 80}, false},
        {"addr=10.0.0.2/31,ignore", {IN_TCP, "10.0.0.1", 80}, false},
        {"addr=10.0.0.2/31,ignore", {IN_TCP, "10.0.0.2", 80}, true},
        {"addr=10.0.0.2/31,ignore", {IN_TCP, "10.0.0.3", 80}, true},
        {"addr=10.0.0.2/31,ignore", {IN_TCP, "10.0.0.4", 80}, false},
        {"addr=10.0.0.2/32,ignore", {IN_TCP, "10.0.0.2", 80}, true},
        {"addr=10.0.0.2/32,ignore", {IN_TCP, "10.0.0.3", 80}, false},
        {"addr=::/0,ignore", {IN_TCP, "::1", 80}, true},
        {"addr=::/0,ignore", {IN_TCP, "ffff::", 80}, true},
        {"addr=::/0,ignore", {IN_TCP, "10.0.0.1", 80}, false},
        {"addr=::/0,ignore", {IN_TCP, "::ffff:10.0.0.1", 80}, false},
        {"addr=::/64,ignore", {IN_TCP, "::ffff:10.0.0.1", 80}, false},
        {"addr=::,ignore", {IN_TCP, "::", 80}, true},
        {"addr=::,ignore", {IN_TCP, "::1", 80}, false},
        {"addr=::,ignore", {IN_TCP, "0.0.0.0", 80}, false},
        {"addr=fd00::/8,ignore", {IN_TCP, "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 80}, true},
        {"addr=fd00::/8,ignore", {IN_TCP, "fe00::", 80}, false},
        {"addr=2001:db8::/65,ignore", {IN_TCP, "2001:db8::7fff:ffff:ffff:ffff", 80}, true},
        {"addr=2001:db8::/65,ignore", {IN_TCP, "2001:db8::8000:0:0:0", 80}, false},
        {"addr=2001:db8::/127,ignore", {IN_TCP, "2001:db8::1", 80}, true},
        {"addr=2001:db8::/127,ignore", {IN_TCP, "2001:db8::2", 80}, false},
        {"addr=2001:db8::1/128,ignore", {IN_TCP, "2001:db8::1", 80}, true},
        {"addr=2001:db8::1/128,ignore", {IN_TCP, "2001:db8::", 80}, false},
        /* all of them have to hold */
        {"in,tcp,addr=::1,port=80,ignore", {IN_TCP, "::1", 80}, true},
        {"in,tcp,addr=::1,port=80,ignore", {OUT_TCP, "::1", 80}, false},
        {"in,tcp,addr=::1,port=80,ignore", {IN_UDP, "::1", 80}, false},
        {"in,tcp,addr=::1,port=80,ignore", {IN_TCP, "::2", 80}, false},
        {"in,tcp,addr=::1,port=80,ignore", {IN_TCP, "::1", 81}, false},
        /* origin */
        {"ignore", {IN_TCP, "/run/x", 0}, false},
        {"ignore", {IN_TCP, "@x", 0}, false},
        {"from-unix=**,ignore", {IN_TCP, "1.2.3.4", 80}, false},
        {"from-unix=/run/*,ignore", {IN_TCP, "/run/x", 0}, true},
        {"from-unix=/run/*,ignore", {IN_TCP, "@/run/x", 0}, false},
        {"from-unix=/run/*,ignore", {IN_TCP, "/run/x/y", 0}, false},
        {"out,udp,from-unix=/run/*,ignore", {OUT_UDP, "/run/x", 0}, true},
        {"out,udp,from-unix=/run/*,ignore", {OUT_TCP, "/run/x", 0}, false},
        {"from-unix=x,systemd", {OUT_TCP, "x", 0}, false},
        {"from-abstract=a*,ignore", {IN_TCP, "@abc", 0}, true},
        {"from-abstract=a*,ignore", {IN_TCP, "@bc", 0}, false},
        {"from-abstract=a*,ignore", {IN_TCP, "/abc", 0}, false},
        {"from-abstract=*,ignore", {IN_TCP, "@", 0}, true},
        {"from-abstract=a\\,b,ignore", {IN_TCP, "@a,b", 0}, true},
        {"from-unix=/a\\*,ignore", {IN_TCP, "/a*", 0}, true},
        {"from-unix=/a\\*,ignore", {IN_TCP, "/ab", 0}, false},
        {"from-unix=/a\\\\\\\\b,ignore", {IN_TCP, "/a\\b", 0}, true},
};

static struct rule_query to_query(const struct query *query)
{
        struct rule_query ret = {
                .direction = query->direction, .type = query->type, .port = query->port};
        bool abstract = *query->where == '@';

        if (rule_address_parse(query->where, strlen(query->where), &ret.address, &ret.is_ipv4) >= 0)
                return ret;
        ret.origin = abstract ? RULE_FROM_ABSTRACT : RULE_FROM_UNIX;
        ret.name = query->where + abstract;
        ret.name_length = strlen(ret.name);
        return ret;
}

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct rule_query query = to_query(&cases[i].query);
                struct parsed parsed;
                struct rule_error error;
                const struct rule *found;

                if (parse_text(cases[i].rule, &parsed, &error) < 0)
                        fail_msg("%s: %s", cases[i].rule, error.message);
                found = rule_match(&parsed.rule, 1, &query);
                if (found != (cases[i].matches ? &parsed.rule : NULL))
                        fail_msg("%s against %s %u: %s", cases[i].rule, cases[i].query.where,
                                 cases[i].query.port, found ? "matches" : "does not match");
        }
}

/* An unnamed Unix socket has no name to point at. */
static void test_no_name(void **state)
{
        struct rule_query query = {
                .direction = RULE_IN, .type = RULE_STREAM, .origin = RULE_FROM_UNIX};
        struct parsed all, some;
        struct rule_error error;

        (void)state;
        assert_int_equal(parse_text("from-unix=**,ignore", &all, &error), 0);
        assert_int_equal(parse_text("from-unix=?,ignore", &some, &error), 0);
        assert_ptr_equal(rule_match(&all.rule, 1, &query), &all.rule);
        assert_null(rule_match(&some.rule, 1, &query));
}

static void test_first_one_decides(void **state)
{
        static const char *const texts[] = {"out,ignore", "port=80,reject", "in,blackhole",
                                            "ignore"};
        struct parsed parsed[N_ELEMENTS(texts)];
        struct rule rules[N_ELEMENTS(texts)];
        struct rule_error error;
        struct rule_query query = to_query(&(struct query){IN_TCP, "1.2.3.4", 80});

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
                assert_int_equal(parse_text(texts[i], &parsed[i], &error), 0);
                rules[i] = parsed[i].rule;
        }
        assert_ptr_equal(rule_match(rules, 4, &query), &rules[1]);
        query.port = 81;
        assert_ptr_equal(rule_match(rules, 4, &query), &rules[2]);
        query.direction = RULE_OUT;
        assert_ptr_equal(rule_match(rules, 4, &query), &rules[0]);
        assert_ptr_equal(rule_match(rules + 1, 3, &query), &rules[3]);
        assert_null(rule_match(rules + 1, 2, &query));
        assert_null(rule_match(rules, 0, &query));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_no_name),
                cmocka_unit_test(test_first_one_decides),
        };

        return cmocka_run_group_tests_name("match", tests, NULL, NULL);
}
