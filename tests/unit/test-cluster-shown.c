/* What mainstayctl shows of agents that run: to a person at a terminal, to a program, and
 * to the shells that complete what is typed. */
#include "config.h"

#include "world.h"

#include "terminal.h"

#include <jansson.h>
#include <limits.h>

static char *ctl; /* the program, as it was built */
static char *completion; /* what the shells read */

/* Off a terminal */

typedef struct Run {
        pid_t pid;
        int status; /* -1 while it runs */
        char *out;
        Node *node;
} Run;

static bool run_ended(Run *r) {
        int status;

        if (r->status < 0 && waitpid(r->pid, &status, WNOHANG) == r->pid)
                r->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return r->status >= 0;
}

/* Both streams go into the file `out` of the node. */
static Run begin(Node *n, const char *const *words) {
        const char *argv[16] = { ctl, "--address", n->daemon.address };
        Run r = { .status = -1, .node = n };

        for (size_t i = 0; words[i]; i++)
                argv[3 + i] = words[i];
        file_put(n->dir, "out", "", 0644);
        r.pid = fork();
        assert_true(r.pid >= 0);
        if (r.pid == 0) {
                _cleanup_free_ char *path = NULL;

                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                closefrom(STDERR_FILENO + 1);
                if (asprintf(&path, "%s/out", n->dir) < 0 || !freopen(path, "w", stdout) || dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
                        _exit(126);
                (void) execv(ctl, (char *const *) argv);
                _exit(127);
        }
        return r;
}

static char *output(const Run *r) {
        char *text = file_get(r->node->dir, "out");

        return text ? text : strdup("");
}

#define BEGIN(node, ...) begin(node, (const char *const[]) { __VA_ARGS__, NULL })

/* Whole, when it has ended so; free it. */
static char *ends_with(World *w, Run *r, int status) {
        char *text;

        LOOP_UNTIL(w->event, run_ended(r));
        text = output(r);
        if (r->status != status)
                fail_msg("it ended with %d:\n%s", r->status, text);
        return text;
}

/* For programs: keys do not go away */

/* A text of the keys, in order: {a,b:{c},d:[{e}]}. Of a list what its members have, together. */
static void put_shape(FILE *f, const json_t *v);

static void put_members(FILE *f, const json_t *array) {
        json_t *all = json_object(), *item;
        bool objects = false;
        size_t i;

        json_array_foreach((json_t *) array, i, item)
                if (json_is_object(item)) {
                        objects = true;
                        assert_int_equal(json_object_update_missing(all, item), 0);
                }
        if (objects)
                put_shape(f, all);
        json_decref(all);
}

static int by_text(const void *a, const void *b) {
        return strcmp(*(const char *const *) a, *(const char *const *) b);
}

static void put_shape(FILE *f, const json_t *v) {
        const char *keys[64], *key;
        size_t n = 0;
        json_t *item;

        if (json_is_array(v)) {
                fputc('[', f);
                put_members(f, v);
                fputc(']', f);
                return;
        }
        if (!json_is_object(v))
                return;
        json_object_foreach((json_t *) v, key, item)
                keys[n++] = key;
        qsort(keys, n, sizeof(keys[0]), by_text);
        fputc('{', f);
        for (size_t i = 0; i < n; i++) {
                fprintf(f, "%s%s", i > 0 ? "," : "", keys[i]);
                item = json_object_get(v, keys[i]);
                if (json_is_object(item) || json_is_array(item))
                        put_shape(f, item);
        }
        fputc('}', f);
}

static void has_shape(const char *text, const char *want) {
        json_t *v = json_loads(text, 0, NULL);
        _cleanup_free_ char *shape = NULL;
        size_t size;
        FILE *f = open_memstream(&shape, &size);

        if (!v)
                fail_msg("no JSON: %s", text);
        put_shape(f, v);
        assert_int_equal(fclose(f), 0);
        if (!streq(shape, want))
                fail_msg("the keys are\n%s\nand not\n%s", shape, want);
        json_decref(v);
}

#define REPORT "{agent,epoch,history[],marks[],mysqld,node,older_views[],position{seqno,source,uuid},safe_to_bootstrap,serial,version,view{after_gap,members[],uuid},wanted,weight}"
#define PLAN "{action,awaited[],needed[],node,policy,reasons[{node,text}]}"

static void for_programs_the_keys_stay(void **state) {
        static const struct {
                const char *words[8];
                int status;
                const char *shape;
        } verbs[] = {
                { { "status", "--json" }, 0,
                  "{history[],job,marks[],mysqld,name,peers[{condition,label,node,report" REPORT ",why}],plan" PLAN ",policy{name,node,version},"
                  "position{seqno,source,uuid},reason,report" REPORT ",safe_to_bootstrap,state,version,view{members[],seqno,uuid},waiting}" },
                { { "plan", "--json" }, 3, PLAN },
                { { "plan", "--without", "db3", "--json" }, 0, "{action,awaited[],manner,needed[],node,policy,reasons[{node,text}]}" },
                { { "explain", "--json" }, 0, "{changes[{command,text}],evidence[{text,what}],node,reason,state}" },
                { { "explain", "db9", "--json" }, 1, "{error,failed,ok,remedy,text}" },
                { { "policy", "--json" }, 0, "{agree[],differ[],node,policy,unheard[{node,why}],version}" },
                { { "policy", "manual", "--json" }, 0, "{agree[],changed,differ[],node,policy,unheard[{node,why}],version}" },
                { { "shun", "db1", "--json" }, 0, "{node,text}" },
                { { "--address", "unix:path=/nowhere", "status", "--json" }, 1, "{error,failed,ok,remedy,text}" },
                { { "job", "--json" }, 0, "[]" },
                { { "job", "show", "--json" }, 1, "{error,failed,ok,remedy,text}" },
                { { "job", "cancel", "7", "--json" }, 1, "{error,failed,ok,remedy,text}" },
                { { "bootstrap", "--without", "db1", "--json" }, 1, "{error,failed,ok,remedy,text}" },
                { { "report" }, 0, "{agent,epoch,history[],marks[],mysqld,node,older_views[],policy{name,node,version},position{seqno,source,uuid},safe_to_bootstrap,serial,"
                                   "shun{owner,since,until},version,view{after_gap,members[],uuid},wanted,weight}" },
                { { "recover", "--json" }, 0, "{node,text}" },
                { { "recover", "--json" }, 1, "{error,failed,ok,remedy,text}" }, /* there is nothing to recover */
        };
        World *w = *state;
        Node *db1 = &w->node[0];

        agent_start(db1);
        agent_start(&w->node[1]);
        LOOP_UNTIL(w->event, all_plan(w, "wait", "awaited", "db3"));
        for (size_t i = 0; i < ELEMENTS(verbs); i++) {
                Run r = begin(db1, verbs[i].words);
                _cleanup_free_ char *text = ends_with(w, &r, verbs[i].status);

                has_shape(text, verbs[i].shape);
        }
}

/* What `explain` says */

static void says(const char *text, const char *what) {
        if (!strstr(text, what))
                fail_msg("\"%s\" is not in\n%s", what, text);
}

static void a_node_is_explained_also_one_that_is_silent(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db3 = &w->node[2];

        agent_start(db1);
        agent_start(&w->node[1]);
        agent_start(db3);
        LOOP_UNTIL(w->event, all_plan(w, "bootstrap", "node", "db2"));
        agent_kill(db3);
        LOOP_UNTIL(w->event, plan_is(db1, "wait", "awaited", "db3"));

        Run own = BEGIN(db1, "explain");
        _cleanup_free_ char *text = ends_with(w, &own, 0);
        says(text, "db1 is OFFLINE:\n");
        says(text, "It goes on by itself when db3 is heard.");
        says(text, "\n      mainstayctl explain db3\n");
        says(text, "\n      mainstayctl plan --without db3\n");
        says(text, "count as diverged for a configuration change alone");
        says(text, "It is stopped, and nobody wants it to run");
        says(text, "mariadb.service is inactive (dead)");
        says(text, "no drop-in of Mainstay's");
        says(text, CLUSTER ":20, ");
        says(text, "db2 had it in the last Primary view that it knows");

        Run silent = BEGIN(db1, "explain", "db3");
        _cleanup_free_ char *other = ends_with(w, &silent, 0);
        says(other, "db3 is uncertain:\n");
        says(other, "db3 may hold commits that nobody else has, and is not heard");
        says(other, "Its agent does not answer db1");
        says(other, ", since 20");
        says(other, "Until then its mysqld was stopped, at " CLUSTER ":25");
        says(other, "db1 had it in the last Primary view");
        says(other, "\n      systemctl status mainstayd\n");
        says(other, "\n      mainstayctl plan --without db3\n");

        Run heard = BEGIN(db1, "explain", "db2");
        _cleanup_free_ char *peer = ends_with(w, &heard, 0);
        says(peer, "Its agent answers db1, since 20");

        Run nobody = BEGIN(db1, "explain", "db9");
        _cleanup_free_ char *none = ends_with(w, &nobody, 1);
        says(none, "There is no node db9 here. There are db1, db2 and db3");
}

/* At a terminal */

static Terminal *ctl_open(World *w, Node *n, const char *const *environment, const char *const *words) {
        const char *argv[16] = { ctl, "--address", n->daemon.address };

        for (size_t i = 0; words[i]; i++)
                argv[3 + i] = words[i];
        return terminal_open(w->event, 100, 24, environment, argv);
}

#define CTL_OPEN(w, node, environment, ...) ctl_open(w, node, environment, (const char *const[]) { __VA_ARGS__, NULL })

static const char *const coloured[] = { "TERM=xterm", "NO_COLOR=", "LC_ALL=C.UTF-8", NULL };

static void colours_only_where_they_are_wanted(void **state) {
        static const struct {
                const char *environment[4];
                bool colours;
        } cases[] = {
                { { "TERM=xterm", "NO_COLOR=" }, true },
                { { "TERM=xterm", "NO_COLOR=0" }, false },
                { { "TERM=dumb", "NO_COLOR=" }, false },
                { { "TERM=", "NO_COLOR=" }, false },
        };
        World *w = *state;

        agent_start(&w->node[0]);
        LOOP_UNTIL(w->event, *property(&w->node[0], "Plan"));
        for (size_t i = 0; i < ELEMENTS(cases); i++) {
                Terminal *t = CTL_OPEN(w, &w->node[0], cases[i].environment, "status");

                TERMINAL_UNTIL(t, w->event, terminal_ended(t) && strstr(t->text, "mainstayctl plan"));
                assert_int_equal(t->status, 0);
                if (!!strchr(t->text, '\033') != cases[i].colours)
                        fail_msg("%s %s:\n%s", cases[i].environment[0], cases[i].environment[1], t->text);
                if (cases[i].colours)
                        assert_non_null(strstr(t->text, "\033[33mOFFLINE"));
                (void) terminal_close(t);
        }
        Run r = BEGIN(&w->node[0], "status");
        _cleanup_free_ char *text = ends_with(w, &r, 0);
        assert_null(strchr(text, '\033'));
}

/* What the loop does not know: how the terminal is set. */
static bool is_cooked(const Terminal *t) {
        struct termios is;

        assert_int_equal(tcgetattr(t->line, &is), 0);
        return (is.c_lflag & (ICANON | ECHO)) == (ICANON | ECHO);
}

static bool ends_in(const Terminal *t, const char *what) {
        size_t n = strlen(what);

        return t->n >= n && streq(t->text + t->n - n, what);
}

static void resize(Terminal *t, unsigned short columns, unsigned short rows) {
        struct winsize size = { .ws_col = columns, .ws_row = rows };

        terminal_forget(t);
        assert_int_equal(ioctl(t->fd, TIOCSWINSZ, &size), 0);
}

#define LEFT "\033[?25h\033[?7h\033[?1049l"

static void a_watched_screen_follows_and_is_left_as_it_was(void **state) {
        static const char *const keys[] = { "q", "\x03" };
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];

        agent_start(db1);
        agent_start(db2);
        LOOP_UNTIL(w->event, all_plan(w, "wait", "awaited", "db3"));
        for (size_t i = 0; i < ELEMENTS(keys); i++) {
                Terminal *t = CTL_OPEN(w, db1, coloured, "status", "--watch");

                TERMINAL_UNTIL(t, w->event, strstr(t->text, "db3 must be heard first") && ends_in(t, "\033[J"));
                assert_non_null(strstr(t->text, "\033[?1049h"));
                assert_null(strstr(t->text, "\033[2J")); /* nothing is wiped: it would flicker */
                assert_false(is_cooked(t));

                /* As the window is. What there is no room for is said. */
                resize(t, 60, 6);
                TERMINAL_UNTIL(t, w->event, strstr(t->text, "lines more, for which there is no room") && ends_in(t, "\033[J"));
                resize(t, 100, 24);
                TERMINAL_UNTIL(t, w->event, strstr(t->text, "db3 must be heard first") && ends_in(t, "\033[J"));

                /* As the cluster is. */
                terminal_forget(t);
                agent_kill(db2);
                TERMINAL_UNTIL(t, w->event, strstr(t->text, "db2 and db3 must be heard first"));
                agent_start(db2);
                LOOP_UNTIL(w->event, all_plan(w, "wait", "awaited", "db3"));

                terminal_forget(t);
                terminal_type(t, "x");
                loop_for(w->event, 200 * USEC_PER_MSEC);
                assert_false(terminal_ended(t));
                terminal_type(t, keys[i]);
                TERMINAL_UNTIL(t, w->event, terminal_ended(t) && ends_in(t, LEFT));
                assert_int_equal(t->status, 0);
                assert_true(is_cooked(t));
                (void) terminal_close(t);
        }

        /* Ctrl-Z gives the terminal back, and what is continued draws anew. */
        Terminal *stopped = CTL_OPEN(w, db1, coloured, "status", "--watch");
        int status = 0;
        TERMINAL_SAYS(stopped, w->event, "must be heard first");
        terminal_type(stopped, "\x1a");
        TERMINAL_UNTIL(stopped, w->event, waitpid(stopped->pid, &status, WNOHANG | WUNTRACED) == stopped->pid);
        assert_true(WIFSTOPPED(status));
        TERMINAL_UNTIL(stopped, w->event, ends_in(stopped, LEFT));
        assert_true(is_cooked(stopped));
        terminal_forget(stopped);
        assert_int_equal(kill(stopped->pid, SIGCONT), 0);
        TERMINAL_UNTIL(stopped, w->event, strstr(stopped->text, "\033[?1049h") && strstr(stopped->text, "must be heard first"));
        assert_false(is_cooked(stopped));
        (void) terminal_close(stopped);

        /* Without an agent it waits for one; a kill leaves the terminal as it was, too. */
        Terminal *t = CTL_OPEN(w, db1, coloured, "status", "--watch");
        TERMINAL_SAYS(t, w->event, "must be heard first");
        agent_kill(db1);
        TERMINAL_SAYS(t, w->event, "The agent, mainstayd, does not run.");
        assert_int_equal(kill(t->pid, SIGTERM), 0);
        TERMINAL_UNTIL(t, w->event, terminal_ended(t) && ends_in(t, LEFT));
        assert_int_equal(t->status, 143);
        assert_true(is_cooked(t));
        (void) terminal_close(t);
}

