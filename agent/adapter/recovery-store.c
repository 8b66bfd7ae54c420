/* The result of the last wsrep-recover on disk; see recovery-store.h. */
#include "adapter/recovery-store.h"
#include "sys/file.h"

/* The agent, another user, reads it. */
#define RECOVERY_MODE 0644

int recovery_read(int dirfd, Recovery *ret) {
        _cleanup_free_ char *text = NULL;
        char error[256];
        size_t n;
        int r;

        r = file_read(dirfd, RECOVERY_NAME, RECOVERY_SIZE_MAX, &text, &n, NULL);
        if (r < 0)
                return r;
        return recovery_parse(text, n, ret, error);
}

int recovery_write(int dirfd, const Recovery *r) {
        _cleanup_free_ char *text = NULL;
        int k;

        k = recovery_format(r, &text);
        if (k < 0)
                return k;
        return file_write(dirfd, RECOVERY_NAME, text, strlen(text), RECOVERY_MODE);
}
