/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules that are fine: what they mean, and the canonical form they have. */

#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <stdio.h>

#include "tests/rules/rule-text.h"

static const struct {
        const char *text;
        const char *canonical; /* NULL: the same */
} good[] = {
        {"ignore", NULL},
        {"in,ignore", NULL},
        {"out,ignore", NULL},
        {"ignore,in", "in,ignore"},
        {"stream,ignore", "tcp,ignore"},
        {"dgram,ignore", "udp,ignore"},
        {"datagram,ignore", "udp,ignore"},
        {"udp,ignore", NULL},
        {"tcp,in,systemd=http,port=5232", "in,tcp,port=5232,systemd=http"},
        {"in,tcp,addr=127.0.0.1,port=80-90,systemd", NULL},
        {"address=10.0.0.0/8,reject", "addr=10.0.0.0/8,reject"},
        {"addr=10.1.2.3/32,reject", "addr=10.1.2.3,reject"},
        {"addr=10.1.2.3/8,reject", "addr=10.0.0.0/8,reject"},
        {"addr=0.0.0.0/0,reject", NULL},
        {"addr=::/0,reject", NULL},
        {"addr=::,reject", NULL},
        {"addr=FD00:0:0:0::/8,reject", "addr=fd00::/8,reject"},
        {"addr=2001:db8::1/128,reject", "addr=2001:db8::1,reject"},
        {"addr=::ffff:127.0.0.1,reject", "addr=127.0.0.1,reject"},
        {"addr=::ffff:10.0.0.0/104,reject", "addr=10.0.0.0/8,reject"},
        {"addr=::ffff:0:0/96,reject", "addr=0.0.0.0/0,reject"},
        {"port=0,ignore", NULL},
        {"port=1,ignore", NULL},
        {"port=65535,ignore", NULL},
        {"port=1-65535,ignore", NULL},
        {"port=65534-65535,ignore", NULL},
        {"from-unix=/run/*/x.sock,ignore", NULL},
        {"from-unix=**,ignore", NULL},
        {"from-unix=/a\\*b,ignore", "from-unix=/a\\\\*b,ignore"},
        {"from-unix=[]a-c]?,ignore", NULL},
        {"from-abstract=x y,ignore", NULL},
        {"from-abstract=a\\,b,reject", NULL},
        {"out,path=/run/x.sock", NULL},
        {"path=/run/a\\,b", NULL},
        {"path=/run/a\\\\b", NULL},
        {"path=/run/a\\b", "path=/run/a\\\\b"},
        {"path=/run/a\\", "path=/run/a\\\\"},
        {"path=/run/a\\\\\\,b,in", "in,path=/run/a\\\\\\,b"},
        {"path=/run/a\\\\,in", "in,path=/run/a\\\\"},
        {"path=/run/%p-%a-%t-%%", NULL},
        {"path=/run/a=b", NULL},
        {"path=/run/\xc3\xa4", NULL},
        {"path=/run/\xff", NULL},
        {"path=/x,group=www-data,mode=660,noremove,user=0,peer=credentials",
         "path=/x,noremove,mode=0660,user=0,group=www-data,peer=credentials"},
        {"path=/x,mode=0", "path=/x,mode=0000"},
        {"path=/x,mode=0777", NULL},
        {"path=/x,user=4294967294", NULL},
        {"abstract=x", NULL},
        {"abstract=/x/%p", NULL},
        {"abstract=x,peer=credentials", NULL},
        {"systemd", NULL},
        {"systemd,peer=credentials", NULL},
        {"systemd=a.B_c-9,peer=credentials", NULL},
        {"reject", NULL},
        {"reject=EACCES", "reject"},
        {"reject=econnrefused", "reject=ECONNREFUSED"},
        {"reject=1", "reject=EPERM"},
        {"reject=EWOULDBLOCK", "reject=EAGAIN"},
        {"reject=4095", NULL},
        {"blackhole", NULL},
        {"in,blackhole", NULL},
        {"inet=127.0.0.1", NULL},
        {"inet=127.0.0.1:80", NULL},
        {"inet=[::1]", NULL},
        {"inet=[0::1]:65535", "inet=[::1]:65535"},
        {"inet=[::ffff:1.2.3.4]:80", "inet=1.2.3.4:80"},
        {"addr=10.0.0.1,inet=127.0.0.1", NULL},
        {"addr=fd00::1,inet=[::1]", NULL},
};

static void assert_canonical(const char *text, const char *canonical)
{
        struct parsed parsed;
        struct rule_error error;
        char formatted[512];
        ssize_t length;

        if (parse_text(text, &parsed, &error) < 0)
                fail_msg("%s: %s", text, error.message);
        length = rule_format(&parsed.rule, formatted, sizeof(formatted));
        assert_string_equal(formatted, canonical);
        assert_int_equal(length, strlen(canonical));
}

static void test_canonical(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(good); i++) {
                const char *canonical = good[i].canonical ?: good[i].text;

                assert_canonical(good[i].text, canonical);
                assert_canonical(canonical, canonical);
        }
}

