/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/array.h"
#include "generator/unit-path.h"
#include "tests/common/scratch.h"

#define ETC "etc/systemd/system/"
#define LIB "usr/lib/systemd/system/"

struct fixture {
        struct manager *manager;
        struct unit_path *paths;
};

static struct fixture open_fixture(const char *root)
{
        struct fixture fixture;

        assert_int_equal(setenv("IP2UNIX_ROOT", root, 1), 0);
        assert_int_equal(setenv("SYSTEMD_SCOPE", "system", 1), 0);
        assert_int_equal(manager_new("ip2unix-generator", &fixture.manager), 0);
        assert_int_equal(unit_path_new(fixture.manager, &fixture.paths), 0);
        return fixture;
}

static void close_fixture(struct fixture *fixture)
{
        unit_path_free(fixture->paths);
        manager_free(fixture->manager);
}

static const struct {
        const char *name;
        int error;
        const char *unit;     /* NULL: the name itself */
        const char *fragment; /* NULL: none */
        bool masked;
} names[] = {
        {"plain.service", 0, NULL, "/usr/lib/systemd/system/plain.service", false},
        {"both.service", 0, NULL, "/etc/systemd/system/both.service", false},
        {"nowhere.service", 0, NULL, NULL, false},
        {"masked.service", 0, NULL, NULL, true},
        {"alias.service", 0, "plain.service", "/usr/lib/systemd/system/plain.service", false},
        {"second.service", 0, "plain.service", "/usr/lib/systemd/system/plain.service", false},
        {"split.service", 0, "plain.service", "/usr/lib/systemd/system/plain.service", false},
        {"linked.service", 0, NULL, "/etc/systemd/system/linked.service", false},
        {"ring.service", -ELOOP, NULL, NULL, false},
        {"t@.service", 0, NULL, "/usr/lib/systemd/system/t@.service", false},
        {"t@x.service", 0, NULL, "/usr/lib/systemd/system/t@.service", false},
        {"t@own.service", 0, NULL, "/etc/systemd/system/t@own.service", false},
        {"t@link.service", 0, NULL, "/etc/systemd/system/t@link.service", false},
        {"at@x.service", 0, "t@x.service", "/usr/lib/systemd/system/t@.service", false},
        {"at@.service", 0, "t@.service", "/usr/lib/systemd/system/t@.service", false},
        {"one.service", 0, "t@one.service", "/usr/lib/systemd/system/t@.service", false},
};

static void make_names(const char *root)
{
        scratch_write(root, LIB "plain.service", "x");
        scratch_write(root, LIB "both.service", "x");
        scratch_write(root, ETC "both.service", "x");
        scratch_write(root, LIB "masked.service", "x");
        scratch_link(root, ETC "masked.service", "/dev/null");
        scratch_link(root, ETC "alias.service", "/usr/lib/systemd/system/plain.service");
        scratch_link(root, ETC "second.service", "alias.service");
        scratch_link(root, ETC "split.service", "/lib/systemd/system/plain.service");
        scratch_write(root, "srv/real.service", "x");
        scratch_link(root, ETC "linked.service", "/srv/real.service");
        scratch_link(root, ETC "ring.service", "round.service");
        scratch_link(root, ETC "round.service", "ring.service");
        scratch_write(root, LIB "t@.service", "x");
        scratch_write(root, ETC "t@own.service", "x");
        scratch_link(root, ETC "t@link.service", "/usr/lib/systemd/system/t@.service");
        scratch_link(root, ETC "at@.service", "/usr/lib/systemd/system/t@.service");
        scratch_link(root, ETC "one.service", "t@one.service");
}

static void test_names(void **state)
{
        struct fixture fixture;

        make_names(*state);
        fixture = open_fixture(*state);
        for (size_t i = 0; i < N_ELEMENTS(names); i++) {
                struct unit_location location;
                int r = unit_path_find(fixture.paths, names[i].name, &location);

                assert_int_equal(r, names[i].error);
                if (r < 0)
                        continue;
                assert_string_equal(location.name, names[i].unit ? names[i].unit : names[i].name);
                if (names[i].fragment)
                        assert_string_equal(location.fragment, names[i].fragment);
                else
                        assert_null(location.fragment);
                assert_int_equal(location.masked, names[i].masked);
                unit_location_free(&location);
        }
        close_fixture(&fixture);
}

