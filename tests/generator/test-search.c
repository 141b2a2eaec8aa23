/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "generator/search.h"
#include "tests/common/scratch.h"

/* A manager whose root is the scratch directory. */
static struct manager *make_manager(const char *root)
{
        struct manager *manager;

        assert_int_equal(setenv("IP2UNIX_ROOT", root, 1), 0);
        assert_int_equal(setenv("SYSTEMD_SCOPE", "system", 1), 0);
        assert_int_equal(manager_new("ip2unix-generator", &manager), 0);
        return manager;
}

static const struct {
        const char *path;
        const char *text; /* NULL: masked */
} found[] = {
        {"/etc/ip2unix.d/a.conf", "etc"},
        {"/run/ip2unix.d/b.conf", "run"},
        {"/etc/ip2unix.d/c.conf", NULL},
        {"/etc/ip2unix.d/d.conf", NULL},
        {"/usr/local/lib/ip2unix.d/e.conf", "local"},
        {"/etc/ip2unix.d/f.conf", "linked"},
        {"/usr/lib/ip2unix.d/z.conf", "lib"},
};

static void test_order(void **state)
{
        const char *root = *state;
        struct manager *manager = make_manager(root);
        struct search *search;

        scratch_write(root, "usr/lib/ip2unix.d/z.conf", "lib");
        scratch_write(root, "usr/lib/ip2unix.d/a.conf", "lib");
        scratch_write(root, "etc/ip2unix.d/a.conf", "etc");
        scratch_write(root, "usr/lib/ip2unix.d/b.conf", "lib");
        scratch_write(root, "run/ip2unix.d/b.conf", "run");
        scratch_write(root, "usr/lib/ip2unix.d/c.conf", "lib");
        scratch_link(root, "etc/ip2unix.d/c.conf", "/dev/null");
        scratch_write(root, "run/ip2unix.d/d.conf", "run");
        scratch_write(root, "etc/ip2unix.d/d.conf", "");
        scratch_write(root, "usr/local/lib/ip2unix.d/e.conf", "local");
        scratch_run(root, "mkdir -p etc/ip2unix.d/e.conf");
        scratch_write(root, "srv/f", "linked");
        scratch_link(root, "etc/ip2unix.d/f.conf", "/srv/f");
        scratch_write(root, "etc/ip2unix.d/.g.conf", "hidden");
        scratch_write(root, "etc/ip2unix.d/conf", "no suffix");
        scratch_write(root, "etc/ip2unix.d/h.conf.dpkg-old", "another suffix");

        assert_int_equal(search_rule_files(manager, &search), 0);
        assert_int_equal(search->n_entries, N_ELEMENTS(found));
        for (size_t i = 0; i < N_ELEMENTS(found); i++) {
                char *data = NULL;
                size_t size;
                int r = search_read(search, &search->entries[i], &data, &size);

                assert_string_equal(search->entries[i].path, found[i].path);
                assert_string_equal(search->entries[i].name, strrchr(found[i].path, '/') + 1);
                assert_int_equal(r, found[i].text ? 0 : -ENODATA);
                if (found[i].text)
                        assert_string_equal(data, found[i].text);
                free(data);
        }
        search_free(search);
        manager_free(manager);
}

static void test_nothing(void **state)
{
        struct manager *manager = make_manager(*state);
        struct search *search;

        assert_int_equal(search_rule_files(manager, &search), 0);
        assert_int_equal(search->n_entries, 0);
        search_free(search);
        manager_free(manager);
}

/* The others count all the same. */
static void test_not_a_directory(void **state)
{
        struct manager *manager = make_manager(*state);
        struct search *search;

        scratch_write(*state, "etc/ip2unix.d/a.conf", "etc");
        scratch_write(*state, "run/ip2unix.d", "a file");
        scratch_write(*state, "usr/lib/ip2unix.d/b.conf", "lib");
        assert_int_equal(search_rule_files(manager, &search), 0);
        assert_int_equal(search->errors[0], 0);
        assert_int_equal(search->errors[1], -ENOTDIR);
        assert_int_equal(search->errors[2], 0);
        assert_int_equal(search->n_entries, 2);
        assert_string_equal(search->entries[0].path, "/etc/ip2unix.d/a.conf");
        assert_string_equal(search->entries[1].path, "/usr/lib/ip2unix.d/b.conf");
        search_free(search);
        manager_free(manager);
}

#define SCRATCH_TEST(function)                                                                     \
        cmocka_unit_test_setup_teardown(function, scratch_make, scratch_remove)

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_order),
                SCRATCH_TEST(test_nothing),
                SCRATCH_TEST(test_not_a_directory),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
