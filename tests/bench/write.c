/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Write a tree of files in a plain loop: what the generator is compared to.
 *
 *     write LIST DIRECTORY
 *
 * The list has an entry for each thing to make, in order: a line "d PATH", "l PATH TARGET", or
 * "f PATH SIZE" followed by so many bytes.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/bench/measure.h"

static char *read_whole(const char *path, size_t *ret_size)
{
        struct stat status;
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        char *text;

        need(fd >= 0 && fstat(fd, &status) == 0, path);
        text = malloc(status.st_size + 1);
        need(text && read(fd, text, status.st_size) == status.st_size, path);
        text[status.st_size] = '\0';
        close(fd);
        *ret_size = status.st_size;
        return text;
}

static void write_file(const char *path, const char *bytes, size_t size)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

        need(fd >= 0 && write(fd, bytes, size) == (ssize_t)size && close(fd) == 0, path);
}

/* Make what the entry at text says. Returns the next entry. */
static char *make_entry(char *text)
{
        char *end = strchr(text, '\n'), *path = text + 2, *last;
        size_t size;

        *end = '\0';
        if (*text == 'd') {
                need(mkdir(path, 0755) == 0, path);
                return end + 1;
        }
        last = strrchr(path, ' ');
        *last++ = '\0';
        if (*text == 'l') {
                need(symlink(last, path) == 0, path);
                return end + 1;
        }
        size = strtoul(last, NULL, 10);
        write_file(path, end + 1, size);
        return end + 1 + size;
}

int main(int argc, char **argv)
{
        size_t size;
        char *list;

        if (argc != 3)
                return EXIT_FAILURE;
        list = read_whole(argv[1], &size);
        need(chdir(argv[2]) == 0, argv[2]);
        for (char *entry = list; entry < list + size;)
                entry = make_entry(entry);
        free(list);
        return EXIT_SUCCESS;
}
