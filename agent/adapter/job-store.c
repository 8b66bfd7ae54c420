/* The jobs on disk; see job-store.h. */
#include "adapter/job-store.h"
#include "domain/json.h"
#include "sys/file.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdarg.h>

#define SUFFIX ".json"
#define ID_DIGITS 8
#define FILE_NAME_SIZE (ID_DIGITS + sizeof(SUFFIX))
#define FILE_SIZE_MAX ((size_t) 256 * 1024)
/* Those that end are removed at JOBS_MAX: more are there only by hand, or are of
 * no use to this release. */
#define FILES_MAX 256

static const char *file_name(uint64_t id, char buf[static FILE_NAME_SIZE]) {
        (void) snprintf(buf, FILE_NAME_SIZE, "%0*u" SUFFIX, ID_DIGITS, (unsigned) (id % (JOB_ID_MAX + 1ULL)));
        return buf;
}

/* The id in the first bytes of `name`, 0 where there is none; `rest` is what
 * follows them. */
static uint64_t id_of(const char *name, const char *rest) {
        uint64_t id = 0;

        for (size_t i = 0; i < ID_DIGITS; i++) {
                if (!isdigit((unsigned char) name[i]))
                        return 0;
                id = id * 10 + (uint64_t) (name[i] - '0');
        }
        return strncmp(name + ID_DIGITS, rest, strlen(rest)) == 0 ? id : 0;
}

/* What a crash in file_write() leaves behind. What has an id is longer than the end of it. */
static bool is_leftover(const char *name) {
        size_t n = strlen(name);

        return name[0] == '.' && id_of(name + 1, SUFFIX ".") > 0 && streq(name + n - 4, ".tmp");
}

static void _printf_(2, 3) problem(JobStore *s, const char *format, ...) {
        va_list ap;

        if (s->n_problems == ELEMENTS(s->problem)) {
                (void) snprintf(s->problem[s->n_problems - 1], sizeof(s->problem[0]), "More files in " JOB_STORE_NAME " than can be told here are of no use. They are left as they are.");
                return;
        }
        va_start(ap, format);
        (void) vsnprintf(s->problem[s->n_problems++], sizeof(s->problem[0]), format, ap);
        va_end(ap);
}

/* Opening */

