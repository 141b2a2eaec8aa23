/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The lock of the table of peers, of a process that is slow, has died or was stopped with it. */

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "preload/kernel.h"
#include "preload/next.h"
#include "preload/peer-table.h"

static struct target name_of(const char *text)
{
        struct target ret = {.address = {.sun_family = AF_UNIX}};

        strcpy(ret.address.sun_path + 1, text);
        ret.length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(text));
        return ret;
}

static uint64_t add(const char *text)
{
        struct target name = name_of(text);

        return peers_add(-1, &name);
}

/* Is the one of that name found at the address of the number? */
static bool is_found(uint64_t number, const char *text)
{
        const struct endpoint endpoint = peers_endpoint(number, AF_INET, false);
        const struct target name = name_of(text);
        struct target found;
        uint64_t unused;

        return peers_find(&endpoint, &found, &unused) && target_equal(&found, &name);
}

static bool is_anybody(uint64_t number)
{
        const struct endpoint endpoint = peers_endpoint(number, AF_INET, false);
        struct target found;
        uint64_t unused;

        return peers_find(&endpoint, &found, &unused);
}

static void take_lock(pid_t pid)
{
        atomic_store(&peer_table()->holder, (uint64_t)kernel_milliseconds() << 32 | (uint32_t)pid);
}

/* As the process leaves it that is killed then: it holds the lock, and was writing. */
static void hold(pid_t pid, uint64_t number)
{
        atomic_fetch_or(&peer_at(peer_table(), number)->version, 1);
        take_lock(pid);
}

/* Everybody has a new address, and nobody who comes then has one that somebody had. */
static void check_start_again(uint64_t before, const char *text)
{
        const uint64_t again = add(text), after = add("after");

        assert_int_not_equal(after, PEER_NAMELESS);
        assert_int_not_equal(again, PEER_NAMELESS);
        assert_false(is_anybody(before));
        assert_true(is_found(after, "after"));
        assert_true(is_found(again, text));
        assert_int_equal(add(text), again);
        assert_int_equal(peer_table()->holder, 0);
}

static void test_killed(void **state)
{
        const uint64_t before = add("killed");
        const pid_t pid = fork();

        (void)state;
        assert_true(is_found(before, "killed"));
        if (pid == 0)
                _exit(0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        hold(pid, before);
        check_start_again(before, "killed");
}

/* kill(2) finds who was not waited for, and who is stopped: time tells. */
static void check_there(pid_t pid, const char *text)
{
        const uint64_t before = add(text);
        const int64_t start = kernel_milliseconds();
        char early[32];

        snprintf(early, sizeof(early), "early, %s", text);
        hold(pid, before);
        assert_int_not_equal(add(early), PEER_NAMELESS);
        assert_in_range(kernel_milliseconds() - start, 900, 1900);
        check_start_again(before, text);
}

/* Its machine has other things to do: who waits for it loses nothing. */
static void test_slow(void **state)
{
        const uint64_t before = add("slow");
        const pid_t pid = fork();
        uint64_t after;

        (void)state;
        if (pid == 0) {
                for (int i = 0; i < 300; i++)
                        kernel_sleep_millisecond();
                atomic_store(&peer_table()->holder, 0);
                _exit(0);
        }
        take_lock(pid);
        after = add("later");
        assert_int_not_equal(after, PEER_NAMELESS);
        assert_true(is_found(after, "later"));
        assert_true(is_found(before, "slow"));
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_zombie(void **state)
{
        const pid_t pid = fork();
        siginfo_t info;

        (void)state;
        if (pid == 0)
                _exit(0);
        assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
        check_there(pid, "zombie");
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void test_stopped(void **state)
{
        const pid_t pid = fork();
        int status;

        (void)state;
        if (pid == 0) {
                raise(SIGSTOP);
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
        check_there(pid, "stopped");
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static int prepare(void **state)
{
        (void)state;
        return peers_open();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_slow),
                cmocka_unit_test(test_killed),
                cmocka_unit_test(test_zombie),
                cmocka_unit_test(test_stopped),
        };

        return cmocka_run_group_tests(tests, prepare, NULL);
}