static void test_fields(void **state)
{
        struct parsed parsed;
        struct rule_error error;
        const struct rule *rule = &parsed.rule;

        (void)state;
        assert_int_equal(parse_text("in,udp,addr=10.0.0.0/8,port=7-9,path=/a\\,b,noremove,mode=640,"
                                    "user=u,group=7,peer=credentials",
                                    &parsed, &error),
                         0);
        assert_int_equal(rule->direction, RULE_IN);
        assert_int_equal(rule->type, RULE_DGRAM);
        assert_int_equal(rule->origin, RULE_FROM_IP);
        assert_int_equal(rule->action, RULE_PATH);
        assert_true(rule->has_address);
        assert_true(rule->address_is_ipv4);
        assert_int_equal(rule->prefix_length, 104);
        assert_int_equal(rule->port_first, 7);
        assert_int_equal(rule->port_last, 9);
        assert_null(rule->from);
        assert_string_equal(rule->target, "/a,b");
        assert_true(rule->noremove);
        assert_int_equal(rule->mode, 0640);
        assert_string_equal(rule->user, "u");
        assert_string_equal(rule->group, "7");
        assert_true(rule->peer_credentials);
}

static void test_defaults(void **state)
{
        struct parsed parsed;
        struct rule_error error;
        const struct rule *rule = &parsed.rule;

        (void)state;
        assert_int_equal(parse_text("reject", &parsed, &error), 0);
        assert_int_equal(rule->direction, RULE_BOTH);
        assert_int_equal(rule->type, RULE_ANY_TYPE);
        assert_int_equal(rule->origin, RULE_FROM_IP);
        assert_int_equal(rule->reject_errno, EACCES);
        assert_false(rule->has_address);
        assert_int_equal(rule->port_first, 0);
        assert_int_equal(rule->port_last, 65535);
        assert_null(rule->target);
        assert_null(rule->fdname);
        assert_null(rule->user);
        assert_null(rule->group);
        assert_int_equal(rule->mode, RULE_MODE_UNSET);
        assert_false(rule->noremove);
        assert_false(rule->peer_credentials);
}

/* The text need not be terminated, and is not needed afterwards. */
static void test_text_is_copied(void **state)
{
        char text[] = "systemd=httpX";
        char memory[RULE_ARENA_SIZE(sizeof("systemd=http") - 1)];
        struct rule_arena arena = {memory, memory + sizeof(memory)};
        struct rule rule;
        struct rule_error error;

        (void)state;
        assert_int_equal(rule_parse(text, strlen(text) - 1, 0, &arena, &rule, &error, NULL, NULL),
                         0);
        memset(text, '#', sizeof(text));
        assert_string_equal(rule.fdname, "http");
        assert_ptr_equal(arena.next, memory + sizeof("http"));
}

/* A failure gives the arena back and leaves the result alone. */
static void test_failure_leaves_all_alone(void **state)
{
        char memory[64];
        struct rule_arena arena = {memory, memory + sizeof(memory)};
        struct rule rule, before;
        struct rule_error error;

        (void)state;
        memset(&rule, 0x5a, sizeof(rule));
        memcpy(&before, &rule, sizeof(rule));
        assert_int_equal(rule_parse("path=/x,in,tpc", 14, 0, &arena, &rule, &error, NULL, NULL),
                         -EINVAL);
        assert_ptr_equal(arena.next, memory);
        assert_memory_equal(&rule, &before, sizeof(rule));
}

static void test_small_arena(void **state)
{
        char memory[8];
        struct rule_arena arena = {memory, memory + sizeof(memory)};
        struct rule rule;
        struct rule_error error;

        (void)state;
        assert_int_equal(rule_parse("path=/run/xxx", 13, 0, &arena, &rule, &error, NULL, NULL),
                         -ENOMEM);
        assert_string_equal(error.message, "no memory left for '/run/xxx'");
        assert_int_equal(rule_parse("path=/run/xx", 12, 0, &arena, &rule, &error, NULL, NULL), 0);
        assert_ptr_equal(arena.next, arena.end);
}

static void test_relative_paths(void **state)
{
        struct parsed parsed;
        struct rule_error error;
        struct rule_arena arena = {parsed.memory, parsed.memory + sizeof(parsed.memory)};

        (void)state;
        assert_int_equal(rule_parse("path=x.sock", 11, RULE_PARSE_RELATIVE_PATHS, &arena,
                                    &parsed.rule, &error, NULL, NULL),
                         0);
        assert_string_equal(parsed.rule.target, "x.sock");
        assert_int_equal(parse_text("path=x.sock", &parsed, &error), -EINVAL);
}

static void test_format_in_small_buffers(void **state)
{
        static const char text[] = "in,tcp,port=80,systemd=http";
        struct parsed parsed;
        struct rule_error error;
        char buffer[sizeof(text)];

        (void)state;
        assert_int_equal(parse_text(text, &parsed, &error), 0);
        for (size_t size = 0; size < sizeof(text); size++)
                assert_int_equal(rule_format(&parsed.rule, buffer, size), -ENOBUFS);
        assert_int_equal(rule_format(&parsed.rule, buffer, sizeof(text)), sizeof(text) - 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_canonical),
                cmocka_unit_test(test_fields),
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_text_is_copied),
                cmocka_unit_test(test_failure_leaves_all_alone),
                cmocka_unit_test(test_small_arena),
                cmocka_unit_test(test_relative_paths),
                cmocka_unit_test(test_format_in_small_buffers),
        };

        return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
