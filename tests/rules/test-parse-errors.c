/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Rules that are wrong, and rules that are doubtful: the message, and the word it points at. */

#include "tests/rules/cmocka-all.h"

#include <errno.h>

#include "rules/utf8.h"
#include "tests/rules/rule-text.h"

#define TEN     "1234567890"
#define FIFTY   TEN TEN TEN TEN TEN
#define PATH    "/" FIFTY FIFTY "123456" /* 107 bytes */
#define FDNAME  FIFTY FIFTY FIFTY FIFTY FIFTY "12345"
#define ACCOUNT "u" FIFTY FIFTY FIFTY FIFTY FIFTY "1234" /* 255 */

struct wrong {
        const char *text;
        const char *word; /* that is blamed; NULL: the rule as a whole */
        size_t offset;
        const char *message;
};

static const struct wrong wrong[] = {
        {"tpc,ignore", "tpc", 0, "unknown flag 'tpc', did you mean 'tcp'?"},
        {"", NULL, 0, "the rule is empty"},
        {"a,,b", "a", 0, "unknown flag 'a'"},
        {"ignore,", ",", 6, "nothing comes after ','"},
        {",ignore", ",", 0, "nothing comes before ','"},
        {"in", NULL, 0,
         "the rule has no action: one of 'path=', 'abstract=', 'systemd', 'reject', 'blackhole', "
         "'ignore', 'inet='"},
        {"out,tcp", NULL, 0,
         "the rule has no action: one of 'path=', 'abstract=', 'reject', 'ignore', 'inet='"},
        {"out,from-unix=x", NULL, 0,
         "the rule has no action: one of 'path=', 'abstract=', 'reject', 'ignore'"},
        {"in, tcp,ignore", " tcp", 3,
         "' tcp' has a blank too many: none are allowed around ',' and '='"},
        {" ignore", " ignore", 0,
         "' ignore' has a blank too many: none are allowed around ',' and '='"},
        {"port= 80,ignore", "port= 80", 0,
         "'port= 80' has a blank too many: none are allowed around ',' and '='"},
        {"port =80,ignore", "port =80", 0,
         "'port =80' has a blank too many: none are allowed around ',' and '='"},
        {"prot=80,ignore", "prot", 0, "unknown key 'prot', did you mean 'port='?"},
        {"port,ignore", "port", 0, "'port' needs a value"},
        {"tcp=1,ignore", "tcp=1", 0, "'tcp=1' takes no value"},
        {"port=,ignore", "port=", 0, "'port=' has an empty value"},
        {"path=", "path=", 0, "'path=' has an empty value"},
        {"systemd=", "systemd=", 0, "'systemd=' has an empty value"},
        {"systemd,systemd=x", "systemd=x", 8, "'systemd' is given twice"},
        {"systemd,ignore", "ignore", 8, "'ignore' after 'systemd': a rule has one action"},
        {"port=1,port=2,ignore", "port=2", 7, "'port=' is given twice"},
        {"addr=1.2.3.4,address=1.2.3.4,ignore", "address=1.2.3.4", 13,
         "'address=' and 'addr=' exclude each other"},
        {"from-unix=a,from-abstract=b,ignore", "from-abstract=b", 12,
         "'from-abstract=' and 'from-unix=' exclude each other"},
        {"out,systemd", "systemd", 4, "'systemd' is about binds alone, it can't go with 'out'"},
        {"blackhole,out", "blackhole", 0,
         "'blackhole' is about binds alone, it can't go with 'out'"},
        {"from-unix=a,port=80,ignore", "port=80", 12,
         "'port=' is about IP sockets, it can't go with 'from-unix='"},
        {"from-unix=a,inet=1.2.3.4", "inet=1.2.3.4", 12,
         "'inet=' is about IP sockets, it can't go with 'from-unix='"},
        {"from-abstract=a,path=/x,peer=credentials", "peer=credentials", 24,
         "'peer=' is about IP sockets, it can't go with 'from-abstract='"},
        {"addr=1.2.3.4,inet=[::1]", "inet=[::1]", 13,
         "'inet=' must have an address of the same family as 'addr='"},
        {"mode=0660,ignore", "mode=0660", 0, "'mode=' goes with 'path=' alone"},
        {"peer=credentials,reject", "peer=credentials", 0,
         "'peer=' goes with 'path=', 'abstract=' or 'systemd' alone"},
        {"peer=credentails,systemd", "credentails", 5,
         "unknown value 'credentails' of 'peer=', did you mean 'credentials'?"},
        {"peer=x,systemd", "x", 5, "unknown value 'x' of 'peer=': there is 'credentials' alone"},
        {"port=90-80,ignore", "90-80", 5, "port range '90-80' must go from low to high"},
        {"port=0-3,ignore", "0", 5, "'0' is not a port number from 1 to 65535"},
        {"port=80-80,ignore", "80-80", 5, "port range '80-80' must go from low to high"},
        {"port=65536,ignore", "65536", 5, "'65536' is not a port number from 0 to 65535"},
        {"port=-1,ignore", "port=-1", 0, "'port=-1' is not a port number from 1 to 65535"},
        {"port=080,ignore", "080", 5, "'080' is not a port number from 0 to 65535"},
        {"addr=1.2.3,ignore", "1.2.3", 5, "'1.2.3' is not an IPv4 or IPv6 address"},
        {"addr=fe80::1%eth0,ignore", "fe80::1%eth0", 5,
         "'fe80::1%eth0' has a zone, which rules don't know: give the address alone"},
        {"addr=1.2.3.4/33,ignore", "33", 13, "'33' is not a prefix length from 0 to 32"},
        {"addr=1.2.3.4/,ignore", "addr=1.2.3.4/", 0,
         "'addr=1.2.3.4/' is not a prefix length from 0 to 32"},
        {"addr=::1/129,ignore", "129", 9, "'129' is not a prefix length from 0 to 128"},
        {"addr=::ffff:1.2.3.4/95,ignore", "95", 20,
         "'95' is too short a prefix for an IPv4-mapped address: at least 96"},
        {"path=x", "x", 5, "path 'x' is not absolute"},
        {"path=/run/", "/run/", 5, "path '/run/' names a directory"},
        {"path=/run/%x", "%x", 10,
         "unknown placeholder '%x': there are %p, %a and %t, and %% for a percent sign"},
        {"path=/run/%", "%", 10,
         "unknown placeholder '%': there are %p, %a and %t, and %% for a percent sign"},
        {"path=/run/%ä/b", "%ä", 10,
         "unknown placeholder '%ä': there are %p, %a and %t, and %% for a percent sign"},
        {"systemd=a/b", "a/b", 8,
         "socket name 'a/b' may have letters, digits, '-', '_' and '.' alone"},
        {"reject=econnrefusd", "econnrefusd", 7,
         "unknown error 'econnrefusd', did you mean 'ECONNREFUSED'?"},
        {"reject=0", "0", 7, "unknown error '0'"},
        {"reject=foo", "foo", 7, "unknown error 'foo'"},
        {"inet=::1", "::1", 5, "'::1' needs brackets around its IPv6 address"},
        {"inet=1.2.3.4:0", "0", 13, "'0' is not a port number from 1 to 65535"},
        {"inet=[1.2.3.4]", "1.2.3.4", 6, "'1.2.3.4' is not an IPv6 address"},
        {"inet=[::1", "[::1", 5, "'[::1' has a '[' without its ']'"},
        {"inet=[::1]80", "80", 10, "'80' after the address is no port"},
        {"inet=[::1]:", "inet=[::1]:", 0, "'inet=[::1]:' is not a port number from 1 to 65535"},
        {"inet=x", "x", 5, "'x' is not an IPv4 address, nor an IPv6 address in brackets"},
        {"path=/x,mode=8", "8", 13, "'8' is not an octal file mode from 0000 to 0777"},
        {"path=/x,mode=1777", "1777", 13, "'1777' is not an octal file mode from 0000 to 0777"},
        {"path=/x,user=a:b", "a:b", 13, "'a:b' can't be a user's name or number"},
        {"path=/x,user=4294967295", "4294967295", 13,
         "'4294967295' can't be a user's name or number"},
        {"from-unix=[a,ignore", "[a", 10, "pattern '[a' has a '[' without its ']'"},
        {"from-unix=a\\,ignore", NULL, 0,
         "the rule has no action: one of 'path=', 'abstract=', 'systemd', 'reject', 'blackhole', "
         "'ignore'"},
        {"from-unix=a\\", "a\\", 10, "pattern 'a\\' ends in a backslash that escapes nothing"},
        {"from-unix=[c-a],ignore", "[c-a]", 10,
         "pattern '[c-a]' has a range whose end comes before its start"},
        {"inet=:80", "inet=:80", 0,
         "'inet=:80' is not an IPv4 address, nor an IPv6 address in brackets"},
        {"inet=[]:80", "inet=[]:80", 0, "'inet=[]:80' is not an IPv6 address"},
        {"addr=/8,ignore", "addr=/8", 0, "'addr=/8' is not an IPv4 or IPv6 address"},
        {"inet=1.2.3.4:x", "x", 13, "'x' is not a port number from 1 to 65535"},
        {"TCP,ignore", "TCP", 0, "unknown flag 'TCP', did you mean 'tcp'?"},
        {"in,tcp,prot=80,systemd=http", "prot", 7, "unknown key 'prot', did you mean 'port='?"},
        {"reject=4096", "4096", 7, "unknown error '4096'"},
        {"reject,systemd", "systemd", 7, "'systemd' after 'reject': a rule has one action"},
        {"path=/x,path=/y", "path=/y", 8, "'path=' is given twice"},
        {"ignore,mode=0660", "mode=0660", 7, "'mode=' goes with 'path=' alone"},
        {"path=/x,mode=00660", "00660", 13, "'00660' is not an octal file mode from 0000 to 0777"},
        {"path=/x,group=a/b", "a/b", 14, "'a/b' can't be a group's name or number"},
        {"path=/x,group=123456789012", "123456789012", 14,
         "'123456789012' can't be a group's name or number"},
        {"addr=1.2.3.4/08,ignore", "08", 13, "'08' is not a prefix length from 0 to 32"},
        {"addr=01.2.3.4,ignore", "01.2.3.4", 5, "'01.2.3.4' is not an IPv4 or IPv6 address"},
        {"addr=1:2:3:4:5:6:7:8:9,ignore", "1:2:3:4:5:6:7:8:9", 5,
         "'1:2:3:4:5:6:7:8:9' is not an IPv4 or IPv6 address"},
        {"addr=[::1],ignore", "[::1]", 5, "'[::1]' is not an IPv4 or IPv6 address"},
        {"port=http,ignore", "http", 5, "'http' is not a port number from 0 to 65535"},
        {"port=80-,ignore", "port=80-", 0, "'port=80-' is not a port number from 1 to 65535"},
        {"port=1-99999,ignore", "99999", 7, "'99999' is not a port number from 1 to 65535"},
        {"inet=1.2.3.4:99999", "99999", 13, "'99999' is not a port number from 1 to 65535"},
        {"from-unix=[a-,ignore", "[a-", 10, "pattern '[a-' has a '[' without its ']'"},
        {"from-unix=[\\", "[\\", 10, "pattern '[\\' has a '[' without its ']'"},
        {"blackhole=x", "blackhole=x", 0, "'blackhole=x' takes no value"},
        {"unknownflagthatisverylongindeedandevenlongerthanthatsothatitiscutinthemiddle,ignore",
         "unknownflagthatisverylongindeedandevenlongerthanthatsothatitiscutinthemiddle", 0,
         "unknown flag 'unknownflagthatisverylongindeedandevenlongerthanthatsothatit...'"},
        {"path=" PATH "7", PATH "7", 5,
         "path '/" FIFTY "123456789...' is too long for a socket: at most 107 bytes"},
        {"path=/" FIFTY FIFTY "%p%a%t%%", "/" FIFTY FIFTY "%p%a%t%%", 5,
         "path '/" FIFTY "123456789...' is too long for a socket: at most 107 bytes"},
        {"abstract=" PATH "7", PATH "7", 9,
         "abstract name '/" FIFTY "123456789...' is too long for a socket: at most 107 bytes"},
        {"port=1000,path=/" FIFTY FIFTY "123%p", "/" FIFTY FIFTY "123%p", 15,
         "path '/" FIFTY "123456789...' is too long for a socket: at most 107 bytes"},
        {"port=1000-1001,path=/" FIFTY FIFTY "123%p", "/" FIFTY FIFTY "123%p", 20,
         "path '/" FIFTY "123456789...' is too long for a socket: at most 107 bytes"},
        {"addr=10.0.0.0/8,path=/" FIFTY "12345678901234567%a%a%a%a%a",
         "/" FIFTY "12345678901234567%a%a%a%a%a", 21,
         "path '/" FIFTY "123456789...' is too long for a socket: at most 107 bytes"},
        {"addr=fd00:1::5,path=/" FIFTY FIFTY "%a", "/" FIFTY FIFTY "%a", 20,
         "path '/" FIFTY "123456789...' is too long for a socket: at most 107 bytes"},
        {"from-unix=a,abstract=" FIFTY FIFTY "1%p", FIFTY FIFTY "1%p", 21,
         "abstract name '" FIFTY "1234567890...' is too long for a socket: at most 107 bytes"},
        {"path=/" FIFTY "ääääääääääääääääääääääääääää1", "/" FIFTY "ääääääääääääääääääääääääääää1",
         5, "path '/" FIFTY "äääää...' is too long for a socket: at most 107 bytes"},
        {"systemd=" FDNAME "6", FDNAME "6", 8,
         "socket name '" FIFTY "1234567890...' is too long: at most 255 characters"},
        {"path=/x,user=" ACCOUNT "6", ACCOUNT "6", 13,
         "'u" FIFTY "123456789...' can't be a user's name or number"},
        {"path=/a\tb", "\t", 7, "control character '\\x09' in a rule"},
        {"ignore\n", "\n", 6, "control character '\\x0a' in a rule"},
        {"ignore\x7f", "\x7f", 6, "control character '\\x7f' in a rule"},
        {"t\xff"
         "cp,ignore",
         "t\xff"
         "cp",
         0, "unknown flag 't\\xffcp', did you mean 'tcp'?"},
        {"path=/%\xff", "%\xff", 6,
         "unknown placeholder '%\\xff': there are %p, %a and %t, and %% for a percent sign"},
};

