/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <string.h>

#include "rules/address.h"
#include "rules/rule.h"

static const struct rule_query unix_query = {
        .direction = RULE_IN,
        .type = RULE_DGRAM,
        .origin = RULE_FROM_UNIX,
        .name = "/x",
        .name_length = 2,
};

static struct rule_query ip_query(const char *address, uint16_t port, enum rule_type type)
{
        struct rule_query query = {.direction = RULE_IN, .type = type, .port = port};

        assert_int_equal(
                rule_address_parse(address, strlen(address), &query.address, &query.is_ipv4), 0);
        return query;
}

static void assert_expanded(const char *target, const struct rule_query *query,
                            const char *expected)
{
        size_t length = strlen(expected);
        char buffer[256];

        assert_int_equal(rule_expand(target, query, buffer, sizeof(buffer)), length);
        assert_string_equal(buffer, expected);

        /* It fits exactly, or not at all. */
        assert_int_equal(rule_expand(target, query, buffer, length + 1), length);
        assert_string_equal(buffer, expected);
        assert_int_equal(rule_expand(target, query, buffer, length), -ENAMETOOLONG);
        assert_int_equal(rule_expand(target, query, buffer, 0), -ENAMETOOLONG);
}

static void test_ip(void **state)
{
        struct rule_query ipv4 = ip_query("127.0.0.1", 80, RULE_STREAM);
        struct rule_query mapped = ip_query("::ffff:10.0.0.1", 0, RULE_DGRAM);
        struct rule_query ipv6 = ip_query("fd00::1", 65535, RULE_DGRAM);

        (void)state;
        assert_expanded("/run/x", &ipv4, "/run/x");
        assert_expanded("/run/%a-%p.%t", &ipv4, "/run/127.0.0.1-80.tcp");
        assert_expanded("/run/%a-%p.%t", &mapped, "/run/10.0.0.1-0.udp");
        assert_expanded("%a%p%t", &ipv6, "fd00::165535udp");
        assert_expanded("100%%%p", &ipv4, "100%80");
        assert_expanded("%%p", &ipv4, "%p");
}

static void test_unix(void **state)
{
        (void)state;
        assert_expanded("/run/%a-%p.%t", &unix_query, "/run/unknown-unknown.udp");
}

static void test_nothing_known(void **state)
{
        (void)state;
        assert_expanded("/%a/%p/%t/%%", NULL, "/unknown/unknown/unknown/%");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_ip),
                cmocka_unit_test(test_unix),
                cmocka_unit_test(test_nothing_known),
        };

        return cmocka_run_group_tests_name("expand", tests, NULL, NULL);
}