static void check_dropins(const struct fixture *fixture, const char *name,
                          const char *const *expected)
{
        struct unit_dropin *dropins;
        size_t n_dropins, n = 0;

        assert_int_equal(unit_path_dropins(fixture->paths, name, &dropins, &n_dropins), 0);
        for (size_t i = 0; i < n_dropins; i++) {
                if (dropins[i].masks)
                        continue;
                assert_non_null(expected[n]);
                assert_string_equal(dropins[i].path, expected[n++]);
        }
        assert_null(expected[n]);
        unit_dropins_free(dropins, n_dropins);
}

static void test_dropins(void **state)
{
        static const char *const plain[] = {
                "/usr/lib/systemd/system/foo-bar-baz.service.d/10.conf",
                "/etc/systemd/system/foo-bar-baz.service.d/20.conf",
                "/etc/systemd/system/foo-bar-.service.d/30.conf",
                "/usr/lib/systemd/system/foo-.service.d/40.conf",
                "/etc/systemd/system/service.d/50.conf",
                "/run/systemd/system/other.service.d/60.conf",
                NULL,
        };
        static const char *const instance[] = {
                "/etc/systemd/system/t@.service.d/10.conf",
                "/etc/systemd/system/service.d/50.conf",
                "/usr/lib/systemd/system/t@a-b.service.d/70.conf",
                NULL,
        };
        static const char *const prefixes[] = {
                "/etc/systemd/system/in-s@a-b.service.d/10.conf",
                "/etc/systemd/system/in-s@.service.d/20.conf",
                "/etc/systemd/system/in-.service.d/30.conf",
                "/etc/systemd/system/in-@a-b.service.d/40.conf",
                "/etc/systemd/system/service.d/50.conf",
                "/etc/systemd/system/in-@.service.d/60.conf",
                NULL,
        };
        static const char *const bare[] = {"/etc/systemd/system/service.d/50.conf", NULL};
        const char *root = *state;
        struct fixture fixture;

        scratch_write(root, LIB "foo-bar-baz.service", "x");
        scratch_link(root, ETC "other.service", "/usr/lib/systemd/system/foo-bar-baz.service");
        scratch_write(root, LIB "foo-bar-baz.service.d/10.conf", "x");
        scratch_write(root, LIB "foo-bar-baz.service.d/20.conf", "replaced");
        scratch_write(root, ETC "foo-bar-baz.service.d/20.conf", "x");
        scratch_write(root, LIB "foo-bar-baz.service.d/25.conf", "masked");
        scratch_link(root, ETC "foo-bar-baz.service.d/25.conf", "/dev/null");
        scratch_write(root, LIB "foo-bar-baz.service.d/26.conf", "masked");
        scratch_write(root, ETC "foo-bar-baz.service.d/26.conf", "");
        scratch_write(root, ETC "foo-bar-.service.d/30.conf", "x");
        scratch_write(root, LIB "foo-.service.d/30.conf", "replaced");
        scratch_write(root, LIB "foo-.service.d/40.conf", "x");
        scratch_write(root, LIB "foo.service.d/45.conf", "another unit's");
        scratch_write(root, ETC "service.d/50.conf", "x");
        scratch_write(root, "run/systemd/system/other.service.d/60.conf", "x");
        scratch_write(root, ETC "foo-bar-baz.service.d/README", "no drop-in");
        scratch_write(root, LIB "t@.service", "x");
        scratch_write(root, ETC "t@.service.d/10.conf", "x");
        scratch_write(root, LIB "t@a-b.service.d/10.conf", "a later directory's");
        scratch_write(root, LIB "t@a-b.service.d/70.conf", "x");
        scratch_write(root, ETC "t@a-.service.d/80.conf", "not a prefix");
        /* Each has a name of the one that comes before it. */
        scratch_write(root, ETC "in-s@a-b.service.d/10.conf", "x");
        scratch_write(root, ETC "in-s@.service.d/10.conf", "replaced");
        scratch_write(root, ETC "in-s@.service.d/20.conf", "x");
        scratch_write(root, ETC "in-.service.d/20.conf", "replaced");
        scratch_write(root, ETC "in-.service.d/30.conf", "x");
        scratch_write(root, ETC "in-@a-b.service.d/30.conf", "replaced");
        scratch_write(root, ETC "in-@a-b.service.d/40.conf", "x");
        scratch_write(root, ETC "in-@.service.d/40.conf", "replaced");
        scratch_write(root, ETC "in-@.service.d/60.conf", "x");
        fixture = open_fixture(root);
        check_dropins(&fixture, "foo-bar-baz.service", plain);
        check_dropins(&fixture, "t@a-b.service", instance);
        check_dropins(&fixture, "in-s@a-b.service", prefixes);
        check_dropins(&fixture, "nowhere.service", bare);
        close_fixture(&fixture);
}

