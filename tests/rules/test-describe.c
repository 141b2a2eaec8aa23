/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>

#include "tests/rules/rule-text.h"

static const struct {
        const char *rule;
        const char *sentence;
        const char *direction;
        const char *sockets;
        const char *place;
        const char *action;
} cases[] = {
        {"in,tcp,port=5232,systemd=http",
         "listening TCP sockets on port 5232 use the socket named 'http' that systemd passed", "in",
         "TCP", "port 5232", "use the socket named 'http' that systemd passed"},
        {"systemd", "listening IP sockets use a socket that systemd passed and no rule names", "in",
         "IP", "any", "use a socket that systemd passed and no rule names"},
        {"ignore", "IP sockets are left alone", "in, out", "IP", "any", "are left alone"},
        {"out,udp,addr=10.0.0.0/8,reject=ENETUNREACH",
         "connecting UDP sockets to an address in 10.0.0.0/8 fail with ENETUNREACH", "out", "UDP",
         "10.0.0.0/8", "fail with ENETUNREACH"},
        {"addr=::1,port=80-90,reject=4000",
         "IP sockets with address ::1 and ports 80-90 fail with 4000", "in, out", "IP",
         "::1, ports 80-90", "fail with 4000"},
        {"blackhole", "listening IP sockets seem to listen, and nothing comes in", "in", "IP",
         "any", "seem to listen, and nothing comes in"},
        {"in,tcp,blackhole", "listening TCP sockets seem to listen, and nobody can connect", "in",
         "TCP", "any", "seem to listen, and nobody can connect"},
        {"in,udp,blackhole", "listening UDP sockets seem to be bound, and nothing comes in", "in",
         "UDP", "any", "seem to be bound, and nothing comes in"},
        {"from-unix=/run/*,ignore", "Unix sockets whose path matches '/run/*' are left alone",
         "in, out", "Unix", "path '/run/*'", "are left alone"},
        {"in,tcp,from-abstract=x,path=/y",
         "listening Unix stream sockets whose name matches 'x' use the Unix socket '/y'", "in",
         "Unix stream", "abstract name 'x'", "use the Unix socket '/y'"},
        {"udp,from-abstract=x,abstract=y",
         "Unix datagram sockets whose name matches 'x' use the abstract Unix socket 'y'", "in, out",
         "Unix datagram", "abstract name 'x'", "use the abstract Unix socket 'y'"},
        {"in,path=/x,noremove,mode=0660,user=u,group=7,peer=credentials",
         "listening IP sockets use the Unix socket '/x' (kept when closed, mode 0660, user 'u', "
         "group 7, peers' addresses carry their credentials)",
         "in", "IP", "any",
         "use the Unix socket '/x' (kept when closed, mode 0660, user 'u', group 7, peers' "
         "addresses carry their credentials)"},
        {"systemd=x,peer=credentials",
         "listening IP sockets use the socket named 'x' that systemd passed (peers' addresses "
         "carry their credentials)",
         "in", "IP", "any",
         "use the socket named 'x' that systemd passed (peers' addresses carry their credentials)"},
        {"out,port=1,inet=[::1]:2",
         "connecting IP sockets to port 1 use the address [::1]:2 instead", "out", "IP", "port 1",
         "use the address [::1]:2 instead"},
        {"out,inet=127.0.0.1", "connecting IP sockets use the address 127.0.0.1 instead", "out",
         "IP", "any", "use the address 127.0.0.1 instead"},
        {"path=/\xff\xc3\xa4", "IP sockets use the Unix socket '/\\xff\xc3\xa4'", "in, out", "IP",
         "any", "use the Unix socket '/\\xff\xc3\xa4'"},
};

typedef ssize_t (*describe_fn)(const struct rule *rule, char *ret, size_t size);

static void assert_described(describe_fn describe, const struct rule *rule, const char *expected)
{
        size_t length = strlen(expected);
        char buffer[512];

        assert_int_equal(describe(rule, buffer, sizeof(buffer)), length);
        assert_string_equal(buffer, expected);

        assert_int_equal(describe(rule, buffer, length + 1), length);
        assert_int_equal(describe(rule, buffer, length), -ENOBUFS);
        assert_int_equal(describe(rule, buffer, 0), -ENOBUFS);
}

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                struct parsed parsed;
                struct rule_error error;

                if (parse_text(cases[i].rule, &parsed, &error) < 0)
                        fail_msg("%s: %s", cases[i].rule, error.message);
                assert_described(rule_describe, &parsed.rule, cases[i].sentence);
                assert_described(rule_describe_direction, &parsed.rule, cases[i].direction);
                assert_described(rule_describe_sockets, &parsed.rule, cases[i].sockets);
                assert_described(rule_describe_place, &parsed.rule, cases[i].place);
                assert_described(rule_describe_action, &parsed.rule, cases[i].action);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
        };

        return cmocka_run_group_tests_name("describe", tests, NULL, NULL);
}
