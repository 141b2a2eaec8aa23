/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <string.h>

#include "rules/suggest.h"

static const char *const words[] = {"in",       "out",     "tcp",      "udp",  "port", "path",
                                    "datagram", "systemd", "abstract", "mode", NULL};

static const struct {
        const char *word;
        const char *meant; /* NULL: none of them */
} cases[] = {
        {"tcp", "tcp"},
        {"tpc", "tcp"},  /* swapped */
        {"tp", NULL},    /* half of it differs */
        {"tcpx", "tcp"}, /* one too many */
        {"xcp", "tcp"},  /* replaced */
        {"TCP", "tcp"},
        {"UPD", "udp"},
        {"prot", "port"},
        {"prt", "port"}, /* one missing */
        {"paht", "path"},
        {"pxyh", NULL},
        {"sytemd", "systemd"},
        {"ssytemd", "systemd"},
        {"systmed", "systemd"},
        {"sstmed", "systemd"},
        {"dtagarm", "datagram"},
        {"dtgrm", NULL},
        {"", NULL},
        {"i", NULL},
        {"ni", NULL},
        {"quux", NULL},
        {"abstractabstractabstractabstracta", NULL},
};

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                const char *found = suggest(cases[i].word, strlen(cases[i].word), words);

                if (cases[i].meant == NULL ? found != NULL
                                           : !found || strcmp(found, cases[i].meant) != 0)
                        fail_msg("'%s': '%s'", cases[i].word, found ?: "(none)");
        }
}

/* Of two that are near, the nearer; of two equally near, the first. */
static void test_order(void **state)
{
        static const char *const near[] = {"abcxyz", "abcdez", "abcdyf", NULL};

        (void)state;
        assert_string_equal(suggest("abcdef", 6, near), "abcdez");
        assert_string_equal(suggest("abcxef", 6, near), "abcxyz");
}

static void test_long_words(void **state)
{
        static const char *const longest[] = {"abcdefghijklmnopqrstuvwxyzabcdef", NULL};
        static const char *const longer[] = {"abcdefghijklmnopqrstuvwxyzabcdefg", NULL};

        (void)state;
        assert_string_equal(suggest("abcdefghijklmnopqrstuvwxyzabcdeg", 32, longest), longest[0]);
        assert_null(suggest("abcdefghijklmnopqrstuvwxyzabcdefg", 33, longest));
        assert_null(suggest("abcdefghijklmnopqrstuvwxyzabcdef", 32, longer));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_order),
                cmocka_unit_test(test_long_words),
        };

        return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