/* Names of drop-ins of one unit, and whether one by a generator would be replaced. */
static const struct {
        const char *path;
        bool masks, beats_generators;
} rivals[] = {
        {ETC "pre-one.service.d/a.conf", false, true},
        {ETC "pre-one.service.d/b.conf", true, true},
        {LIB "pre-one.service.d/c.conf", false, false},
        {"run/systemd/system/alias.service.d/d.conf", false, false},
        {ETC "service.d/e.conf", false, false},
        {ETC "pre-.service.d/f.conf", false, true},
};

static void test_rivals(void **state)
{
        const char *root = *state;
        struct unit_dropin *dropins;
        struct fixture fixture;
        size_t n_dropins;

        scratch_write(root, LIB "pre-one.service", "x");
        scratch_link(root, ETC "alias.service", "pre-one.service");
        for (size_t i = 0; i < N_ELEMENTS(rivals); i++)
                scratch_write(root, rivals[i].path, rivals[i].masks ? "" : "x");
        fixture = open_fixture(root);
        assert_int_equal(unit_path_dropins(fixture.paths, "pre-one.service", &dropins, &n_dropins),
                         0);
        assert_int_equal(n_dropins, N_ELEMENTS(rivals));
        for (size_t i = 0; i < N_ELEMENTS(rivals); i++) {
                assert_string_equal(dropins[i].name, strrchr(rivals[i].path, '/') + 1);
                assert_int_equal(dropins[i].masks, rivals[i].masks);
                assert_int_equal(dropins[i].beats_generators, rivals[i].beats_generators);
        }
        unit_dropins_free(dropins, n_dropins);
        close_fixture(&fixture);
}

static void test_hidden(void **state)
{
        struct fixture fixture;
        char *path;

        scratch_write(*state, LIB "a.socket", "x");
        scratch_write(*state, ETC "b.socket", "x");
        scratch_write(*state, LIB "b.socket", "x");
        fixture = open_fixture(*state);
        assert_int_equal(unit_path_hidden(fixture.paths, "a.socket", &path), 0);
        assert_string_equal(path, "/usr/lib/systemd/system/a.socket");
        free(path);
        assert_int_equal(unit_path_hidden(fixture.paths, "b.socket", &path), 0);
        assert_null(path);
        assert_int_equal(unit_path_hidden(fixture.paths, "c.socket", &path), 0);
        assert_null(path);
        close_fixture(&fixture);
}

#define SCRATCH_TEST(function)                                                                     \
        cmocka_unit_test_setup_teardown(function, scratch_make, scratch_remove)

int main(void)
{
        const struct CMUnitTest tests[] = {
                SCRATCH_TEST(test_names),
                SCRATCH_TEST(test_dropins),
                SCRATCH_TEST(test_rivals),
                SCRATCH_TEST(test_hidden),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