static size_t count(const char *text, const char *what) {
        size_t n = 0;

        for (; (text = strstr(text, what)); text += strlen(what))
                n++;
        return n;
}

static void off_a_terminal_it_is_a_line_for_each_change(void **state) {
        World *w = *state;
        Node *db1 = &w->node[0], *db2 = &w->node[1];
        Run r;

        agent_start(db1);
        agent_start(db2);
        LOOP_UNTIL(w->event, all_plan(w, "wait", "awaited", "db3"));
        r = BEGIN(db1, "status", "--watch");
        for (bool told = false; !told;) {
                _cleanup_free_ char *text = output(&r);

                told = strstr(text, "db3 must be heard first");
                loop_for(w->event, 50 * USEC_PER_MSEC);
        }
        agent_kill(db2);
        for (bool told = false; !told;) {
                _cleanup_free_ char *text = output(&r);

                told = strstr(text, "  db2: uncertain, mysqld ?: Not heard: ");
                loop_for(w->event, 50 * USEC_PER_MSEC);
        }
        (void) kill(r.pid, SIGKILL);
        (void) waitpid(r.pid, NULL, 0);

        _cleanup_free_ char *text = output(&r);
        assert_int_equal(count(text, "  db3: "), 1); /* nothing has changed there */
        assert_int_equal(count(text, "  db2: OFFLINE, mysqld stopped"), 1);
        assert_null(strchr(text, '\033'));
}