static void assert_error(const struct wrong *expected, const struct rule_error *error)
{
        if (strcmp(error->message, expected->message) != 0)
                fail_msg("%s: '%s' instead of '%s'", expected->text, error->message,
                         expected->message);
        if (error->offset != expected->offset ||
            error->length != (expected->word == NULL ? 0 : strlen(expected->word)))
                fail_msg("%s: blames %zu, %zu", expected->text, error->offset, error->length);
        if (expected->word != NULL)
                assert_memory_equal(expected->text + error->offset, expected->word, error->length);
}

static void test_errors(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(wrong); i++) {
                struct parsed parsed;
                struct rule_error error;

                if (parse_text(wrong[i].text, &parsed, &error) != -EINVAL)
                        fail_msg("%s: no error", wrong[i].text);
                assert_error(&wrong[i], &error);
        }
}

static void test_longest_that_fit(void **state)
{
        static const char *const fit[] = {"path=" PATH,
                                          "abstract=" PATH,
                                          "systemd=" FDNAME,
                                          "path=/x,user=" ACCOUNT,
                                          "path=/" FIFTY FIFTY "%a%t%%",
                                          "port=1000,path=/" FIFTY FIFTY "12%p",
                                          "port=1-1000,path=/" FIFTY FIFTY "12345%p",
                                          "addr=10.0.0.0/8,path=/" FIFTY
                                          "1234567890123456%a%a%a%a%a",
                                          "addr=::/8,path=/" FIFTY FIFTY "1234%a",
                                          "addr=fd00:1::5,path=/" FIFTY TEN TEN "%a%a%a%a",
                                          "from-unix=a,abstract=" FIFTY FIFTY "%p",
                                          "path=/" FIFTY "ääääääääääääääääääääääääääää",
                                          "path=/" FIFTY FIFTY "1\\,2\\\\3%%"};

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(fit); i++) {
                struct parsed parsed;
                struct rule_error error;

                if (parse_text(fit[i], &parsed, &error) < 0)
                        fail_msg("%s", error.message);
        }
}

