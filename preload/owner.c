/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads /etc/passwd and /etc/group. See owner.h. */

#include <stdbool.h>
#include <stdint.h>

#include "preload/kernel.h"
#include "preload/owner.h"

#define FIELD_NAME 0
#define FIELD_ID   2

/* The largest 32-bit number is none either: to chown(2) it means "leave it as it is". */
#define NOT_A_NUMBER (-1)

/* The line that is being read: NAME:PASSWORD:ID:… */
struct line {
        int field;
        size_t matched; /* bytes of the name that are as wanted */
        bool differs;
        int digits; /* of the id, or NOT_A_NUMBER */
        uint64_t id;
};

static void begin(struct line *line)
{
        *line = (struct line){0};
}

static void add_digit(struct line *line, char c)
{
        if (line->digits == NOT_A_NUMBER)
                return;

        line->id = line->id * 10 + (uint64_t)(c - '0');
        if (c < '0' || c > '9' || line->id >= UINT32_MAX)
                line->digits = NOT_A_NUMBER;
        else
                line->digits++;
}

/* Returns whether the field before the colon ends the search: it is the id of the name. */
static bool end_field(struct line *line, const char *name)
{
        if (line->field == FIELD_NAME)
                line->differs |= name[line->matched] != 0;

        return line->field++ == FIELD_ID && !line->differs && line->digits > 0;
}

static bool add(struct line *line, const char *name, char c)
{
        if (c == '\n')
                begin(line);
        else if (c == ':')
                return end_field(line, name);
        else if (line->field == FIELD_NAME && !line->differs && name[line->matched] == c)
                line->matched++;
        else if (line->field == FIELD_NAME)
                line->differs = true;
        else if (line->field == FIELD_ID)
                add_digit(line, c);

        return false;
}

static int search(int file, const char *name, uint32_t *ret)
{
        struct line line;
        char buf[1024];
        ssize_t n;

        begin(&line);
        while ((n = kernel_read(file, buf, sizeof(buf))) > 0)
                for (ssize_t i = 0; i < n; i++)
                        if (add(&line, name, buf[i])) {
                                *ret = (uint32_t)line.id;
                                return 0;
                        }

        return n < 0 ? -errno : -ENOENT;
}

static bool parse_number(const char *name, uint32_t *ret)
{
        struct line line;

        begin(&line);
        for (const char *c = name; *c; c++)
                add_digit(&line, *c);
        *ret = (uint32_t)line.id;

        return line.digits > 0;
}

static int find(const char *path, const char *name, uint32_t *ret)
{
        int file, r;

        if (parse_number(name, ret))
                return 0;

        file = kernel_openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
        if (file < 0)
                return -errno;
        r = search(file, name, ret);
        kernel_close(file);
        return r;
}

int owner_find_user(const char *name, uid_t *ret)
{
        return find("/etc/passwd", name, ret);
}

int owner_find_group(const char *name, gid_t *ret)
{
        return find("/etc/group", name, ret);
}