static int open_directory(const char *dir) {
        _cleanup_close_ int parent = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int fd;

        if (parent < 0)
                return -errno;
        if (mkdirat(parent, JOB_STORE_NAME, 0750) < 0 && errno != EEXIST)
                return -errno;
        /* Also where it was there: who has made it may not have come as far. */
        if (fsync(parent) < 0)
                return -errno;
        fd = openat(parent, JOB_STORE_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

/* The highest ids there are, falling; their number, and in `ret_more` that of
 * the others. */
static int list_ids(int dirfd, uint64_t ids[static FILES_MAX], size_t *ret_n, size_t *ret_more) {
        int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        size_t n = 0, more = 0;
        struct dirent *e;
        DIR *dir;
        int r;

        dir = fd < 0 ? NULL : fdopendir(fd);
        if (!dir) {
                r = -errno;
                if (fd >= 0)
                        (void) close(fd);
                return r;
        }
        while (errno = 0, (e = readdir(dir))) {
                uint64_t id = id_of(e->d_name, SUFFIX);
                size_t i = n;

                if (is_leftover(e->d_name))
                        (void) unlinkat(dirfd, e->d_name, 0);
                if (id == 0 || e->d_name[ID_DIGITS + strlen(SUFFIX)] != '\0')
                        continue;
                while (i > 0 && ids[i - 1] < id)
                        i--;
                if (n == FILES_MAX)
                        more++;
                if (i == FILES_MAX)
                        continue;
                if (n < FILES_MAX)
                        n++;
                memmove(ids + i + 1, ids + i, (n - i - 1) * sizeof(ids[0]));
                ids[i] = id;
        }
        r = -errno;
        (void) closedir(dir);
        if (r < 0)
                return r;
        *ret_n = n;
        *ret_more = more;
        return 0;
}

static int read_job(int dirfd, uint64_t id, Job **ret, char error[static 256]) {
        _cleanup_(job_freep) Job *job = NULL;
        _cleanup_free_ char *text = NULL;
        char name[FILE_NAME_SIZE];
        size_t size;
        json_t *o;
        int r;

        r = file_read(dirfd, file_name(id, name), FILE_SIZE_MAX, &text, &size, NULL);
        if (r < 0) {
                (void) snprintf(error, 256, "%s", strerror(-r));
                return r;
        }
        r = json_read(text, size, &o, error);
        if (r < 0)
                return r;
        r = job_from_json(o, &job, error);
        json_decref(o);
        if (r == -ENOMEM)
                (void) snprintf(error, 256, "%s", strerror(ENOMEM));
        if (r < 0)
                return r;
        if (job->id != id) {
                (void) snprintf(error, 256, "it is of job %llu, and has been put there from elsewhere", (unsigned long long) job->id);
                return -EBADMSG;
        }
        *ret = TAKE(job);
        return 0;
}

/* As much as a job and the agent's own state are, many times over. */
#define RESERVE_SIZE ((off_t) 256 * 1024)

static int keep_reserve(int dirfd) {
        _cleanup_close_ int fd = openat(dirfd, JOB_RESERVE_NAME, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0640);
        int r = fd < 0 ? -errno : -posix_fallocate(fd, 0, RESERVE_SIZE);

        if (r < 0)
                (void) unlinkat(dirfd, JOB_RESERVE_NAME, 0);
        return r;
}

static int write_text(int dirfd, const char *name, const char *text) {
        int r = file_write(dirfd, name, text, strlen(text), 0640);

        if ((r == -ENOSPC || r == -EDQUOT) && unlinkat(dirfd, JOB_RESERVE_NAME, 0) >= 0)
                r = file_write(dirfd, name, text, strlen(text), 0640);
        return r;
}

static int write_job(int dirfd, const Job *job) {
        _cleanup_free_ char *text = NULL;
        char name[FILE_NAME_SIZE];
        json_t *o;
        int r;

        r = job_to_json(job, JOB_STEPS_MAX, &o);
        if (r < 0)
                return r;
        text = json_text(o, JSON_INDENT(1));
        json_decref(o);
        if (!text)
                return -ENOMEM;
        return write_text(dirfd, file_name(job->id, name), text);
}

/* job_store_save() does not let it come to two, so one of them is of another
 * state of this machine: a copy brought back, or put together. What the newer
 * one has begun lies over what the older one left, so that cannot be gone on with. */
static void end_overtaken(JobStore *s, Job *job, const Job *by) {
        const JobStep *last = job_last_step(job);
        int r;

        if (last && last->state == STEP_BEGUN)
                (void) job_end_step(job, false, "It was cut off, and may be half done.", by->begun);
        (void) job_end(job, JOB_FAILED, "It had not ended when a newer job was begun on this node, and is not gone on with. What it had begun may be half done.", by->begun);
        r = write_job(s->dirfd, job);
        problem(s, "Two jobs have not ended, %llu (%s) and %llu (%s), and only one can be gone on with: that is %llu, the newer one, for what it does lies over what the other left. "
                   "%llu has failed thereby, and what it had begun may be half done%s%s. See: mainstayctl job show %llu",
                (unsigned long long) job->id, job_kind_to_string(job->kind), (unsigned long long) by->id, job_kind_to_string(by->kind), (unsigned long long) by->id,
                (unsigned long long) job->id, r < 0 ? "; that could not be written down: " : "", r < 0 ? strerror(-r) : "", (unsigned long long) job->id);
}

/* Of those that have ended the oldest go. One that a power cut brings back goes
 * the next time. */
static void prune(JobStore *s) {
        size_t ended = 0, kept = 0;
        char name[FILE_NAME_SIZE];

        for (size_t i = 0; i < s->n; i++) {
                Job *job = s->job[i];

                if (job_is_over(job) && ++ended > JOBS_MAX) {
                        (void) unlinkat(s->dirfd, file_name(job->id, name), 0);
                        (void) job_free(job);
                } else
                        s->job[kept++] = job;
        }
        s->n = kept;
}

int job_store_open(const char *dir, JobStore **ret, char error[static 256]) {
        _cleanup_(job_store_freep) JobStore *s = calloc(1, sizeof(*s));
        uint64_t ids[FILES_MAX];
        size_t n = 0, more = 0;
        int r = -ENOMEM;

        if (s) {
                s->dirfd = r = open_directory(dir);
                if (r >= 0)
                        r = list_ids(s->dirfd, ids, &n, &more);
        }
        if (r < 0) {
                (void) snprintf(error, 256, "%s", strerror(-r));
                return r;
        }

        s->last_id = n > 0 ? ids[0] : 0;
        for (size_t i = 0; i < n; i++) {
                const Job *running = job_store_running(s);
                char why[256] = "", name[FILE_NAME_SIZE];
                Job *job;

                if (read_job(s->dirfd, ids[i], &job, why) < 0) {
                        problem(s, "A job cannot be read, of " JOB_STORE_NAME "/%s: %s. The file is left as it is. If that job had not ended, nobody goes on with it, and what it had begun may be half done.",
                                file_name(ids[i], name), why);
                        continue;
                }
                if (running && !job_is_over(job))
                        end_overtaken(s, job, running);
                s->job[s->n++] = job;
                prune(s);
        }
        if (more > 0)
                problem(s, "There are %zu more files in " JOB_STORE_NAME " than the newest %d, and nobody looks into those.", more, FILES_MAX);
        if (!job_store_running(s))
                (void) unlinkat(s->dirfd, JOB_RESERVE_NAME, 0);
        *ret = TAKE(s);
        return 0;
}

JobStore *job_store_free(JobStore *s) {
        if (!s)
                return NULL;
        if (s->dirfd >= 0)
                (void) close(s->dirfd);
        for (size_t i = 0; i < s->n; i++)
                (void) job_free(s->job[i]);
        free(s);
        return NULL;
}

/* Saving */

static Job **slot_of(JobStore *s, uint64_t id) {
        for (size_t i = 0; i < s->n; i++)
                if (s->job[i]->id == id)
                        return &s->job[i];
        return NULL;
}

int job_store_new_id(const JobStore *s, uint64_t *ret) {
        if (s->last_id >= JOB_ID_MAX)
                return -EOVERFLOW;
        *ret = s->last_id + 1;
        return 0;
}

int job_store_save(JobStore *s, const Job *job) {
        const Job *running = job_store_running(s);
        _cleanup_(job_freep) Job *copy = NULL;
        Job **slot = slot_of(s, job->id);
        char name[FILE_NAME_SIZE];
        int r;

        if (slot && job_is_over(*slot))
                return -EALREADY;
        if (!slot && job->id <= s->last_id)
                return -EEXIST;
        if (running && !job_is_over(job) && running->id != job->id)
                return -EBUSY;
        r = job_copy(job, &copy);
        if (r < 0)
                return r;
        r = slot ? 0 : keep_reserve(s->dirfd);
        /* What fills the disk is not begun without; of others it is no condition. */
        if (r >= 0 || job->kind != JOB_PROVISION)
                r = write_job(s->dirfd, job);
        if (r < 0) {
                /* Whoever asked for it is told that it is not begun: no later
                 * start is to find it. */
                if (!slot) {
                        (void) unlinkat(s->dirfd, file_name(job->id, name), 0);
                        (void) unlinkat(s->dirfd, JOB_RESERVE_NAME, 0);
                }
                return r;
        }

        if (job_is_over(job))
                (void) unlinkat(s->dirfd, JOB_RESERVE_NAME, 0);
        if (slot) {
                (void) job_free(*slot);
                *slot = TAKE(copy);
        } else {
                memmove(s->job + 1, s->job, s->n * sizeof(s->job[0]));
                s->job[0] = TAKE(copy);
                s->n++;
                s->last_id = job->id;
        }
        prune(s);
        return 0;
}

const Job *job_store_running(const JobStore *s) {
        for (size_t i = 0; i < s->n; i++)
                if (!job_is_over(s->job[i]))
                        return s->job[i];
        return NULL;
}

int job_store_set_progress(JobStore *s, int64_t done, int64_t total) {
        for (size_t i = 0; i < s->n; i++)
                if (!job_is_over(s->job[i]))
                        return job_set_progress(s->job[i], done, total);
        return -ENOENT;
}

const Job *job_store_current(const JobStore *s) {
        const Job *running = job_store_running(s);

        return running || s->n == 0 ? running : s->job[0];
}

const Job *job_store_find(const JobStore *s, uint64_t id) {
        for (size_t i = 0; i < s->n; i++)
                if (s->job[i]->id == id)
                        return s->job[i];
        return NULL;
}

int job_store_to_json(const JobStore *s, json_t **ret) {
        json_t *a = json_array();

        for (size_t i = 0; i < s->n; i++) {
                json_t *o = NULL;

                if (job_to_json(s->job[i], JOB_STEPS_MAX, &o) < 0 || json_array_append_new(a, o) < 0) {
                        json_decref(a);
                        return -ENOMEM;
                }
        }
        if (!a)
                return -ENOMEM;
        *ret = a;
        return 0;
}
