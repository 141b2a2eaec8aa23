/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Arrays that grow by one element at a time, and lists of strings that end in NULL. */

#include <stddef.h>

/*
 * Make room for element number n_elements (from 0) in an array of n_elements elements that only
 * ever grew by this function. The new element is zeroed.
 *
 * array: address of the pointer to the array, which may move.
 * Errors: -ENOMEM, the array is then as it was.
 */
int array_grow(void *array, size_t n_elements, size_t element_size);

/* Append a copy of string to a NULL-terminated list. Errors: -ENOMEM. */
int strings_add(char ***strings, size_t *n_strings, const char *string);

/* Free a NULL-terminated list and its strings. NULL is an empty list. */
void strings_free(char **strings);
