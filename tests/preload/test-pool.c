/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The pool of sockets and the table of descriptors, alone: what they count and when they free. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "preload/activation.h"
#include "preload/sock.h"
#include "preload/table.h"

static int released, last_released;

void activation_release(int kept)
{
        released++;
        last_released = kept;
}

static void test_new_is_clean(void **state)
{
        struct sock *sock = sock_new();

        (void)state;
        assert_non_null(sock);
        assert_int_equal(sock->refs, 1);
        assert_int_equal(sock->open, 1);
        assert_int_equal(sock->kept, -1);
        assert_ptr_equal(sock_at(sock->index), sock);
        assert_ptr_equal(sock_at(WORD_INDEX(sock_word(sock))), sock);
        assert_int_equal(WORD_KIND(sock_word(sock)), WORD_SOCK);
        sock->local.port = 80;
        sock->listening = true;
        sock_unref(sock);
}

static void test_freed_is_reused(void **state)
{
        struct sock *first = sock_new(), *second;

        (void)state;
        first->local.port = 80;
        first->options.value[5] = 5;
        sock_unref(first);
        second = sock_new();
        assert_ptr_equal(first, second);
        assert_int_equal(second->local.port, 0);
        assert_int_equal(second->options.value[5], 0);
        sock_unref(second);
}

static void test_many_are_distinct(void **state)
{
        enum { MANY = 1000 };
        static struct sock *socks[MANY];

        (void)state;
        for (int i = 0; i < MANY; i++) {
                socks[i] = sock_new();
                assert_non_null(socks[i]);
                socks[i]->local.port = (uint16_t)i;
        }
        for (int i = 0; i < MANY; i++) {
                assert_int_equal(socks[i]->local.port, i);
                assert_ptr_equal(sock_at(socks[i]->index), socks[i]);
                sock_unref(socks[i]);
        }
}

static void test_try_ref(void **state)
{
        struct sock *sock = sock_new();

        (void)state;
        assert_true(sock_try_ref(sock));
        assert_int_equal(sock->refs, 2);
        sock_unref(sock);
        sock_unref(sock);
        assert_false(sock_try_ref(sock));
        assert_int_equal(sock->refs, 0);
}

static void test_last_close_releases(void **state)
{
        struct sock *sock = sock_new();

        (void)state;
        sock->kept = 7;
        released = 0;
        assert_int_equal(table_reserve(10), 0);
        table_put(10, sock_word(sock));
        assert_int_equal(table_reserve(600), 0);
        table_put(600, table_copy(sock_word(sock)));
        assert_int_equal(sock->open, 2);
        table_put(10, 0);
        assert_int_equal(released, 0);
        table_put(600, 0);
        assert_int_equal(released, 1);
        assert_int_equal(last_released, 7);
        assert_int_equal(sock->refs, 0);
}

static void test_connections_hold_the_listener(void **state)
{
        struct sock *sock = sock_new();
        word w;

        (void)state;
        sock->kept = 3;
        released = 0;
        table_put(10, sock_word(sock));
        w = table_hold(10);
        assert_int_equal(sock->refs, 2);
        /* What table_hold() took becomes the connection's. */
        table_put(11, WORD_ACCEPTED_MAKE(sock->index, WORD_NODELAY, 40000));
        assert_int_equal(WORD_PEER_PORT(table_get(11)), 40000);
        assert_int_equal(WORD_INDEX(table_get(11)), WORD_INDEX(w));
        table_put(10, 0);
        assert_int_equal(released, 1);
        assert_int_equal(sock->refs, 1);
        table_put(11, 0);
        assert_int_equal(sock->refs, 0);
        assert_int_equal(released, 1);
}

static void test_table_bounds(void **state)
{
        (void)state;
        assert_int_equal(table_get(-1), 0);
        assert_int_equal(table_get(TABLE_MAX), 0);
        assert_int_equal(table_get(1000000), 0);
        assert_int_equal(table_reserve(-1), -EMFILE);
        assert_int_equal(table_reserve(TABLE_MAX), -EMFILE);
        assert_int_equal(table_reserve(TABLE_MAX - 1), 0);
        table_put(TABLE_MAX - 1, WORD_PLAIN);
        assert_int_equal(table_get(TABLE_MAX - 1), WORD_PLAIN);
        table_put(TABLE_MAX - 1, 0);
        /* Forgetting what was never known needs no memory. */
        table_put(900000, 0);
        assert_null(table_find(900000));
}

static void test_table_next(void **state)
{
        (void)state;
        assert_int_equal(table_next(0), -1);
        assert_int_equal(table_reserve(5), 0);
        assert_int_equal(table_reserve(5000), 0);
        table_put(5, WORD_PLAIN);
        table_put(5000, WORD_PLAIN);
        assert_int_equal(table_next(-4), 5);
        assert_int_equal(table_next(5), 5);
        assert_int_equal(table_next(6), 5000);
        assert_int_equal(table_next(5001), -1);
        table_put(5, 0);
        table_put(5000, 0);
        assert_int_equal(table_next(0), -1);
}

static void test_table_replace(void **state)
{
        (void)state;
        table_put(5, WORD_PLAIN);
        assert_false(table_replace(5, WORD_INET, WORD_KEPT));
        assert_int_equal(table_get(5), WORD_PLAIN);
        assert_true(table_replace(5, WORD_PLAIN, WORD_KEPT));
        assert_int_equal(table_get(5), WORD_KEPT);
        assert_false(table_replace(900000, 0, WORD_PLAIN));
        table_put(5, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_new_is_clean),
                cmocka_unit_test(test_freed_is_reused),
                cmocka_unit_test(test_many_are_distinct),
                cmocka_unit_test(test_try_ref),
                cmocka_unit_test(test_last_close_releases),
                cmocka_unit_test(test_connections_hold_the_listener),
                cmocka_unit_test(test_table_bounds),
                cmocka_unit_test(test_table_next),
                cmocka_unit_test(test_table_replace),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
