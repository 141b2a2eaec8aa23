/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "rules/address.h"

static const struct {
        const char *text;
        const char *formatted; /* NULL: the same */
} good[] = {
        {"0.0.0.0", NULL},
        {"127.0.0.1", NULL},
        {"255.255.255.255", NULL},
        {"::", NULL},
        {"::1", NULL},
        {"1::", NULL},
        {"0:0:0:0:0:0:0:0", "::"},
        {"1:2:3:4:5:6:7:8", NULL},
        {"::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"},
        {"1::3:4:5:6:7:8", "1:0:3:4:5:6:7:8"},
        {"1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"},
        {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
        {"1:0:0:2:3:0:0:4", "1::2:3:0:0:4"},
        {"FE80::ABCD", "fe80::abcd"},
        {"2001:0db8::0001", "2001:db8::1"},
        {"64:ff9b::1.2.3.4", "64:ff9b::102:304"},
        {"1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"},
        {"::1.2.3.4", "::102:304"},
        {"::ffff:1.2.3.4", "1.2.3.4"},
        {"::ffff:102:304", "1.2.3.4"},
        {"0:0:0:0:0:FFFF:1.2.3.4", "1.2.3.4"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL},
};

static void test_good(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(good); i++) {
                struct rule_address address;
                struct in6_addr expected;
                char formatted[RULE_ADDRESS_TEXT_MAX];
                bool ipv4;
                size_t length;

                if (rule_address_parse(good[i].text, strlen(good[i].text), &address, &ipv4) < 0)
                        fail_msg("%s: not parsed", good[i].text);
                length = rule_address_format(&address, ipv4, formatted);
                assert_string_equal(formatted, good[i].formatted ?: good[i].text);
                assert_int_equal(length, strlen(formatted));
                assert_int_equal(ipv4, rule_address_is_mapped(&address));

                /* The C library agrees about what it means. */
                if (inet_pton(AF_INET6, good[i].text, &expected) == 1)
                        assert_memory_equal(&expected, &address, 16);
                else
                        assert_int_equal(inet_pton(AF_INET, good[i].text, &expected), 1);
        }
}

static const char *const bad[] = {
        "",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.",
        ".1.2.3",
        "1..2.3",
        "256.0.0.1",
        "1.2.3.1000",
        "01.2.3.4",
        "1.2.3.00",
        "1.2.3.4 ",
        " 1.2.3.4",
        "1.2.3.x",
        "0x1.2.3.4",
        "-1.2.3.4",
        ":",
        ":::",
        "::1::",
        "1::2::3",
        ":1",
        "1:",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8:",
        ":1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        "::1:2:3:4:5:6:7:8",
        "12345::",
        "::g",
        "::1%lo",
        "[::1]",
        "::1.2.3",
        "::1.2.3.4:5",
        "::1.2.3.256",
        "1:2:3:4:5:6:7:1.2.3.4",
        "1.2.3.4::",
        "1:2:3:4:5:1.2.3.4",
        "::ffff:01.2.3.4",
        "1:2:3:4:5:6:7:8::",
};

static void test_bad(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                struct rule_address address;
                bool ipv4;

                if (rule_address_parse(bad[i], strlen(bad[i]), &address, &ipv4) != -EINVAL)
                        fail_msg("'%s' is accepted", bad[i]);
        }
}

/* The text ends where its length says. */
static void test_length(void **state)
{
        struct rule_address address;
        char formatted[RULE_ADDRESS_TEXT_MAX];
        bool ipv4;

        (void)state;
        assert_int_equal(rule_address_parse("10.0.0.12", 8, &address, &ipv4), 0);
        rule_address_format(&address, ipv4, formatted);
        assert_string_equal(formatted, "10.0.0.1");
        assert_int_equal(rule_address_parse("::12", 3, &address, &ipv4), 0);
        rule_address_format(&address, ipv4, formatted);
        assert_string_equal(formatted, "::1");
}

static void test_from_ipv4(void **state)
{
        struct in_addr in = {.s_addr = htonl(0x0a010203)};
        struct rule_address address = rule_address_from_ipv4(&in), parsed;
        bool ipv4;

        (void)state;
        assert_int_equal(rule_address_parse("10.1.2.3", 8, &parsed, &ipv4), 0);
        assert_memory_equal(&address, &parsed, sizeof(address));
        assert_true(rule_address_is_mapped(&address));
}

/* Asked for the IPv6 form of a mapped address, the dotted notation stays. */
static void test_mapped_as_ipv6(void **state)
{
        struct rule_address address;
        char formatted[RULE_ADDRESS_TEXT_MAX];
        bool ipv4;

        (void)state;
        assert_int_equal(rule_address_parse("255.255.255.255", 15, &address, &ipv4), 0);
        assert_int_equal(rule_address_format(&address, false, formatted), 22);
        assert_string_equal(formatted, "::ffff:255.255.255.255");
}

/* Any 16 bytes come back from their text, and the C library writes the same. */
static void test_round_trip(void **state)
{
        uint64_t seed = 7;

        (void)state;
        for (unsigned i = 0; i < 20000; i++) {
                struct rule_address address, back;
                char formatted[RULE_ADDRESS_TEXT_MAX], expected[INET6_ADDRSTRLEN];
                bool ipv4;
                size_t length;

                for (size_t j = 0; j < 16; j++) {
                        seed = seed * 6364136223846793005u + 1442695040888963407u;
                        address.bytes[j] = seed >> 63 ? (uint8_t)(seed >> 40) : 0;
                }
                length = rule_address_format(&address, false, formatted);
                assert_int_equal(rule_address_parse(formatted, length, &back, &ipv4), 0);
                assert_memory_equal(&address, &back, sizeof(back));

                /* glibc writes ::/96 in the dotted notation, which RFC 5952 does not ask for. */
                inet_ntop(AF_INET6, address.bytes, expected, sizeof(expected));
                if (strchr(expected, '.') == NULL)
                        assert_string_equal(formatted, expected);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good),           cmocka_unit_test(test_bad),
                cmocka_unit_test(test_length),         cmocka_unit_test(test_from_ipv4),
                cmocka_unit_test(test_mapped_as_ipv6), cmocka_unit_test(test_round_trip),
        };

        return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
