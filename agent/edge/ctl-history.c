/* `mainstayctl history`: the decisions of the past. They are read from the journal of this
 * machine, or by this same command on another one, through ssh: what may be read there is
 * then settled there. No agent is asked. */
#include "domain/json.h"
#include "edge/ctl-history.h"
#include "edge/ctl-verbs.h"

#include <fcntl.h>
#include <inttypes.h>
#include <spawn.h>
#include <sys/wait.h>

static int explain_closed(void) {
        fputs("mainstayctl: The journal of this machine is not open to you, so there is no history to show.\n"
              "  It is open to root and to the members of the group systemd-journal. Type: sudo mainstayctl history\n"
              "  Or, as root, and log in anew:                                             usermod -aG systemd-journal USER\n",
              stderr);
        return CTL_FAILED;
}

/* The child's output, up to its end. */
static int read_all(int fd, char **ret) {
        _cleanup_fclose_ FILE *from = fdopen(fd, "re"), *to = NULL;
        _cleanup_free_ char *text = NULL;
        char part[4096];
        size_t size, n;

        if (!from) {
                (void) close(fd);
                return -ENOMEM;
        }
        to = open_memstream(&text, &size);
        if (!to)
                return -ENOMEM;
        while ((n = fread(part, 1, sizeof(part), from)) > 0)
                if (fwrite(part, 1, n, to) != n)
                        return -ENOMEM;
        if (fclose(TAKE(to)) != 0)
                return -ENOMEM;
        *ret = TAKE(text);
        return 0;
}

/* ssh may ask for a password on the terminal, so it stays in our process group. */
static int run_ssh(const char *const *argv, char **ret_output, int *ret_status) {
        posix_spawn_file_actions_t actions;
        int fds[2], r, status = 0;
        pid_t pid;

        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        r = -posix_spawn_file_actions_init(&actions);
        if (r == 0) {
                r = -posix_spawn_file_actions_adddup2(&actions, fds[1], STDOUT_FILENO);
                if (r == 0)
                        r = -posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *) argv, environ);
                (void) posix_spawn_file_actions_destroy(&actions);
        }
        (void) close(fds[1]);
        if (r < 0) {
                (void) close(fds[0]);
                return r;
        }
        r = read_all(fds[0], ret_output);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
                ;
        *ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        return r;
}

/* Whatever becomes a word for the shell over there is a number, or a name without anything
 * that a shell would take for itself. */
static int read_remote(const Args *a, const HistoryQuery *q, json_t **ret) {
        char lines[48], since[48];
        const char *argv[] = { "ssh", "-xT", "--", a->host, "mainstayctl", "history", "--json", lines, since, q->node, NULL };
        _cleanup_free_ char *text = NULL;
        int r, status = 0;

        if (q->node && !names_plain(q->node)) {
                fprintf(stderr, "mainstayctl: \"%s\" cannot be asked for on another host: only a name of letters, digits, dots, hyphens and underscores.\n", q->node);
                return -EPERM;
        }
        (void) snprintf(lines, sizeof(lines), "--lines=%" PRId64, q->lines);
        (void) snprintf(since, sizeof(since), "--since=@%" PRIu64, (uint64_t) (q->since / USEC_PER_SEC));
        r = run_ssh(argv, &text, &status);
        if (r < 0) {
                fprintf(stderr, "mainstayctl: ssh cannot be run: %s.\n", strerror(-r));
                return -EPERM;
        }
        *ret = status == 0 ? json_loads(text, 0, NULL) : NULL;
        if (json_is_array(*ret))
                return 0;
        json_decref(*ret);
        *ret = NULL;
        if (status != CTL_FAILED) /* that one has said itself what is wrong */
                fprintf(stderr, "mainstayctl: %s does not tell its history. It wants ssh to that host, and there a mainstayctl that knows this verb. Try: ssh %s mainstayctl history\n", a->host, a->host);
        return -EPERM;
}

static void explain_empty(const Args *a) {
        fprintf(stderr, "mainstayctl: %s has no decision of Mainstay%s%s%s.%s\n", a->host ? a->host : "The journal of this machine", a->node ? " about " : "", str_or(a->node, ""),
                a->since > 0 ? " since then" : "", a->since > 0 || a->node ? "" : " Does the agent run? systemctl status mainstayd");
}

int verb_history(const Args *a) {
        const HistoryQuery q = { .since = a->since, .lines = a->lines, .node = a->node };
        Style style = style_of(stdout);
        json_t *list = NULL;
        int r;

        r = a->host ? read_remote(a, &q, &list) : history_read(&q, &list);
        if (r == -EACCES)
                return explain_closed();
        if (r == -EPERM)
                return CTL_FAILED;
        if (r < 0) {
                fprintf(stderr, "mainstayctl: The journal of this machine cannot be read: %s. Can journalctl? journalctl --verify\n", strerror(-r));
                return CTL_FAILED;
        }
        if (a->json) {
                (void) json_dumpf(list, stdout, JSON_INDENT(2));
                putchar('\n');
        } else if (json_array_size(list) == 0)
                explain_empty(a);
        else
                r = history_print(stdout, &style, list, a->verbose);
        if (!a->json && !a->host && history_is_volatile())
                fputs("The journal is kept in memory only, so what was before the last boot is gone. To keep it:\n"
                      "  mkdir -p /var/log/journal && journalctl --flush\n",
                      stderr);
        json_decref(list);
        return r < 0 ? r : CTL_OK;
}
