/* What operators and peers say in single lines: addresses of peers, names of hosts,
 * accounts, moments, commands, and ssh's keys. What ssh is given is no option of its own,
 * and a key lets nobody in for more than the bridge. */
#include "adapter/ssh.h"
#include "domain/credentials.h"
#include "edge/ctl-args.h"
#include "edge/ctl-key.h"
#include "edge/ctl-time.h"
#include "edge/ctl-text.h"
#include "sys/host.h"
#include "fuzz.h"

#include <getopt.h>

static void check_address(const char *text) {
        char reason[SSH_REASON_SIZE];
        SshCommand command;
        SshTarget t;

        if (ssh_target_parse(text, &t) >= 0) {
                MUST(t.host[0] && t.host[0] != '-' && t.user[0] != '-' && !strpbrk(t.host, " \t\n'\"@"));
                MUST(ssh_command(&t, "ssh", "/keys", &command) == 0);
                for (size_t i = 0; command.argv[i]; i++)
                        MUST(i < SSH_ARGV_MAX - 1);
        }
        MUST(strlen(ssh_reason(text, 255, reason)) < sizeof(reason));
        (void) host_is_own_by(text, "db1", text);
        (void) host_same(text, "db1");
}

static void check_credentials(const char *text, size_t n) {
        char error[256] = "", *again;
        Credentials c, back;

        if (credentials_parse(text, n, &c, error) < 0) {
                MUST(error[0] && strlen(error) < sizeof(error));
                return;
        }
        MUST(strlen(c.user) <= CREDENTIALS_USER_MAX && strlen(c.password) <= CREDENTIALS_PASSWORD_MAX);
        if (credentials_format(c.user, c.password, &again, error) >= 0) {
                MUST(credentials_parse(again, strlen(again), &back, error) == 0);
                MUST(streq(back.user, c.user) && streq(back.password, c.password));
                credentials_done(&back);
                (void) credentials_forget(again);
        }
        MUST(credentials_told(c.password, c.password) == (c.password[0] != '\0'));
        credentials_done(&c);
}

static void check_time(const char *text) {
        int64_t seconds;
        usec_t at;

        if (time_parse_span(text, &seconds) >= 0)
                MUST(seconds >= 0 && seconds <= 10 * 366 * 86400LL);
        if (time_parse_since(text, 1764298800 * USEC_PER_SEC, &at) >= 0)
                MUST(at <= 1764298800 * USEC_PER_SEC);
}

static void check_args(const char *text) {
        char *copy = strdup(text), *argv[40] = { (char *) "mainstayctl" }, error[256] = "";
        int argc = 1;
        Args args;

        MUST(copy);
        for (char *p = copy, *word; argc < 39 && (word = strsep(&p, " \n"));)
                argv[argc++] = word;
        optind = 0; /* getopt begins anew */
        if (args_parse(argc, argv, &args, error) < 0)
                MUST(error[0] && strlen(error) < sizeof(error));
        else {
                MUST(args.verb >= 0 && args.verb < _VERB_MAX && args.seconds >= 0 && args.lines >= 0);
                MUST(args.n_hosts <= ARGS_FILES_MAX && args.n_files <= ARGS_FILES_MAX && args.n_peer_keys <= ARGS_KEYS_MAX);
        }
        free(copy);
}

static void check_keys(const char *text) {
        char line[KEY_LINE_MAX], error[256] = "", *without, machine[KEY_NAME_MAX];
        size_t n;

        if (key_line(text, line, error) < 0)
                MUST(error[0] && strlen(error) < sizeof(error));
        else {
                MUST(!strchr(line, '\n') && strncmp(line, "command=\"", 9) == 0 && strstr(line, "\",restrict "));
                MUST(key_find(line, line) == 1);
        }
        MUST(key_without_ours(text, &without, &n) >= 0);
        MUST(strlen(without) <= strlen(text) + 1);
        free(without);

        if (strchr(text, '\n') || key_kind(text) != KEY_HOST)
                return;
        (void) key_host_is(text, "db1");
        key_host_machine(text, machine);
        (void) key_host_said(text, "db1", text);
        key_host_line(text, "db1", line);
        if (!line[0])
                return;
        MUST(!strchr(line, '\n'));
        MUST(key_host_merge(text, line, &without) >= 0 && key_host_said(without, "db1", text) == 1);
        free(without);
}

static void check_text(const char *text) {
        char *clean = text_clean(text), *wrapped = text_wrap(text, 20), *sentence = text_sentence(text);

        MUST(clean && wrapped && sentence);
        MUST(strlen(sentence) <= strlen(text));
        for (const char *c = clean; *c; c++)
                MUST((unsigned char) *c >= ' ' && *c != 0x7f);
        (void) text_width(text);
        (void) text_same_but_numbers(text, wrapped);
        free(clean);
        free(wrapped);
        free(sentence);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        char *text = input_text(data, size);

        check_address(text);
        check_credentials(text, size);
        check_time(text);
        check_args(text);
        check_keys(text);
        check_text(text);
        free(text);
        return 0;
}