/* The shells */

/* Each begins with nothing of the user's, and with a prompt that nothing else prints. */
static const struct {
        const char *argv[5];
        const char *begin; /* $FILES: where those for the shells are, $PROGRAMS: the directory of the program */
} shells[] = {
        { { "bash", "--norc", "--noprofile", "-i" }, " PS1='ready''> '; PATH=$PROGRAMS:$PATH; bind 'set enable-bracketed-paste off'; bind 'set show-all-if-ambiguous on'; . $FILES/bash/mainstayctl\r" },
        { { "zsh", "-f", "-i" }, " PS1='ready''> '; PATH=$PROGRAMS:$PATH; fpath=($FILES/zsh $fpath); autoload -Uz compinit; compinit -D -u; setopt auto_list no_list_ambiguous\r" },
        { { "fish", "--no-config", "-i" }, " function fish_prompt; echo -n ready'> '; end; set -x PATH $PROGRAMS $PATH; source $FILES/fish/mainstayctl.fish\r" },
};

/* What is typed behind the program's name, then TAB, and what comes of it. */
static const struct {
        const char *typed, *becomes; /* where there is one way to go on: what the program is begun with */
        const char *offers[4];       /* else what is listed */
} completions[] = {
        { "expl", "explain", { NULL } },
        { "shun db", NULL, { "db1", "db2", "db3" } },
        { "explain db2 --js", "explain db2 --json", { NULL } },
        { "setup --", NULL, { "--check", "--known-hosts", "--peer-keys" } },
        { "recover --force sp", "recover --force space", { NULL } },
        { "recover --force=sp", "recover --force=space", { NULL } },
        { "bootstrap --force=", "bootstrap --force=new-cluster", { NULL } },
        { "policy man", "policy manual", { NULL } },
        { "job fol", "job follow", { NULL } },
        { "help prov", "help provision", { NULL } },
        { "plan /etc/hostn", "plan /etc/hostname", { NULL } }, /* a file, where it says nothing */
};

