// SPDX-License-Identifier: MIT
// The main function of a fuzzer that is built without libFuzzer: it feeds every file of the corpus
// folder, so that each input that was ever interesting is a plain test. No corpus is a failure,
// since a test of nothing would always pass.
#include "base/file.h"
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int main(int argc, char **argv)
{
    AUTO(arena_clear) struct arena arena = {0};
    struct error err = {0};
    struct str *names = NULL;
    size_t count = 0;
    if (argc != 2 || !folder_list(argv[1], &arena, &names, &count, &err)) {
        fprintf(stderr, "%s\n", argc != 2 ? "usage: NAME_fuzz CORPUS_FOLDER" : err.text);
        return 2;
    }
    for (size_t i = 0; i < count; i++) {
        AUTO(buf_clear) struct buf bytes = {0};
        struct str path = arena_print(&arena, "%s/%.*s", argv[1], STR_ARGS(names[i]));
        if (!file_read_whole(path.ptr, &bytes, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        fprintf(stderr, "%s\n", path.ptr); // the last one printed is the one that crashed
        LLVMFuzzerTestOneInput((const uint8_t *)buf_str(&bytes).ptr, bytes.len);
    }
    printf("%zu inputs replayed\n", count);
    return count > 0 ? 0 : 1;
}
