/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * A library that is loaded with RTLD_DEEPBIND, as PHP's extensions are, would find the C library's
 * functions before those that were preloaded.
 */

#include <dlfcn.h>
#include <string.h>

#include "tests/preload/deep.h"
#include "tests/preload/net.h"
#include "tests/preload/tap.h"

typedef int (*listen_fn)(void);

static listen_fn find_listen(void *library)
{
        void *found = library ? dlsym(library, "deep_listen") : NULL;
        listen_fn function;

        memcpy(&function, &found, sizeof(function));
        return function;
}

/* The library is an argument. */
int main(int argc, char **argv)
{
        listen_fn function;
        int fd;

        need(argc == 2, "a library");
        function = find_listen(dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL | RTLD_DEEPBIND));
        need(function != NULL, "it is loaded");
        fd = function();
        need(fd >= 0, "its socket listens");
        ok(serves(0, fd), "the socket is the passed one");
        is(local_name(fd), "127.0.0.1:80", "with the name that was asked for");

        /* dlopen(3) looks into the search path of the object that calls it. */
        ok(dlopen("libdeep.so", RTLD_NOW) != NULL, "it is found by the program's search path");
        ok(dlopen("libno-such-library.so", RTLD_NOW) == NULL, "what is not there is not found");
        ok(strstr(dlerror(), "libno-such-library.so") != NULL, "and dlerror() says so");
        return tap_end();
}