/* In place of the program: it completes as that does, and tells what it was begun with. */
static void put_program(const char *dir) {
        _cleanup_free_ char *script = NULL;

        assert_true(asprintf(&script, "#!/bin/sh\n[ \"$1\" = --complete ] && exec %s \"$@\"\necho \"begun with[$*]\"\n", ctl) > 0);
        file_put(dir, "mainstayctl", script, 0755);
}

static void in_shell(World *w, size_t i, const char *dir) {
        _cleanup_free_ char *bus = NULL, *files = NULL, *programs = NULL, *home = NULL;
        Terminal *t;

        assert_true(asprintf(&bus, "DBUS_SYSTEM_BUS_ADDRESS=%s", w->node[0].daemon.address) > 0);
        assert_true(asprintf(&home, "HOME=%s", dir) > 0);
        assert_true(asprintf(&files, "FILES=%s", completion) > 0);
        assert_true(asprintf(&programs, "PROGRAMS=%s", dir) > 0);
        const char *const environment[] = { bus, home, files, programs, "TERM=xterm", "NO_COLOR=", "XDG_CONFIG_HOME=", "XDG_DATA_HOME=", "PS1=", "LC_ALL=C.UTF-8", NULL };

        t = terminal_open(w->event, 200, 40, environment, shells[i].argv);
        terminal_type(t, shells[i].begin);
        TERMINAL_SAYS(t, w->event, "ready> ");
        for (size_t k = 0; k < ELEMENTS(completions); k++) {
                _cleanup_free_ char *want = NULL;

                terminal_forget(t);
                terminal_type(t, "mainstayctl ");
                terminal_type(t, completions[k].typed);
                terminal_type(t, "\t");
                for (size_t o = 0; o < ELEMENTS(completions[k].offers) && completions[k].offers[o]; o++)
                        TERMINAL_SAYS(t, w->event, completions[k].offers[o]);
                if (completions[k].becomes) {
                        assert_true(asprintf(&want, "begun with[%s]", completions[k].becomes) > 0);
                        terminal_type(t, "\r");
                        TERMINAL_SAYS(t, w->event, want);
                        TERMINAL_SAYS(t, w->event, "ready> ");
                        continue;
                }
                /* Ctrl-U takes back what was typed. */
                terminal_type(t, "\x15" " echo ta''ken back\r");
                TERMINAL_SAYS(t, w->event, "taken back");
                TERMINAL_SAYS(t, w->event, "ready> ");
        }
        (void) terminal_close(t);
}

