/* Runs a fuzz target over its corpus without a fuzzer, so that `make check`
 * does under any compiler: each file of the directories named, every beginning
 * of it, it with one byte changed, and the inputs that are too dull to store.
 * With none named, fuzz-NAME takes $srcdir/tests/fuzz/corpus/NAME. */
#include "fuzz.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* Above every bound of a parser here. */
#define LARGE ((size_t) 2 * 1024 * 1024)
/* Longer seeds are run as they are. */
#define VARIED_MAX 4096
/* Of a target that takes its time only every so manieth byte is. */
#ifndef STRIDE
#define STRIDE 1
#endif

/* In an allocation of exactly its size, for the sanitizer to see a read beyond
 * the end. */
static void run(const uint8_t *data, size_t size) {
        uint8_t *copy = malloc(size > 0 ? size : 1);

        MUST(copy);
        if (size > 0)
                memcpy(copy, data, size);
        (void) LLVMFuzzerTestOneInput(copy, size);
        free(copy);
}

static void run_varied(uint8_t *data, size_t size) {
        static const uint8_t odd[] = { 0, '\n', ' ', ':', ',', '-', '9', 0xff };

        run(data, size);
        for (size_t n = 0; size <= VARIED_MAX && n < size; n += STRIDE) {
                uint8_t was = data[n];

                run(data, n);
                for (size_t i = 0; i < sizeof(odd); i++) {
                        data[n] = odd[i];
                        run(data, size);
                }
                data[n] = was;
        }
}

static void run_dull(void) {
        uint8_t *data = malloc(LARGE);
        static const char fills[] = { 0, '\n', ' ', '#', 'a', '0' };

        MUST(data);
        for (size_t i = 0; i < sizeof(fills); i++) {
                memset(data, fills[i], LARGE);
                for (size_t size = 0; size <= LARGE; size = size * 4 + 1)
                        run(data, size);
                run(data, LARGE);
        }
        free(data);
}

static int run_file(int dirfd, const char *name) {
        _cleanup_close_ int fd = -1;
        _cleanup_free_ uint8_t *data = NULL;
        struct stat st;

        fd = openat(dirfd, name, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return 0;
        data = malloc((size_t) st.st_size + 1);
        if (!data)
                return -ENOMEM;
        if (read(fd, data, (size_t) st.st_size) != st.st_size)
                return -EIO;
        run_varied(data, (size_t) st.st_size);
        return 1;
}

static int run_directory(const char *path) {
        DIR *dir = opendir(path);
        struct dirent *e;
        int files = 0, r = 0;

        if (!dir)
                return -errno;
        while (r >= 0 && (e = readdir(dir))) {
                if (e->d_name[0] == '.')
                        continue;
                r = run_file(dirfd(dir), e->d_name);
                if (r < 0)
                        (void) fprintf(stderr, "%s/%s: %s\n", path, e->d_name, strerror(-r));
                else
                        files += r;
        }
        (void) closedir(dir);
        return r < 0 ? r : files;
}

static int run_corpus(const char *path) {
        int files = run_directory(path);

        /* A corpus that is not found must not pass for one without faults. */
        if (files <= 0) {
                (void) fprintf(stderr, "%s: %s\n", path, files < 0 ? strerror(-files) : "no seeds");
                return EXIT_FAILURE;
        }
        (void) printf("%s: %d seeds\n", path, files);
        return EXIT_SUCCESS;
}

int main(int argc, char *argv[]) {
        const char *target = strrchr(argv[0], '-');
        char path[4096];

        run_dull();
        for (int i = 1; i < argc; i++)
                if (run_corpus(argv[i]) != EXIT_SUCCESS)
                        return EXIT_FAILURE;
        if (argc > 1)
                return EXIT_SUCCESS;

        (void) snprintf(path, sizeof(path), "%s/tests/fuzz/corpus/%s", str_or(getenv("srcdir"), "."), target ? target + 1 : "");
        return run_corpus(path);
}
