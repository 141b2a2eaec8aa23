/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The Test Anything Protocol, for programs that must not link more than the C library: they are
 * the programs under whose feet the shim works.
 *
 * A program prints its points one by one and ends with `return tap_end()`. Forked children print
 * nothing: they tell by their exit status.
 */

#include <stdbool.h>

/* One point: it holds when condition is true. what: a printf(3) format. Returns condition. */
bool ok(bool condition, const char *what, ...) __attribute__((format(printf, 2, 3)));

/* One point: two numbers are the same. */
bool same(long long got, long long want, const char *what, ...)
        __attribute__((format(printf, 3, 4)));

/* One point: two texts are the same. */
bool is(const char *got, const char *want, const char *what, ...)
        __attribute__((format(printf, 3, 4)));

/* One point that can't be tested here, and why. */
void skip(const char *what, const char *why);

/* A line of explanation. */
void note(const char *text, ...) __attribute__((format(printf, 1, 2)));

/* End the program with a message when what the test stands on is missing. */
void need(bool condition, const char *what);

/* For a program that executes itself and goes on: how many points there were, to go on from. */
int tap_points(void);
void tap_resume(int points);

/* Print the plan. Returns the exit status of the program. */
int tap_end(void);