/* A NUL in the middle: the text has a length, it is no string. */
static void test_nul(void **state)
{
        char memory[64];
        struct rule_arena arena = {memory, memory + sizeof(memory)};
        struct rule rule;
        struct rule_error error;

        (void)state;
        assert_int_equal(rule_parse("ignore\0,x", 9, 0, &arena, &rule, &error, NULL, NULL),
                         -EINVAL);
        assert_string_equal(error.message, "control character '\\x00' in a rule");
        assert_int_equal(error.offset, 6);
        assert_int_equal(error.length, 1);
}

/* Whatever the word, the message is one line of whole characters. */
static void test_messages_are_text(void **state)
{
        (void)state;
        for (size_t length = 1; length < 120; length++) {
                char text[128] = "";
                struct parsed parsed;
                struct rule_error error;

                memset(text, 'a', length);
                for (size_t i = length % 3; i + 2 <= length; i += 2)
                        memcpy(text + i, "\xc3\xa4", 2);
                assert_int_equal(parse_text(text, &parsed, &error), -EINVAL);
                for (const char *c = error.message; *c != '\0';) {
                        size_t size = utf8_decode(c, strlen(c), NULL);

                        assert_int_not_equal(size, 0);
                        c += size;
                }
        }
}

static const struct wrong doubtful[] = {
        {"tcp,udp,ignore", "udp", 4, "'udp' overrides the earlier 'tcp'"},
        {"tcp,stream,ignore", "stream", 4, "'stream' overrides the earlier 'tcp'"},
        {"ignore,ignore", "ignore", 7, "'ignore' is given twice"},
        {"addr=10.1.2.3/8,ignore", "10.1.2.3/8", 5,
         "'10.1.2.3/8' has bits set after the prefix, taken as 10.0.0.0/8"},
        {"path=/x,out,mode=0660", "mode=0660", 12, "'mode=' has no effect with 'out'"},
        {"out,path=/x,peer=credentials", "peer=credentials", 12,
         "'peer=' has no effect with 'out'"},
        {"in,udp,systemd=x,peer=credentials", "peer=credentials", 17,
         "'peer=' has no effect with 'udp'"},
        {"dgram,abstract=x,peer=credentials", "peer=credentials", 17,
         "'peer=' has no effect with 'dgram'"},
        {"udp,out,path=/x,peer=credentials", "peer=credentials", 16,
         "'peer=' has no effect with 'out'"},
        {"from-unix=a,path=/x%%a/%%%p", "%p", 25, "'%p' is 'unknown' with 'from-unix='"},
        {"from-abstract=a,abstract=%a%t", "%a", 25, "'%a' is 'unknown' with 'from-abstract='"},
        {"path=/x mode=0660", "mode=0660", 8, "'mode=0660' is taken for a part of 'path='"},
        {"in,path=/a b #c,tcp", "#c", 13, "'#c' is taken for a part of 'path='"},
        {"abstract=x ; y", "; y", 11, "'; y' is taken for a part of 'abstract='"},
        {"path=/x noremove", "noremove", 8, "'noremove' is taken for a part of 'path='"},
};

