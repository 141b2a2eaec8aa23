/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules/address.h"

#include <errno.h>
#include <string.h>

#include "rules/text.h"

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static int hexadecimal_digit(char c)
{
        if (is_digit(c))
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

/*
 * Four decimal numbers, and nothing of what inet_aton(3) reads beside: with "010" being 8 to some
 * programs and 10 to others, neither is a good answer.
 */
static int parse_ipv4(const char *text, const char *end, uint8_t ret[static 4])
{
        uint8_t bytes[4];

        for (size_t i = 0; i < 4; i++) {
                const char *start = text;
                unsigned number = 0;

                if (i > 0 && (text == end || *text++ != '.'))
                        return -EINVAL;
                for (start = text; text < end && is_digit(*text) && text - start < 3; text++)
                        number = number * 10 + (unsigned)(*text - '0');
                if (text == start || number > 255 || (*start == '0' && text - start > 1))
                        return -EINVAL;
                bytes[i] = (uint8_t)number;
        }
        if (text != end)
                return -EINVAL;
        memcpy(ret, bytes, sizeof(bytes));
        return 0;
}

/* Parse up to four hexadecimal digits. Returns where they end, or NULL when there is none. */
static const char *parse_group(const char *text, const char *end, unsigned *ret)
{
        const char *start = text;
        unsigned number = 0;

        while (text < end && text - start < 4 && hexadecimal_digit(*text) >= 0)
                number = number << 4 | (unsigned)hexadecimal_digit(*text++);
        if (text == start)
                return NULL;
        *ret = number;
        return text;
}

/* The groups before and after "::", in the making. */
struct groups {
        uint8_t bytes[16];
        size_t filled; /* bytes */
        size_t gap;    /* where "::" stands, in bytes; SIZE_MAX: nowhere */
};

static int add_ipv4(struct groups *groups, const char *text, const char *end)
{
        int r;

        if (groups->filled > 12)
                return -EINVAL;
        r = parse_ipv4(text, end, groups->bytes + groups->filled);
        if (r < 0)
                return r;
        groups->filled += 4;
        return 0;
}

/* Add the group at *text and move there to what follows. An IPv4 address can only be the last. */
static int add_group(struct groups *groups, const char **text, const char *end)
{
        unsigned number;
        const char *next = parse_group(*text, end, &number);

        if (next == NULL)
                return -EINVAL;
        if (next < end && *next == '.') {
                const char *dotted = *text;

                *text = end;
                return add_ipv4(groups, dotted, end);
        }
        if (groups->filled > 14)
                return -EINVAL;
        groups->bytes[groups->filled++] = (uint8_t)(number >> 8);
        groups->bytes[groups->filled++] = (uint8_t)number;
        *text = next;
        return 0;
}

/* Read the colon, or two, after a group. */
static int add_separator(struct groups *groups, const char **text, const char *end)
{
        if (**text != ':' || *text + 1 == end)
                return -EINVAL;
        ++*text;
        if (**text != ':')
                return 0;
        if (groups->gap != SIZE_MAX)
                return -EINVAL;
        groups->gap = groups->filled;
        ++*text;
        return 0;
}

static int parse_ipv6(const char *text, const char *end, uint8_t ret[static 16])
{
        struct groups groups = {.gap = SIZE_MAX};
        int r;

        if (end - text >= 2 && text[0] == ':' && text[1] == ':') {
                groups.gap = 0;
                text += 2;
        }
        while (text < end) {
                r = add_group(&groups, &text, end);
                if (r < 0)
                        return r;
                if (text == end)
                        break;
                r = add_separator(&groups, &text, end);
                if (r < 0)
                        return r;
        }

        /* "::" stands for one group at least. */
        if (groups.gap == SIZE_MAX ? groups.filled != 16 : groups.filled > 14)
                return -EINVAL;

        size_t before = groups.gap == SIZE_MAX ? groups.filled : groups.gap;
        size_t after = groups.filled - before;

        memset(ret, 0, 16);
        memcpy(ret, groups.bytes, before);
        memcpy(ret + 16 - after, groups.bytes + before, after);
        return 0;
}

int rule_address_parse(const char *text, size_t length, struct rule_address *ret, bool *ret_ipv4)
{
        struct rule_address address;
        uint8_t ipv4[4];
        int r;

        if (memchr(text, ':', length) == NULL) {
                r = parse_ipv4(text, text + length, ipv4);
                if (r < 0)
                        return r;
                *ret = rule_address_from_ipv4(ipv4);
                *ret_ipv4 = true;
                return 0;
        }

        r = parse_ipv6(text, text + length, address.bytes);
        if (r < 0)
                return r;
        *ret = address;
        *ret_ipv4 = rule_address_is_mapped(&address);
        return 0;
}

static void add_dotted(struct text *text, const uint8_t bytes[static 4])
{
        for (size_t i = 0; i < 4; i++) {
                if (i > 0)
                        text_add_char(text, '.');
                text_add_unsigned(text, bytes[i]);
        }
}

static unsigned group_at(const struct rule_address *address, size_t group)
{
        return (unsigned)address->bytes[2 * group] << 8 | address->bytes[2 * group + 1];
}

/*
 * Find the longest run of zero groups, the first of those that are equally long (RFC 5952, 4.2.3).
 * Returns its length, or 0 when there is none of two groups at least, which is what "::" is for.
 */
static size_t find_gap(const struct rule_address *address, size_t *ret_start)
{
        size_t longest = 1;

        for (size_t i = 0, run = 0; i < 8; i++) {
                run = group_at(address, i) == 0 ? run + 1 : 0;
                if (run > longest) {
                        longest = run;
                        *ret_start = i + 1 - run;
                }
        }
        return longest > 1 ? longest : 0;
}

static void add_ipv6(struct text *text, const struct rule_address *address)
{
        size_t gap_start = 0;
        size_t gap = find_gap(address, &gap_start);

        for (size_t i = 0; i < 8; i++) {
                if (gap > 0 && i == gap_start) {
                        text_add_string(text, "::");
                        i += gap - 1;
                        continue;
                }
                if (i > 0 && (gap == 0 || i != gap_start + gap))
                        text_add_char(text, ':');
                text_add_hexadecimal(text, group_at(address, i));
        }
}

size_t rule_address_format(const struct rule_address *address, bool ipv4,
                           char ret[static RULE_ADDRESS_TEXT_MAX])
{
        struct text text;

        text_init(&text, ret, RULE_ADDRESS_TEXT_MAX);
        if (!ipv4 && rule_address_is_mapped(address))
                text_add_string(&text, "::ffff:");
        if (ipv4 || rule_address_is_mapped(address))
                add_dotted(&text, address->bytes + 12);
        else
                add_ipv6(&text, address);
        return (size_t)text_finish(&text);
}

struct rule_address rule_address_from_ipv4(const void *in_addr)
{
        struct rule_address address;

        memcpy(address.bytes, mapped_prefix, sizeof(mapped_prefix));
        memcpy(address.bytes + sizeof(mapped_prefix), in_addr, 4);
        return address;
}

bool rule_address_is_mapped(const struct rule_address *address)
{
        return memcmp(address->bytes, mapped_prefix, sizeof(mapped_prefix)) == 0;
}
