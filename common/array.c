/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "common/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Capacity is not stored: it is the next power of two, so that it follows from the length. */
static size_t capacity_of(size_t n_elements)
{
        size_t capacity = 4;

        if (n_elements == 0)
                return 0;
        while (capacity < n_elements)
                capacity *= 2;
        return capacity;
}

int array_grow(void *array, size_t n_elements, size_t element_size)
{
        void **pointer = array;

        if (capacity_of(n_elements + 1) > capacity_of(n_elements)) {
                void *moved = reallocarray(*pointer, capacity_of(n_elements + 1), element_size);

                if (!moved)
                        return -ENOMEM;
                *pointer = moved;
        }
        memset((char *)*pointer + n_elements * element_size, 0, element_size);
        return 0;
}

int strings_add(char ***strings, size_t *n_strings, const char *string)
{
        size_t room = *strings ? *n_strings + 1 : 0;
        char *copy;
        int r;

        /* One element more than strings: the NULL at the end. */
        if (room == 0) {
                r = array_grow(strings, 0, sizeof(char *));
                if (r < 0)
                        return r;
                room = 1;
        }
        r = array_grow(strings, room, sizeof(char *));
        if (r < 0)
                return r;
        copy = strdup(string);
        if (!copy)
                return -ENOMEM;
        (*strings)[(*n_strings)++] = copy;
        return 0;
}

void strings_free(char **strings)
{
        for (char **s = strings; s && *s; s++)
                free(*s);
        free(strings);
}