struct warnings {
        struct rule_error last;
        unsigned n;
};

static void remember(const struct rule_error *warning, void *userdata)
{
        struct warnings *warnings = userdata;

        warnings->last = *warning;
        warnings->n++;
}

static void test_warnings(void **state)
{
        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(doubtful); i++) {
                const char *text = doubtful[i].text;
                struct warnings warnings = {};
                struct parsed parsed;
                struct rule_error error;
                struct rule_arena arena = {parsed.memory, parsed.memory + sizeof(parsed.memory)};

                assert_int_equal(rule_parse(text, strlen(text), 0, &arena, &parsed.rule, &error,
                                            remember, &warnings),
                                 0);
                assert_int_equal(warnings.n, 1);
                assert_error(&doubtful[i], &warnings.last);
        }
}

static void test_no_warning_without_cause(void **state)
{
        static const char *const texts[] = {
                "in,tcp,addr=10.0.0.0/8,port=1,path=/x,mode=0660,noremove",
                "path=/x,mode=0660,noremove,user=u,group=g,peer=credentials",
                "in,tcp,systemd=x,peer=credentials",
                "udp,path=/x,mode=0660,noremove,user=u,group=g",
                "from-unix=%p,path=/%%p-%%a-%t",
                "path=/%p-%a-%t",
                "path=/a#b;c/mode=1 a",
                "path=/one two,mode=0660",
        };

        (void)state;
        for (size_t i = 0; i < N_ELEMENTS(texts); i++) {
                struct warnings warnings = {};
                struct parsed parsed;
                struct rule_error error;
                struct rule_arena arena = {parsed.memory, parsed.memory + sizeof(parsed.memory)};

                assert_int_equal(rule_parse(texts[i], strlen(texts[i]), 0, &arena, &parsed.rule,
                                            &error, remember, &warnings),
                                 0);
                assert_int_equal(warnings.n, 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_errors),   cmocka_unit_test(test_longest_that_fit),
                cmocka_unit_test(test_nul),      cmocka_unit_test(test_messages_are_text),
                cmocka_unit_test(test_warnings), cmocka_unit_test(test_no_warning_without_cause),
        };

        return cmocka_run_group_tests_name("parse-errors", tests, NULL, NULL);
}
