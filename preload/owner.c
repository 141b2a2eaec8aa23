/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads /etc/passwd and /etc/group. See owner.h. */

#include <stdbool.h>
#include <stdint.h>

#include "preload/kernel.h"
#include "preload/owner.h"

#define FIELD_NAME 0
#define FIELD_ID   2

/* The line that is being read: NAME:PASSWORD:ID:… */
struct line {
        int field;
        size_t matched; /* bytes of the name that are as wanted */
        bool differs;
        bool is_number;
        uint64_t id;
};

static void begin(struct line *line)
{
        *line = (struct line){.is_number = true};
}

static void add_digit(struct line *line, char c)
{
        if (c < '0' || c > '9' || line->id > UINT32_MAX / 10)
                line->is_number = false;
        else
                line->id = line->id * 10 + (uint64_t)(c - '0');
}

/* Returns whether the field before the colon ends the search: it is the id of the name. */
static bool end_field(struct line *line, const char *name)
{
        if (line->field == FIELD_NAME)
                line->differs |= name[line->matched] != 0;

        return line->field++ == FIELD_ID && !line->differs && line->is_number;
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

        /* The last number means "leave it as it is" to chown(2). */
        return *name && line.is_number && line.id < UINT32_MAX;
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