static bool is_installed(const char *name) {
        _cleanup_free_ char *path = strdup(str_or(getenv("PATH"), "/usr/bin:/bin"));
        char *rest = path;

        for (char *dir; (dir = strsep(&rest, ":"));) {
                char file[PATH_MAX];

                (void) snprintf(file, sizeof(file), "%s/%s", dir, name);
                if (access(file, X_OK) == 0)
                        return true;
        }
        return false;
}

static void in_the_shells_what_is_typed_is_completed(void **state) {
        World *w = *state;
        char *dir = make_dir(w->dir, "bin");

        put_program(dir);
        agent_start(&w->node[0]);
        LOOP_UNTIL(w->event, *property(&w->node[0], "Plan"));
        for (size_t i = 0; i < ELEMENTS(shells); i++)
                if (is_installed(shells[i].argv[0]))
                        in_shell(w, i, dir);
                else
                        printf("%s is not installed, and was not asked\n", shells[i].argv[0]);
        free(dir);
}

int main(void) {
        static const struct CMUnitTest tests[] = {
                world_test(for_programs_the_keys_stay),
                world_test(a_node_is_explained_also_one_that_is_silent),
                world_test(colours_only_where_they_are_wanted),
                world_test(a_watched_screen_follows_and_is_left_as_it_was),
                world_test(off_a_terminal_it_is_a_line_for_each_change),
                world_test(in_the_shells_what_is_typed_is_completed),
        };
        _cleanup_free_ char *there = NULL;
        int r;

        if (world_missing() || access("./mainstayctl", X_OK) < 0 || asprintf(&there, "%s/conf/completion", str_or(getenv("srcdir"), ".")) < 0)
                return 77;
        ctl = realpath("./mainstayctl", NULL);
        completion = realpath(there, NULL);
        r = cmocka_run_group_tests(tests, NULL, NULL);
        free(ctl);
        free(completion);
        return r;
}
