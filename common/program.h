/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Whether a program is one that a preloaded library can work in, as far as its file tells.
 */

#include <limits.h>
#include <stdbool.h>

enum program_kind {
        PROGRAM_PRELOADABLE,
        PROGRAM_STATIC,       /* no dynamic loader, which would do the preloading */
        PROGRAM_GO,           /* makes its system calls itself, past every library */
        PROGRAM_FOREIGN,      /* another word size or processor than our library */
        PROGRAM_OTHER_LIBC,   /* a C library that ours can't be loaded beside */
        PROGRAM_SET_ID,       /* set-user-ID or set-group-ID: the loader leaves our library out */
        PROGRAM_CAPABILITIES, /* file capabilities: the same */
        PROGRAM_UNKNOWN,      /* neither ELF nor a script: whatever runs it can't be seen */
};

/* How to get at the files that the start of a program leads to. Both functions return a descriptor
 * that is closed by the caller, or a negative errno. */
struct program_files {
        int (*open)(const void *userdata, const char *path);
        int (*find)(const void *userdata, const char *name); /* in the search path */
        bool relative; /* open() knows the directory that relative paths start from */
        const void *userdata;
};

/* What was found out about a program. */
struct program {
        enum program_kind kind;
        bool is_interpreter; /* file is not the program itself but what it is run by */
        char file[PATH_MAX]; /* the file that kind is said of, or that could not be opened */
};

/*
 * Look at a program; for a script at its interpreter, and for one of env(1) at the command that it
 * names.
 *
 * path: one for open() if it has a slash, else a name for find().
 * ret: file is written also when the function fails, so that it can be named.
 *
 * Errors: those of the two functions, -ELOOP when interpreters lead on and on, -EIO.
 */
int program_follow(const struct program_files *files, const char *path, struct program *ret);

/*
 * The same below another root directory.
 *
 * root, path: as root_open() wants them.
 * search: the search path, directories and NULL; NULL for those where systemd looks.
 */
int program_inspect(const char *root, const char *path, char *const *search, struct program *ret);

/* Errors: -EACCES when the open file is no regular one, as execve(2) says; those of fstat(2). */
int program_check_regular(int fd);

/* Why no library can be preloaded: "is statically linked". NULL when one can, or may. */
const char *program_obstacle(enum program_kind kind);
