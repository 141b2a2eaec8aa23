/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/rules/cmocka-all.h"

#include <string.h>
#include <time.h>

#include "rules/glob.h"

static const struct {
        const char *pattern;
        const char *name;
        bool matches;
} cases[] = {
        {"", "", true},
        {"", "a", false},
        {"a", "", false},
        {"/run/x", "/run/x", true},
        {"/run/x", "/run/xy", false},
        {"/run/x", "/run/", false},
        {"?", "a", true},
        {"?", "", false},
        {"?", "/", false},
        {"?", "\xc3\xa4", true},
        {"??", "\xc3\xa4", false},
        {"?", "\xff", true},
        {"??", "\xc3\xff", true},
        {"*", "", true},
        {"*", "abc", true},
        {"*", "a/b", false},
        {"*/*", "a/b", true},
        {"/*", "/", true},
        {"/run/*.sock", "/run/x.sock", true},
        {"/run/*.sock", "/run/.sock", true},
        {"/run/*.sock", "/run/a/x.sock", false},
        {"/run/*.sock", "/run/x.sock.sock", true},
        {"/run/*.sock", "/run/x.sockt", false},
        {"/run/**.sock", "/run/a/b/x.sock", true},
        {"/run/**/x", "/run/a/b/x", true},
        {"/run/**/x", "/run/x", false},
        {"**", "", true},
        {"**", "/a/b", true},
        {"***", "/a/b", true},
        {"**/x*y/**", "a/b/xzy/c/d", true},
        {"**/x*y/**", "a/b/xz/y/c/d", false},
        {"**a*b", "a/a/b.b/a.b", true},
        {"*a**b*", "xa/y/bz", true},
        {"*a**b*", "x/a/y/bz", false},
        {"*a*/b", "aa/a/b", false},
        {"[a-c]", "a", true},
        {"[a-c]", "c", true},
        {"[a-c]", "d", false},
        {"[a-c]", "`", false},
        {"[abc]", "b", true},
        {"[!a-c]", "b", false},
        {"[!a-c]", "d", true},
        {"[!a-c]", "/", false},
        {"[!a-c]", "", false},
        {"[.-0]", "/", false},
        {"a[/]b", "a/b", false},
        {"[]]", "]", true},
        {"[!]]", "]", false},
        {"[!]]", "a", true},
        {"[]-a]", "^", true},
        {"[a-]", "-", true},
        {"[a-]", "a", true},
        {"[a-]", "b", false},
        {"[-a]", "-", true},
        {"[^a]", "^", true},
        {"[^a]", "b", false},
        {"[a!]", "!", true},
        {"[\\]]", "]", true},
        {"[\\!a]", "!", true},
        {"[a\\-c]", "-", true},
        {"[a\\-c]", "b", false},
        {"[\\a-\\c]", "b", true},
        {"[\xc3\xa4-\xc3\xb6]", "\xc3\xa5", true},
        {"[\xc3\xa4-\xc3\xb6]", "a", false},
        {"[\xc3\xa4]", "\xc3", false},
        {"\xff", "\xff", true},
        {"\xff", "\xc3\xbf", false},
        {"*\\a", "xa", true},
        {"*\\a", "x\\", false},
        {"*[a]b", "xab", true},
        {"*[a]b", "b", false},
        {"*]b", "x]b", true},
        {"\xc3?", "\xc3\xa4", false},
        {"\xc3?",
         "\xc3"
         "a",
         true},
        {"\\*", "*", true},
        {"\\*", "a", false},
        {"\\?", "a", false},
        {"\\[a]", "[a]", true},
        {"\\\\", "\\", true},
        {"\\x", "x", true},
        {"a\\**", "a*b", true},
        {"]", "]", true},
        {"-", "-", true},
        {"!", "!", true},
};

static void test_cases(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
                const char *pattern = cases[i].pattern, *name = cases[i].name;

                assert_null(glob_check(pattern));
                if (glob_match(pattern, name, strlen(name)) != cases[i].matches)
                        fail_msg("'%s' against '%s': not %d", pattern, name, cases[i].matches);
        }
}

static const struct {
        const char *pattern;
        const char *wrong;
} bad[] = {
        {"[", "has a '[' without its ']'"},
        {"a[", "has a '[' without its ']'"},
        {"[]", "has a '[' without its ']'"},
        {"[!", "has a '[' without its ']'"},
        {"[!]", "has a '[' without its ']'"},
        {"[a", "has a '[' without its ']'"},
        {"[a-", "has a '[' without its ']'"},
        {"[a-b", "has a '[' without its ']'"},
        {"[\\", "has a '[' without its ']'"},
        {"[\\]", "has a '[' without its ']'"},
        {"[a-\\", "has a '[' without its ']'"},
        {"[A-\\]", "has a '[' without its ']'"},
        {"[a][b", "has a '[' without its ']'"},
        {"[b-a]", "has a range whose end comes before its start"},
        {"[ax-cz]", "has a range whose end comes before its start"},
        {"a\\", "ends in a backslash that escapes nothing"},
        {"\\", "ends in a backslash that escapes nothing"},
};

