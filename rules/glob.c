/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "rules/glob.h"

#include <stdint.h>
#include <string.h>

#include "rules/utf8.h"

/* Where code points end, bytes that are not UTF-8 begin: they match themselves alone. */
#define NOT_UTF8 0x110000u

/* A stretch of text that is eaten from its start. */
struct cursor {
        const char *next;
        const char *end;
};

static uint32_t take(struct cursor *cursor)
{
        uint8_t first = (uint8_t)*cursor->next;
        uint32_t code;
        size_t size;

        if (first < 0x80) {
                cursor->next++;
                return first;
        }
        size = utf8_decode(cursor->next, (size_t)(cursor->end - cursor->next), &code);
        if (size == 0) {
                cursor->next++;
                return NOT_UTF8 + first;
        }
        cursor->next += size;
        return code;
}

static bool at_end(const struct cursor *cursor)
{
        return cursor->next == cursor->end;
}

static uint32_t take_escaped(struct cursor *pattern)
{
        if (*pattern->next == '\\')
                pattern->next++;
        return take(pattern);
}

/* Is there a range's second half at the cursor? In "[a-]" there is none, '-' stands for itself. */
static bool at_range(const struct cursor *pattern)
{
        return pattern->end - pattern->next >= 2 && pattern->next[0] == '-' &&
               pattern->next[1] != ']';
}

/* Match one character against the class whose '[' is eaten already; eats it and its ']'. */
static bool take_class(struct cursor *pattern, uint32_t character)
{
        bool negated = *pattern->next == '!', found = false;

        if (negated)
                pattern->next++;
        do {
                uint32_t first = take_escaped(pattern), last = first;

                if (at_range(pattern)) {
                        pattern->next++;
                        last = take_escaped(pattern);
                }
                if (character >= first && character <= last)
                        found = true;
        } while (*pattern->next != ']');
        pattern->next++;
        return character != '/' && found != negated;
}

/* Match one character of the name against the pattern's next element, a wildcard excepted. */
static bool take_one(struct cursor *pattern, struct cursor *name)
{
        uint32_t character = take(name);

        switch (*pattern->next) {
        case '?':
                pattern->next++;
                return character != '/';
        case '[':
                pattern->next++;
                return take_class(pattern, character);
        default:
                return take_escaped(pattern) == character;
        }
}

/* A wildcard met on the way: what follows it in the pattern, and what it has not swallowed yet. */
struct wildcard {
        bool met;
        const char *pattern;
        struct cursor name;
};

/* Let the wildcard swallow one more character, and go on from there. */
static bool retry(struct wildcard *wildcard, bool crosses, struct cursor *pattern,
                  struct cursor *name)
{
        if (!wildcard->met || at_end(&wildcard->name))
                return false;
        if (take(&wildcard->name) == '/' && !crosses)
                return false;
        pattern->next = wildcard->pattern;
        *name = wildcard->name;
        return true;
}

static bool is_plain(char c)
{
        return c != '\0' && (uint8_t)c < 0x80 && c != '?' && c != '*' && c != '[' && c != '\\';
}

/*
 * Eat what the pattern and the name begin with, as far as it is plain ASCII. Most patterns of a
 * list part from a name there already, and are passed over at little cost.
 */
static bool take_plain(const char **pattern, struct cursor *name)
{
        for (; is_plain(**pattern); ++*pattern, name->next++)
                if (at_end(name) || **pattern != *name->next)
                        return false;
        return true;
}

/*
 * Compare what the pattern and the name end with, as far as it is plain ASCII: for the same reason,
 * and without eating it, as its first character may be an escaped one. No ']' is among it, so none
 * of it can be part of a class.
 */
static bool ends_alike(const struct cursor *pattern, const struct cursor *name)
{
        const char *p = pattern->end, *n = name->end;

        while (p > pattern->next && is_plain(p[-1]) && p[-1] != ']')
                if (n == name->next || *--p != *--n)
                        return false;
        return true;
}

/*
 * Instead of trying all that every wildcard could swallow, which is exponential, it is enough to go
 * back to the last one of each kind. Whatever stands between two wildcards matches best where it
 * matches first: that leaves the later wildcard everything it could have had otherwise. A "**"
 * makes the earlier ones irrelevant by that argument, and a "*" an earlier "*", since it has to
 * stay within the same two slashes.
 */
bool glob_match(const char *pattern_text, const char *name_text, size_t name_length)
{
        struct cursor name = {name_text, name_text + name_length};
        struct wildcard star = {}, stars = {};

        if (!take_plain(&pattern_text, &name))
                return false;

        struct cursor pattern = {pattern_text, pattern_text + strlen(pattern_text)};

        if (!ends_alike(&pattern, &name))
                return false;
        for (;;) {
                if (!at_end(&pattern) && *pattern.next == '*') {
                        bool crosses = pattern.next[1] == '*';
                        struct wildcard *wildcard = crosses ? &stars : &star;

                        while (*pattern.next == '*')
                                pattern.next++;
                        *wildcard = (struct wildcard){true, pattern.next, name};
                        if (crosses)
                                star.met = false;
                        continue;
                }
                if (at_end(&pattern) && at_end(&name))
                        return true;
                if (!at_end(&pattern) && !at_end(&name) && take_one(&pattern, &name))
                        continue;
                if (retry(&star, false, &pattern, &name))
                        continue;
                star.met = false;
                if (!retry(&stars, true, &pattern, &name))
                        return false;
        }
}

bool glob_covers(const char *pattern, const char *other)
{
        size_t plain = 0;

        if (strcmp(pattern, other) == 0)
                return true;
        while (is_plain(pattern[plain]))
                plain++;
        /* What begins alike matches nothing that begins otherwise. */
        if (strcmp(pattern + plain, "**") == 0 && strncmp(pattern, other, plain) == 0)
                return true;
        return other[strcspn(other, "?*[\\")] == '\0' && glob_match(pattern, other, strlen(other));
}

/* Check the class whose '[' is eaten already, and eat it. */
static const char *check_class(struct cursor *pattern)
{
        static const char unclosed[] = "has a '[' without its ']'";
        bool first_one = true;

        if (!at_end(pattern) && *pattern->next == '!')
                pattern->next++;
        for (; !at_end(pattern) && (first_one || *pattern->next != ']'); first_one = false) {
                uint32_t first, last;

                if (*pattern->next == '\\' && pattern->end - pattern->next < 2)
                        return unclosed;
                first = take_escaped(pattern);
                if (!at_range(pattern))
                        continue;
                pattern->next++;
                if (*pattern->next == '\\' && pattern->end - pattern->next < 2)
                        return unclosed;
                last = take_escaped(pattern);
                if (last < first)
                        return "has a range whose end comes before its start";
        }
        if (at_end(pattern))
                return unclosed;
        pattern->next++;
        return NULL;
}

const char *glob_check(const char *pattern_text)
{
        struct cursor pattern = {pattern_text, pattern_text + strlen(pattern_text)};

        while (!at_end(&pattern)) {
                uint32_t character = take(&pattern);
                const char *wrong = NULL;

                if (character == '[')
                        wrong = check_class(&pattern);
                else if (character == '\\' && at_end(&pattern))
                        wrong = "ends in a backslash that escapes nothing";
                else if (character == '\\')
                        take(&pattern);
                if (wrong != NULL)
                        return wrong;
        }
        return NULL;
}
