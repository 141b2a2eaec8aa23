/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Addresses in and out of struct sockaddr, and the ports that clients are told to have. */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "preload/endpoint.h"

static struct sockaddr_in in_of(const char *host, uint16_t port)
{
        struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};

        assert_int_equal(inet_pton(AF_INET, host, &in.sin_addr), 1);
        return in;
}

static struct sockaddr_in6 in6_of(const char *host, uint16_t port)
{
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

        assert_int_equal(inet_pton(AF_INET6, host, &in6.sin6_addr), 1);
        return in6;
}

static void test_read_ipv4(void **state)
{
        static const uint8_t mapped[16] = {[10] = 0xff, 0xff, 192, 0, 2, 7};
        struct sockaddr_in in = in_of("192.0.2.7", 8080);
        struct endpoint endpoint;
        bool ipv4 = false;

        (void)state;
        assert_true(endpoint_read((struct sockaddr *)&in, sizeof(in), &endpoint, &ipv4));
        assert_true(ipv4);
        assert_int_equal(endpoint.port, 8080);
        assert_memory_equal(endpoint.address.bytes, mapped, 16);
}

static void test_read_ipv6(void **state)
{
        struct sockaddr_in6 in6 = in6_of("fd00::1:2", 53);
        struct endpoint endpoint;
        bool ipv4 = true;

        (void)state;
        assert_true(endpoint_read((struct sockaddr *)&in6, sizeof(in6), &endpoint, &ipv4));
        assert_false(ipv4);
        assert_int_equal(endpoint.port, 53);
        assert_memory_equal(endpoint.address.bytes, &in6.sin6_addr, 16);
        /* Without the scope, which RFC 2133 did not have. */
        assert_true(endpoint_read((struct sockaddr *)&in6, 24, &endpoint, NULL));
        assert_false(endpoint_read((struct sockaddr *)&in6, 23, &endpoint, NULL));

        in6 = in6_of("::ffff:127.0.0.1", 80);
        assert_true(endpoint_read((struct sockaddr *)&in6, sizeof(in6), &endpoint, &ipv4));
        assert_true(ipv4);
}

static void test_read_refuses(void **state)
{
        struct sockaddr_in in = in_of("127.0.0.1", 80);
        const struct sockaddr_un un = {.sun_family = AF_UNIX};
        struct endpoint endpoint;

        (void)state;
        assert_false(endpoint_read(NULL, 16, &endpoint, NULL));
        assert_false(endpoint_read((struct sockaddr *)&in, 15, &endpoint, NULL));
        assert_false(endpoint_read((const struct sockaddr *)&un, sizeof(un), &endpoint, NULL));

        /* bind(2): AF_UNSPEC with a zero address is AF_INET. */
        in.sin_family = AF_UNSPEC;
        assert_false(endpoint_read((struct sockaddr *)&in, sizeof(in), &endpoint, NULL));
        in.sin_addr.s_addr = INADDR_ANY;
        assert_true(endpoint_read((struct sockaddr *)&in, sizeof(in), &endpoint, NULL));
}

static void check_round_trip(const struct sockaddr *addr, socklen_t size, sa_family_t family)
{
        struct endpoint endpoint;

        assert_true(endpoint_read(addr, size, &endpoint, NULL));
        for (socklen_t room = 0; room <= size + 4; room++) {
                unsigned char buffer[64];
                socklen_t length = room;

                memset(buffer, 0xaa, sizeof(buffer));
                endpoint_write(&endpoint, family, (struct sockaddr *)buffer, &length);
                assert_int_equal(length, size);
                assert_memory_equal(buffer, addr, room < size ? room : size);
                assert_int_equal(buffer[room < size ? room : size], 0xaa);
        }
}

static void test_write(void **state)
{
        const struct sockaddr_in in = in_of("10.1.2.3", 65535);
        const struct sockaddr_in6 in6 = in6_of("2001:db8::5", 1),
                                  mapped = in6_of("::ffff:1.2.3.4", 2);

        (void)state;
        check_round_trip((const struct sockaddr *)&in, sizeof(in), AF_INET);
        check_round_trip((const struct sockaddr *)&in6, sizeof(in6), AF_INET6);
        check_round_trip((const struct sockaddr *)&mapped, sizeof(mapped), AF_INET6);
        endpoint_write(&(struct endpoint){.port = 1}, AF_INET, NULL, NULL);
}

static void test_wildcard(void **state)
{
        const struct {
                const char *address;
                bool wildcard;
        } cases[] = {{"::", true},
                     {"::1", false},
                     {"::ffff:0.0.0.0", true},
                     {"::ffff:1.0.0.0", false},
                     {"fd00::", false}};

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct sockaddr_in6 in6 = in6_of(cases[i].address, 1);
                struct endpoint endpoint;

                endpoint_read((const struct sockaddr *)&in6, sizeof(in6), &endpoint, NULL);
                assert_int_equal(endpoint_is_wildcard(&endpoint, AF_INET6), cases[i].wildcard);
        }
        assert_false(endpoint_is_wildcard(
                &(struct endpoint){endpoint_loopback(AF_INET, 1).address, 1}, AF_INET));
}

/*
 * Processes that have nothing from each other but an origin that has not asked yet, and whose
 * numbers are near each other: of their first ports none is another's. On a busy machine, others
 * get numbers in between.
 */
static void test_ephemeral_ports_of_siblings(void **state)
{
        enum { PROCESSES = 64, COUNT = 20, NEAR = 500 };
        static uint8_t seen[65536];
        uint16_t ports[COUNT];
        pid_t first = 0;
        int ends[2];

        (void)state;
        assert_int_equal(pipe(ends), 0);
        for (int i = 0; i < PROCESSES; i++) {
                const pid_t pid = fork();

                assert_true(pid >= 0);
                if (pid == 0) {
                        for (int k = 0; k < COUNT; k++)
                                ports[k] = endpoint_ephemeral_port();
                        _exit(write(ends[1], ports, sizeof(ports)) != sizeof(ports));
                }
                assert_int_equal(read(ends[0], ports, sizeof(ports)), sizeof(ports));
                assert_int_equal(waitpid(pid, NULL, 0), pid);
                first = first ? first : pid;
                for (int k = 0; k < COUNT && abs(pid - first) < NEAR / 2; k++)
                        assert_int_equal(seen[ports[k]]++, 0);
        }
        assert_int_equal(close(ends[0]), 0);
        assert_int_equal(close(ends[1]), 0);
}

static void test_ephemeral_ports(void **state)
{
        enum { COUNT = 28232 }; /* net.ipv4.ip_local_port_range */
        static uint8_t seen[65536];

        (void)state;
        for (int i = 0; i < COUNT; i++) {
                const uint16_t port = endpoint_ephemeral_port();

                assert_in_range(port, 32768, 60999);
                assert_int_equal(seen[port]++, 0);
        }
        assert_int_equal(++seen[endpoint_ephemeral_port()], 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_read_ipv4),
                cmocka_unit_test(test_read_ipv6),
                cmocka_unit_test(test_read_refuses),
                cmocka_unit_test(test_write),
                cmocka_unit_test(test_wildcard),
                cmocka_unit_test(test_ephemeral_ports_of_siblings),
                cmocka_unit_test(test_ephemeral_ports),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