static void test_malformed(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
                const char *wrong = glob_check(bad[i].pattern);

                if (wrong == NULL)
                        fail_msg("'%s' is accepted", bad[i].pattern);
                assert_string_equal(wrong, bad[i].wrong);
        }
}

static void test_names_with_nul(void **state)
{
        (void)state;
        assert_true(glob_match("a?b", "a\0b", 3));
        assert_true(glob_match("a*", "a\0b", 3));
        assert_false(glob_match("a", "a\0b", 3));
}

/* What the patterns mean, said in the plainest way: every wildcard tries everything. */
static bool matches_plainly(const char *pattern, const char *name)
{
        bool crosses = pattern[0] == '*' && pattern[1] == '*';

        if (*pattern == '\0')
                return *name == '\0';
        if (*pattern != '*') {
                if (*name == '\0' || (*pattern == '?' ? *name == '/' : *pattern != *name))
                        return false;
                return matches_plainly(pattern + 1, name + 1);
        }
        for (;; name++) {
                if (matches_plainly(pattern + (crosses ? 2 : 1), name))
                        return true;
                if (*name == '\0' || (*name == '/' && !crosses))
                        return false;
        }
}

/* Write the number in the digits given. Returns false when it needs more than length of them. */
static bool spell(unsigned number, const char *digits, char *ret, size_t length)
{
        size_t base = strlen(digits);

        for (size_t i = 0; i < length; i++, number /= base)
                ret[i] = digits[number % base];
        ret[length] = '\0';
        return number == 0;
}

/* All patterns of up to five characters against all names of up to six, in small alphabets. */
static void test_against_plain_meaning(void **state)
{
        char pattern[8], name[8];

        (void)state;
        for (size_t n_pattern = 0; n_pattern <= 5; n_pattern++)
                for (unsigned p = 0; spell(p, "ab/*?", pattern, n_pattern); p++)
                        for (size_t n_name = 0; n_name <= 6; n_name++)
                                for (unsigned n = 0; spell(n, "ab/", name, n_name); n++)
                                        if (glob_match(pattern, name, n_name) !=
                                            matches_plainly(pattern, name))
                                                fail_msg("'%s' against '%s'", pattern, name);
}

/* The same for long patterns, most of them wildcards, chosen by a fixed generator. */
static void test_against_plain_meaning_long(void **state)
{
        uint64_t seed = 1;

        (void)state;
        for (unsigned i = 0; i < 200000; i++) {
                char pattern[12], name[12];

                for (size_t j = 0; j < 11; j++) {
                        seed = seed * 6364136223846793005u + 1442695040888963407u;
                        pattern[j] = "ab/a***?"[seed >> 61];
                        name[j] = "aab/"[seed >> 59 & 3];
                }
                pattern[5 + i % 7] = name[4 + i % 8] = '\0';
                if (glob_match(pattern, name, strlen(name)) != matches_plainly(pattern, name))
                        fail_msg("'%s' against '%s'", pattern, name);
        }
}

/* Patterns that take naive matchers longer than anybody can wait. */
static void test_pathological(void **state)
{
        static const char *const patterns[] = {
                "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b?",
                "**a**a**a**a**a**a**a**a**a**a**a**a**a**a**a**a**a**a**a**a**b?",
                "**a*a**a*a**a*a**a*a**a*a**a*a**a*a**a*a**a*a**a*a**a*a**a*a*b?",
        };
        struct timespec start, end;
        char name[107];

        (void)state;
        memset(name, 'a', sizeof(name));
        assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start), 0);
        for (size_t i = 0; i < N_ELEMENTS(patterns); i++)
                assert_false(glob_match(patterns[i], name, sizeof(name)));
        assert_int_equal(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end), 0);
        assert_true(end.tv_sec - start.tv_sec < 2);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cases),
                cmocka_unit_test(test_malformed),
                cmocka_unit_test(test_names_with_nul),
                cmocka_unit_test(test_against_plain_meaning),
                cmocka_unit_test(test_against_plain_meaning_long),
                cmocka_unit_test(test_pathological),
        };

        return cmocka_run_group_tests_name("glob", tests, NULL, NULL);
}
