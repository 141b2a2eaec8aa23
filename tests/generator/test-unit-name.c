/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "generator/unit-name.h"

static const struct {
        const char *name;
        enum { INVALID, PLAIN, TEMPLATE, INSTANCE } kind;
} names[] = {
        {"a.service", PLAIN},
        {"php8.2-fpm.service", PLAIN},
        {"a:b_c-d\\x2de.socket", PLAIN},
        {"a@.service", TEMPLATE},
        {"a@b.service", INSTANCE},
        {"a@b@c.service", INSTANCE},
        {"a.service.d", INVALID},
        {"a", INVALID},
        {"", INVALID},
        {".service", INVALID},
        {"@.service", INVALID},
        {"@b.service", INVALID},
        {"a b.service", INVALID},
        {"a/b.service", INVALID},
        {"a%b.service", INVALID},
        {"ä.service", INVALID},
        {"a\n.service", INVALID},
};

static void test_names(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(names); i++) {
                assert_int_equal(unit_name_is_valid(names[i].name), names[i].kind != INVALID);
                if (names[i].kind == INVALID)
                        continue;
                assert_int_equal(unit_name_is_template(names[i].name), names[i].kind == TEMPLATE);
                assert_int_equal(unit_name_is_instance(names[i].name), names[i].kind == INSTANCE);
        }
}

static void test_length(void **state)
{
        char name[UNIT_NAME_LENGTH_MAX + 2];

        (void)state;
        memset(name, 'a', sizeof(name));
        strcpy(name + UNIT_NAME_LENGTH_MAX - strlen(".service"), ".service");
        assert_true(unit_name_is_valid(name));
        memset(name, 'a', sizeof(name));
        strcpy(name + UNIT_NAME_LENGTH_MAX + 1 - strlen(".service"), ".service");
        assert_false(unit_name_is_valid(name));
}

static void test_template(void **state)
{
        char *name = NULL;

        (void)state;
        assert_int_equal(unit_name_template("a@b@c.service", &name), 0);
        assert_string_equal(name, "a@.service");
        free(name);
        assert_int_equal(unit_name_fill("getty@.service", "autovt@tty1.service", &name), 0);
        assert_string_equal(name, "getty@tty1.service");
        free(name);
        assert_int_equal(unit_name_template("a@.service", &name), -EINVAL);
        assert_int_equal(unit_name_fill("a.service", "a@b.service", &name), -EINVAL);
}

static const struct {
        const char *service, *socket, *unit;
} sockets[] = {
        {"web.service", "http", "web-http.socket"},
        {"php8.2-fpm.service", "a.b", "php8.2-fpm-a.b.socket"},
        {"app@.service", "http", "app-http@.socket"},
        {"app@one.service", "http", "app-http@one.socket"},
        {"app@a@b.service", "http", "app-http@a@b.socket"},
};

static void test_socket(void **state)
{
        char service[UNIT_NAME_LENGTH_MAX + 1], *name = NULL;

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(sockets); i++) {
                assert_int_equal(unit_name_socket(sockets[i].service, sockets[i].socket, &name), 0);
                assert_string_equal(name, sockets[i].unit);
                assert_true(unit_name_is_valid(name));
                free(name);
        }
        memset(service, 'a', sizeof(service));
        strcpy(service + 246, ".service");
        assert_int_equal(unit_name_socket(service, "x", &name), 0);
        assert_int_equal(strlen(name), UNIT_NAME_LENGTH_MAX);
        free(name);
        assert_int_equal(unit_name_socket(service, "xy", &name), -ENAMETOOLONG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_length),
                cmocka_unit_test(test_template),
                cmocka_unit_test(test_socket),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
