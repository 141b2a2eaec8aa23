/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <errno.h>
#include <string.h>

#include "rules/errno-name.h"

/* Every number that the C library can name has the same name here. */
static void test_all_of_the_c_library(void **state)
{
        unsigned n = 0;

        (void)state;
        for (int number = 1; number < 4096; number++) {
                const char *name = strerrorname_np(number), *ours = errno_to_name(number);

                if (name == NULL) {
                        assert_null(ours);
                        continue;
                }
                assert_non_null(ours);
                assert_string_equal(ours, name);
                assert_int_equal(errno_from_name(name, strlen(name)), number);
                n++;
        }
        assert_true(n > 120);
}

static void test_names(void **state)
{
        (void)state;
        assert_int_equal(errno_from_name("econnrefused", 12), ECONNREFUSED);
        assert_int_equal(errno_from_name("EConnRefused", 12), ECONNREFUSED);
        assert_int_equal(errno_from_name("EPERMANENT", 5), EPERM);
        assert_int_equal(errno_from_name("EWOULDBLOCK", 11), EAGAIN);
        assert_int_equal(errno_from_name("ENOTSUP", 7), EOPNOTSUPP);
        assert_int_equal(errno_from_name("", 0), 0);
        assert_int_equal(errno_from_name("EPER", 4), 0);
        assert_int_equal(errno_from_name("EPERMX", 6), 0);
        assert_null(errno_to_name(0));
        assert_null(errno_to_name(-EPERM));
        assert_string_equal(errno_to_name(EOPNOTSUPP), "EOPNOTSUPP");
}

static void test_list(void **state)
{
        const char *const *names = errno_names();
        size_t n = 0;

        (void)state;
        for (; names[n] != NULL; n++)
                assert_int_not_equal(errno_from_name(names[n], strlen(names[n])), 0);
        assert_true(n > 130);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_all_of_the_c_library),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_list),
        };

        return cmocka_run_group_tests_name("errno-name", tests, NULL, NULL);
}
