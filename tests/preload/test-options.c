/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The table of emulated options: what a fresh IP socket answers, and what may be set. */

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "preload/option-table.h"

static int value_of(const struct option_values *values, int level, int name)
{
        const int place = option_find(level, name, NULL);

        assert_in_range(place, 0, OPTION_COUNT - 1);
        return values->value[place];
}

static void test_find(void **state)
{
        struct option_range range = {0};

        (void)state;
        assert_int_equal(option_find(IPPROTO_TCP, TCP_NODELAY, &range), OPTION_NODELAY);
        assert_true(range.boolean);
        assert_int_equal(option_find(IPPROTO_TCP, TCP_CORK, NULL), OPTION_CORK);
        assert_int_equal(option_find(SOL_SOCKET, SO_REUSEPORT, NULL), OPTION_REUSEPORT);
        assert_true(option_find(IPPROTO_TCP, TCP_KEEPIDLE, &range) >= 0);
        assert_int_equal(range.min, 1);
        assert_int_equal(range.max, 32767);
        /* The Unix socket has these itself. */
        assert_int_equal(option_find(SOL_SOCKET, SO_KEEPALIVE, NULL), -1);
        assert_int_equal(option_find(SOL_SOCKET, SO_RCVBUF, NULL), -1);
        /* The same number at another level is another option. */
        assert_int_not_equal(option_find(IPPROTO_IP, IP_TOS, NULL),
                             option_find(IPPROTO_TCP, TCP_NODELAY, NULL));
        assert_int_equal(option_find(77, TCP_NODELAY, NULL), -1);
}

static void test_defaults(void **state)
{
        struct option_values values;

        (void)state;
        option_defaults(&values);
        assert_int_equal(value_of(&values, IPPROTO_TCP, TCP_NODELAY), 0);
        assert_int_equal(value_of(&values, IPPROTO_TCP, TCP_KEEPIDLE), 7200);
        assert_int_equal(value_of(&values, IPPROTO_TCP, TCP_KEEPINTVL), 75);
        assert_int_equal(value_of(&values, IPPROTO_IP, IP_TTL), 64);
        assert_int_equal(value_of(&values, IPPROTO_IPV6, IPV6_V6ONLY), 0);
}

/* What the program has set on the IP socket is taken over, what it has not is as fresh. */
static void test_snapshot(void **state)
{
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, idle = 99, tos = 16;
        struct option_values values;

        (void)state;
        if (fd < 0)
                skip();
        assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)), 0);
        assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle)), 0);
        assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_TOS, &tos, sizeof(tos)), 0);
        assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)), 0);
        option_defaults(&values);
        option_snapshot(fd, &values);
        assert_int_equal(values.value[OPTION_NODELAY], 1);
        assert_int_equal(values.value[OPTION_CORK], 0);
        assert_int_equal(values.value[OPTION_REUSEPORT], 1);
        assert_int_equal(value_of(&values, IPPROTO_TCP, TCP_KEEPIDLE), 99);
        assert_int_equal(value_of(&values, IPPROTO_IP, IP_TOS), 16);
        /* An IPv4 socket has none of these: they keep their defaults. */
        assert_int_equal(value_of(&values, IPPROTO_IPV6, IPV6_V6ONLY), 0);
        assert_int_equal(value_of(&values, IPPROTO_IPV6, IPV6_UNICAST_HOPS), 64);
        close(fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_find),
                cmocka_unit_test(test_defaults),
                cmocka_unit_test(test_snapshot),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
