/* SPDX-License-Identifier: LGPL-2.1-or-later */

/*
 * Replay a corpus through a fuzz target: replay-NAME DIRECTORY. One TAP point for each file; a
 * finding ends the program, which is a failure too, since the plan is then not fulfilled.
 */

#include <dirent.h>
#include <string.h>

#include "tests/fuzz/fuzz.h"

/* Read the file into memory of exactly its size, so that the sanitizers see a read beyond it. */
static uint8_t *read_file(const char *path, size_t *ret_size)
{
        FILE *file = fopen(path, "re");
        uint8_t *data;
        long size;

        FUZZ_CHECK(file != NULL);
        FUZZ_CHECK(fseek(file, 0, SEEK_END) == 0);
        size = ftell(file);
        FUZZ_CHECK(size >= 0);
        rewind(file);

        data = malloc((size_t)size);
        FUZZ_CHECK(data != NULL || size == 0);
        FUZZ_CHECK(fread(data, 1, (size_t)size, file) == (size_t)size);
        fclose(file);
        *ret_size = (size_t)size;
        return data;
}

static void replay(const char *directory, const char *name)
{
        char path[4096];
        uint8_t *data;
        size_t size;

        FUZZ_CHECK((size_t)snprintf(path, sizeof(path), "%s/%s", directory, name) < sizeof(path));
        data = read_file(path, &size);
        LLVMFuzzerTestOneInput(data, size);
        free(data);
}

static int is_visible(const struct dirent *entry)
{
        return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
        struct dirent **entries;
        int n;

        if (argc != 2) {
                fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
                return EXIT_FAILURE;
        }
        n = scandir(argv[1], &entries, is_visible, alphasort);
        if (n <= 0) {
                fprintf(stderr, "%s: no corpus\n", argv[1]);
                return EXIT_FAILURE;
        }

        printf("1..%d\n", n);
        for (int i = 0; i < n; i++) {
                replay(argv[1], entries[i]->d_name);
                printf("ok %d - %s\n", i + 1, entries[i]->d_name);
                fflush(stdout);
                free(entries[i]);
        }
        free(entries);
        return EXIT_SUCCESS;
}
