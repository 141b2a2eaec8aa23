/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <stdlib.h>

#include "generator/manager.h"

static const char *const variables[] = {"SYSTEMD_SCOPE",   "IP2UNIX_ROOT",  "HOME",
                                        "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"};

static int clear_environment(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(variables); i++)
                unsetenv(variables[i]);
        return 0;
}

static const struct {
        const char *program;
        const char *scope; /* NULL: as before systemd 251 */
        bool user;
} scopes[] = {
        {"ip2unix-generator", NULL, false},
        {"/usr/lib/systemd/system-generators/ip2unix-generator", NULL, false},
        {"/usr/lib/systemd/user-generators/ip2unix-generator", NULL, true},
        {"/usr/lib/systemd/user-generators/ip2unix-generator", "system", false},
        {"/usr/lib/systemd/system-generators/ip2unix-generator", "user", true},
};

static void test_scope(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(scopes); i++) {
                struct manager *manager;

                if (scopes[i].scope)
                        setenv("SYSTEMD_SCOPE", scopes[i].scope, 1);
                assert_int_equal(manager_new(scopes[i].program, &manager), 0);
                assert_int_equal(manager->user, scopes[i].user);
                manager_free(manager);
        }
}

static const struct {
        const char *variable;
        const char *root;
} roots[] = {
        {"", ""},
        {"/", ""},
        {"//", ""},
        {"/srv/image", "/srv/image"},
        {"/srv/image//", "/srv/image"},
};

static void test_root(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(roots); i++) {
                struct manager *manager;

                setenv("IP2UNIX_ROOT", roots[i].variable, 1);
                assert_int_equal(manager_new("x", &manager), 0);
                assert_string_equal(manager->root, roots[i].root);
                manager_free(manager);
        }
}

static void check_rule_dirs(const char *const *expected)
{
        struct manager *manager;
        size_t i = 0;

        setenv("SYSTEMD_SCOPE", "user", 1);
        assert_int_equal(manager_new("x", &manager), 0);
        for (; expected[i]; i++)
                assert_string_equal(manager->rule_dirs[i], expected[i]);
        assert_null(manager->rule_dirs[i]);
        manager_free(manager);
}

/* Relative and empty variables count as unset. */
static void test_user_directories(void **state)
{
        static const char *const bare[] = {"/etc/ip2unix/user.d", "/usr/local/lib/ip2unix/user.d",
                                           "/usr/lib/ip2unix/user.d", NULL};
        static const char *const home[] = {
                "/home/u/.config/ip2unix.d",     "/etc/ip2unix/user.d",     "/run/user/7/ip2unix.d",
                "/usr/local/lib/ip2unix/user.d", "/usr/lib/ip2unix/user.d", NULL};
        static const char *const config[] = {
                "/cfg/ip2unix.d",          "/etc/ip2unix/user.d",
                "/run/user/7/ip2unix.d",   "/usr/local/lib/ip2unix/user.d",
                "/usr/lib/ip2unix/user.d", NULL};

        (void)state;
        check_rule_dirs(bare);
        setenv("HOME", "", 1);
        setenv("XDG_RUNTIME_DIR", "run", 1);
        check_rule_dirs(bare);
        setenv("HOME", "/home/u", 1);
        setenv("XDG_RUNTIME_DIR", "/run/user/7", 1);
        setenv("XDG_CONFIG_HOME", "cfg", 1);
        check_rule_dirs(home);
        setenv("XDG_CONFIG_HOME", "/cfg", 1);
        check_rule_dirs(config);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup(test_scope, clear_environment),
                cmocka_unit_test_setup(test_root, clear_environment),
                cmocka_unit_test_setup(test_user_directories, clear_environment),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
