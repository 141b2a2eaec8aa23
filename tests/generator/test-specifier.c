/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <stdlib.h>

#include "generator/specifier.h"

static const struct {
        const char *text;
        const char *unit;
        const char *expanded; /* NULL: not here */
} cases[] = {
        {"", "a.service", ""},
        {"100%%", "a.service", "100%"},
        {"%n %N %p", "a-b.service", "a-b.service a-b a-b"},
        {"%n|%N|%p|%i", "a@b@c.service", "a@b@c.service|a@b@c|a|b@c"},
        {"%i", "a.service", ""},
        {"%N %p", "a@.service", "a@ a"},
        {"%i", "a@.service", NULL},
        {"%I", "a@b.service", NULL},
        {"%h/%N", "a.service", "/home/me/a"},
        {"%t", "a.service", NULL},
        {"50%", "a.service", NULL},
};

static void test_no_home(void **state)
{
        char *expanded = NULL;

        (void)state;
        assert_int_equal(specifier_expand("%h", "a.service", NULL, &expanded), -EOPNOTSUPP);
        assert_null(expanded);
}

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                char *expanded = NULL;
                int r = specifier_expand(cases[i].text, cases[i].unit, "/home/me", &expanded);

                if (cases[i].expanded) {
                        assert_int_equal(r, 0);
                        assert_string_equal(expanded, cases[i].expanded);
                } else {
                        assert_int_equal(r, -EOPNOTSUPP);
                        assert_null(expanded);
                }
                free(expanded);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_no_home),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
