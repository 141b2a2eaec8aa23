/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Notes of epoll registrations: what was registered comes back, what was not does not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "preload/watch.h"

static int epfd, fd, end;

/* A socket that is readable as long as it is open, and registers itself as it is noted. */
static int setup(void **state)
{
        int pair[2];

        (void)state;
        epfd = epoll_create1(EPOLL_CLOEXEC);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        fd = pair[0];
        end = pair[1];
        assert_int_equal(write(end, "x", 1), 1);
        return 0;
}

static int teardown(void **state)
{
        (void)state;
        watch_forget(fd);
        watch_forget_epoll(epfd);
        close(fd);
        close(end);
        close(epfd);
        return 0;
}

static void watch(int at, int op, uint64_t data)
{
        struct epoll_event event = {EPOLLIN, {.u64 = data}};

        assert_int_equal(epoll_ctl(at, op, fd, &event), 0);
        watch_note(at, op, fd, &event);
}

/* The data of the event that the epoll has, or 0. */
static uint64_t event_of(int at)
{
        struct epoll_event event = {0};

        return epoll_wait(at, &event, 1, 0) == 1 ? event.data.u64 : 0;
}

static void test_comes_back(void **state)
{
        (void)state;
        watch(epfd, EPOLL_CTL_ADD, 11);
        assert_int_equal(event_of(epfd), 11);
        watch_suspend(fd);
        assert_int_equal(event_of(epfd), 0);
        watch_resume(fd);
        assert_int_equal(event_of(epfd), 11);
        /* And once more: the notes stay for as long as the socket does. */
        watch_suspend(fd);
        assert_int_equal(event_of(epfd), 0);
        watch_resume(fd);
        assert_int_equal(event_of(epfd), 11);
}

static void test_modified(void **state)
{
        const int other = epoll_create1(EPOLL_CLOEXEC);

        (void)state;
        watch(epfd, EPOLL_CTL_ADD, 11);
        watch(other, EPOLL_CTL_ADD, 21);
        watch(epfd, EPOLL_CTL_MOD, 12);
        watch_suspend(fd);
        watch_resume(fd);
        assert_int_equal(event_of(epfd), 12);
        assert_int_equal(event_of(other), 21);
        close(other);
}

static void test_deleted(void **state)
{
        (void)state;
        watch(epfd, EPOLL_CTL_ADD, 11);
        watch(epfd, EPOLL_CTL_DEL, 0);
        watch_suspend(fd);
        watch_resume(fd);
        assert_int_equal(event_of(epfd), 0);
}

static void test_forgotten(void **state)
{
        (void)state;
        watch(epfd, EPOLL_CTL_ADD, 11);
        watch_forget(fd);
        watch_suspend(fd);
        assert_int_equal(event_of(epfd), 11);
        epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL);
        watch_resume(fd);
        assert_int_equal(event_of(epfd), 0);
}

/* What the kernel has not any more is not made again. */
static void test_gone(void **state)
{
        (void)state;
        watch(epfd, EPOLL_CTL_ADD, 11);
        epoll_ctl(epfd, EPOLL_CTL_DEL, fd, NULL);
        watch_suspend(fd);
        watch_resume(fd);
        assert_int_equal(event_of(epfd), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_comes_back, setup, teardown),
                cmocka_unit_test_setup_teardown(test_modified, setup, teardown),
                cmocka_unit_test_setup_teardown(test_deleted, setup, teardown),
                cmocka_unit_test_setup_teardown(test_forgotten, setup, teardown),
                cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
