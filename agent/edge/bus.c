/* The agent on the system bus; see bus.h. Nothing is decided here: a getter
 * reads the manager, a method hands its arguments on. */
#include "edge/bus.h"
#include "edge/about.h"
#include "edge/explain.h"
#include "edge/polkit.h"
#include "sys/log.h"

#include "config.h"

#include <inttypes.h>

#define PATH "/org/mainstay1"
#define NODE "org.mainstay1.Node"
#define PEER "org.mainstay1.Peer"
#define GATE "org.mainstay1.Gate"

/* Properties */

static int get_version(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                       void *userdata, sd_bus_error *error) {
        return sd_bus_message_append(reply, "s", PACKAGE_VERSION);
}

/* The texts, by the name of their property. */
static int get_text(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error) {
        const Manager *m = userdata;
        const char *text = streq(property, "Name") ? m->name
                         : streq(property, "State") ? m->state
                         : streq(property, "Reason") ? m->state_reason
                         : streq(property, "Waiting") ? m->waiting
                         : streq(property, "Mysqld") ? mysqld_to_string(m->report ? m->report->mysqld : MYSQLD_UNKNOWN)
                         : streq(property, "Report") ? m->report_text
                         : m->plan_text;

        return sd_bus_message_append(reply, "s", str_or(text, ""));
}

static int get_position(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                        void *userdata, sd_bus_error *error) {
        const Manager *m = userdata;
        char uuid[UUID_TEXT_MAX];

        if (!m->report || m->report->source == SOURCE_NONE)
                return sd_bus_message_append(reply, "(sxs)", "", SEQNO_UNDEFINED, source_to_string(SOURCE_NONE));
        return sd_bus_message_append(reply, "(sxs)", uuid_text(&m->report->position.uuid, uuid), m->report->position.seqno,
                                     source_to_string(m->report->source));
}

static int get_safe(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error) {
        const Manager *m = userdata;

        return sd_bus_message_append(reply, "i", m->report ? (int32_t) m->report->safe_to_bootstrap : -1);
}

static int get_job(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                   void *userdata, sd_bus_error *error) {
        const Manager *m = userdata;
        const Job *job = job_store_current(m->jobs);
        _cleanup_free_ char *text = NULL;
        json_t *o;
        int r;

        if (!job)
                return sd_bus_message_append(reply, "s", "");
        r = job_to_json(job, JOB_STEPS_MAX, &o);
        if (r < 0)
                return r;
        text = json_dumps(o, JSON_COMPACT);
        json_decref(o);
        return text ? sd_bus_message_append(reply, "s", text) : -ENOMEM;
}

static int append_names(sd_bus_message *reply, const Names *names) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "s");
        for (size_t i = 0; names && i < names->n && r >= 0; i++)
                r = sd_bus_message_append(reply, "s", names->name[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_view(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                    void *userdata, sd_bus_error *error) {
        const Manager *m = userdata;
        const ReportView *v = m->report && m->report->have_view ? &m->report->view[0] : NULL;
        char uuid[UUID_TEXT_MAX];
        int r;

        r = sd_bus_message_open_container(reply, 'r', "sxas");
        if (r >= 0)
                r = sd_bus_message_append(reply, "sx", v ? uuid_text(&v->uuid, uuid) : "", v ? v->seqno : SEQNO_UNDEFINED);
        if (r >= 0)
                r = append_names(reply, v ? &v->members : NULL);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_history(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                       void *userdata, sd_bus_error *error) {
        const Manager *m = userdata;
        const History *h = &m->store->history;
        char id[UUID_TEXT_MAX], uuid[UUID_TEXT_MAX];
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(ssx)");
        for (size_t i = 0; i < h->n && r >= 0; i++)
                r = sd_bus_message_append(reply, "(ssx)", uuid_text(&h->entry[i].id, id),
                                          uuid_text(&h->entry[i].position.uuid, uuid), h->entry[i].position.seqno);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int get_policy(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                      void *userdata, sd_bus_error *error) {
        const Manager *m = userdata;
        const Ruling *r = &m->store->ruling;

        return sd_bus_message_append(reply, "(sxs)", policy_to_string(r->policy), r->version, r->node);
}

static int get_marks(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error) {
        const Manager *m = userdata;

        return append_names(reply, m->report ? &m->report->marks : NULL);
}

static int append_peer(Manager *m, sd_bus_message *reply, const Peer *p) {
        _cleanup_free_ char *text = NULL;
        bool known = peer_condition(p) == CONDITION_KNOWN && peer_report(p);
        int r;

        if (known) {
                r = report_format(peer_report(p), &text);
                if (r < 0)
                        return r;
        }
        return sd_bus_message_append(reply, "(sssss)", peer_label(p), str_or(store_label(m->store, peer_label(p)), ""),
                                     condition_to_string(peer_condition(p)), known ? "" : str_or(peer_why(p), ""), str_or(text, ""));
}

static int get_peers(sd_bus *bus, const char *path, const char *interface, const char *property, sd_bus_message *reply,
                     void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(sssss)");
        for (size_t i = 0; i < m->n_peers && r >= 0; i++)
                r = append_peer(m, reply, m->peer[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

/* Operators' verbs */

static int not_ready(sd_bus_message *call) {
        return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.NotReady", "The agent has just been started and does not know the state of its node yet: try again.");
}

/* What is Galera's is not done to a server that is none of its nodes. */
static int no_galera(sd_bus_message *call) {
        return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "The server of this node is no node of a Galera cluster (wsrep_on is off): there is no cluster to form or to join, and nothing was changed. Who replicates from whom: mainstayctl status");
}

static int read_names(sd_bus_message *call, Names *ret) {
        const char *name;
        int r;

        r = sd_bus_message_enter_container(call, 'a', "s");
        while (r >= 0 && (r = sd_bus_message_read(call, "s", &name)) > 0)
                r = names_add(ret, name);
        return r < 0 ? r : sd_bus_message_exit_container(call);
}

static int do_bootstrap(sd_bus_message *call, Manager *m) {
        Names without = {0}, force = {0};
        int r, wait;

        r = read_names(call, &without);
        if (r >= 0)
                r = read_names(call, &force);
        if (r >= 0)
                r = sd_bus_message_read(call, "b", &wait);
        if (r < 0)
                return r;
        if (!m->report)
                return not_ready(call);
        if (m->asynchronous)
                return no_galera(call);
        for (size_t i = 0; i < force.n; i++)
                if (!streq(force.name[i], "new-cluster"))
                        return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "There is no check \"%s\" to force: bootstrap knows new-cluster.", force.name[i]);
        if (names_contain(&without, m->name))
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "%s is this node: it cannot be given up and lead.", m->name);
        return request_begin(m, call, true, wait, &without, force.n > 0);
}

static int do_join(sd_bus_message *call, Manager *m) {
        const char *donor;
        int r, wait;

        r = sd_bus_message_read(call, "sb", &donor, &wait);
        if (r < 0)
                return r;
        if (!m->report)
                return not_ready(call);
        if (m->asynchronous)
                return no_galera(call);
        return request_join(m, call, donor, wait);
}

static int do_set_policy(sd_bus_message *call, Manager *m) {
        const char *name;
        Policy policy;
        int r;

        r = sd_bus_message_read(call, "s", &name);
        if (r < 0)
                return r;
        policy = policy_from_string(name);
        if (policy < 0)
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "There is no policy \"%s\": it is automatic, manual or maintenance.", name);
        if (!m->report)
                return not_ready(call);
        return policies_set(m, call, policy);
}

static int do_recover(sd_bus_message *call, Manager *m) {
        int r, dry_run, wait;
        Names force = {0};

        r = read_names(call, &force);
        if (r >= 0)
                r = sd_bus_message_read(call, "bb", &dry_run, &wait);
        if (r < 0)
                return r;
        if (!m->report)
                return not_ready(call);
        if (m->asynchronous)
                return no_galera(call);
        return recover_begin(m, call, &force, dry_run, wait);
}

static int do_reload(sd_bus_message *call, Manager *m) {
        int r = manager_reload(m);

        if (r < 0)
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Configuration", "The configuration was not taken on, and what was in force stays: journalctl -u mainstayd says why.");
        return sd_bus_reply_method_return(call, NULL);
}

static int do_operate(sd_bus_message *call, Manager *m) {
        const char *node, *verb, *arguments;
        char by[CALLER_SIZE];
        int r;

        r = sd_bus_message_read(call, "sss", &node, &verb, &arguments);
        if (r < 0)
                return r;
        if (!m->report)
                return not_ready(call);
        chronicle_caller(m, call, by);
        return operate(m, call, node, verb, arguments, by);
}

static int do_cancel_job(sd_bus_message *call, Manager *m) {
        uint64_t id;
        int r;

        r = sd_bus_message_read(call, "t", &id);
        if (r < 0)
                return r;
        r = jobs_cancel(m, id);
        if (r == -ENOENT)
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "There never was a job %" PRIu64 " on %s.", id, m->name);
        if (r == -EALREADY)
                return sd_bus_reply_method_errorf(call, "org.mainstay1.Error.Refused", "The job %" PRIu64 " is over already.", id);
        return r < 0 ? r : sd_bus_reply_method_return(call, NULL);
}

static int on_operate(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        const char *node, *verb;
        int r;

        r = sd_bus_message_read(call, "ss", &node, &verb);
        if (r < 0)
                return r;
        return polkit_authorise(call, operate_replaces_data(verb) ? INTENT_PROVISION : INTENT_OPERATE, do_operate, userdata);
}

/* It ends where it can end well, whatever it is: nothing is given up by that. */
static int on_cancel_job(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return polkit_authorise(call, INTENT_OPERATE, do_cancel_job, userdata);
}

static int do_list_jobs(sd_bus_message *call, Manager *m) {
        _cleanup_free_ char *text = NULL;
        json_t *list;
        int r;

        r = job_store_to_json(m->jobs, &list);
        if (r < 0)
                return r;
        text = json_dumps(list, JSON_COMPACT);
        json_decref(list);
        return text ? sd_bus_reply_method_return(call, "s", text) : -ENOMEM;
}

static int on_list_jobs(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return polkit_authorise(call, INTENT_VIEW, do_list_jobs, userdata);
}

/* What another node's agent hands on: it has asked polkit there. */
static int on_peer_operate(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        const char *verb, *arguments, *by;
        int r;

        r = sd_bus_message_read(call, "sss", &verb, &arguments, &by);
        if (r < 0)
                return r;
        return m->report ? operate(m, call, "", verb, arguments, by) : not_ready(call);
}

static int on_look(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;

        return m->report ? look_begin(m, call) : not_ready(call);
}

static int on_bootstrap(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return polkit_authorise(call, INTENT_BOOTSTRAP, do_bootstrap, userdata);
}

static int on_join(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return polkit_authorise(call, INTENT_OPERATE, do_join, userdata);
}

static int on_set_policy(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return polkit_authorise(call, INTENT_OPERATE, do_set_policy, userdata);
}

static int on_recover(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return polkit_authorise(call, INTENT_PROVISION, do_recover, userdata);
}

static int on_reload(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return polkit_authorise(call, INTENT_OPERATE, do_reload, userdata);
}

static int do_plan_without(sd_bus_message *call, Manager *m) {
        _cleanup_(plan_freep) Plan *plan = NULL;
        _cleanup_free_ char *text = NULL;
        Voice voices[NAMES_MAX];
        Overrule overrule = {0};
        json_t *o;
        int r;

        r = read_names(call, &overrule.without);
        if (r < 0)
                return r;
        if (!m->report)
                return not_ready(call);
        if (m->asynchronous)
                return no_galera(call);
        r = decision_make(voices, manager_voices(m, m->report, voices), &overrule, &plan);
        if (r >= 0)
                r = plan_to_json(plan, &o);
        if (r < 0)
                return r;
        (void) json_object_set_new(o, "policy", json_string(policy_to_string(m->store->ruling.policy)));
        text = json_dumps(o, JSON_COMPACT);
        json_decref(o);
        return text ? sd_bus_reply_method_return(call, "s", text) : -ENOMEM;
}

static int do_explain(sd_bus_message *call, Manager *m) {
        return m->report ? explain_reply(m, call) : not_ready(call);
}

static int on_explain(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return polkit_authorise(call, INTENT_VIEW, do_explain, userdata);
}

static int on_plan_without(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return polkit_authorise(call, INTENT_VIEW, do_plan_without, userdata);
}

/* Peers */

static int on_get_report(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        const Manager *m = userdata;

        return m->report_text ? sd_bus_reply_method_return(call, "s", m->report_text) : not_ready(call);
}

static int on_describe(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        return about_reply(userdata, call);
}

static int on_hello(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        const char *name, *known_as;
        int r;

        r = sd_bus_message_read(call, "s", &name);
        if (r < 0)
                return r;
        if (!m->report_text)
                return not_ready(call);
        for (size_t i = 0; i < m->n_peers; i++) {
                known_as = str_or(peer_name(m->peer[i]), str_or(store_label(m->store, peer_label(m->peer[i])), peer_label(m->peer[i])));
                if (peer_condition(m->peer[i]) != CONDITION_KNOWN &&
                    (streq(known_as, name) || (!peer_name(m->peer[i]) && !store_label(m->store, peer_label(m->peer[i])))))
                        peer_kick(m->peer[i]);
        }
        return sd_bus_reply_method_return(call, "s", m->report_text);
}

static int on_claim(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        _cleanup_free_ char *why = NULL;
        const char *text;
        int r;

        r = sd_bus_message_read(call, "s", &text);
        if (r < 0)
                return r;
        if (m->asynchronous)
                return sd_bus_reply_method_return(call, "bs", false, "the server there is no node of a Galera cluster (wsrep_on is off)");
        r = election_judge(m, text, &why);
        if (r < 0)
                return r;
        return sd_bus_reply_method_return(call, "bs", r > 0, str_or(why, ""));
}

/* The gate */

static int on_enter(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;
        const char *invocation;
        Names flags = {0};
        int r;

        r = sd_bus_message_read(call, "s", &invocation);
        if (r >= 0)
                r = read_names(call, &flags);
        if (r < 0)
                return r;
        if (strlen(invocation) >= sizeof(m->gate.invocation))
                return -EINVAL;
        return gatekeeper_enter(m, call, invocation, names_contain(&flags, "new-cluster"));
}

static int on_permit(sd_bus_message *call, void *userdata, sd_bus_error *error) {
        Manager *m = userdata;

        return m->report ? in_place_permit(m, call) : not_ready(call);
}

#define CHANGES SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE

static const sd_bus_vtable node_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_PROPERTY("Version", "s", get_version, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("Name", "s", get_text, 0, SD_BUS_VTABLE_PROPERTY_CONST),
        SD_BUS_PROPERTY("State", "s", get_text, 0, CHANGES),
        SD_BUS_PROPERTY("Reason", "s", get_text, 0, CHANGES),
        SD_BUS_PROPERTY("Waiting", "s", get_text, 0, CHANGES),
        SD_BUS_PROPERTY("Mysqld", "s", get_text, 0, CHANGES),
        SD_BUS_PROPERTY("Position", "(sxs)", get_position, 0, CHANGES),
        SD_BUS_PROPERTY("SafeToBootstrap", "i", get_safe, 0, CHANGES),
        SD_BUS_PROPERTY("View", "(sxas)", get_view, 0, CHANGES),
        SD_BUS_PROPERTY("History", "a(ssx)", get_history, 0, CHANGES),
        SD_BUS_PROPERTY("Marks", "as", get_marks, 0, CHANGES),
        SD_BUS_PROPERTY("Report", "s", get_text, 0, CHANGES),
        /* With a report of each: whoever wants them asks, and they are not made for nobody. */
        SD_BUS_PROPERTY("Peers", "a(sssss)", get_peers, 0, SD_BUS_VTABLE_PROPERTY_EMITS_INVALIDATION),
        SD_BUS_PROPERTY("Plan", "s", get_text, 0, CHANGES),
        SD_BUS_PROPERTY("Policy", "(sxs)", get_policy, 0, CHANGES),
        SD_BUS_PROPERTY("Job", "s", get_job, 0, CHANGES),
        SD_BUS_METHOD_WITH_ARGS("Bootstrap", SD_BUS_ARGS("as", without, "as", force, "b", wait), SD_BUS_RESULT("s", result), on_bootstrap, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Join", SD_BUS_ARGS("s", donor, "b", wait), SD_BUS_RESULT("s", result), on_join, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("PlanWithout", SD_BUS_ARGS("as", without), SD_BUS_RESULT("s", plan), on_plan_without, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", evidence), on_explain, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("SetPolicy", SD_BUS_ARGS("s", policy), SD_BUS_RESULT("b", changed), on_set_policy, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Recover", SD_BUS_ARGS("as", force, "b", dry_run, "b", wait), SD_BUS_RESULT("s", result), on_recover, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Operate", SD_BUS_ARGS("s", node, "s", verb, "s", arguments), SD_BUS_RESULT("s", result), on_operate, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListJobs", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", jobs), on_list_jobs, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("CancelJob", SD_BUS_ARGS("t", id), SD_BUS_NO_RESULT, on_cancel_job, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Look", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", seen), on_look, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Reload", SD_BUS_NO_ARGS, SD_BUS_NO_RESULT, on_reload, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

/* Who may call what is said in the policy of the bus. */
static const sd_bus_vtable peer_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("GetReport", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", report), on_get_report, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Describe", SD_BUS_NO_ARGS, SD_BUS_RESULT("s", about), on_describe, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Hello", SD_BUS_ARGS("s", node), SD_BUS_RESULT("s", report), on_hello, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Claim", SD_BUS_ARGS("s", claim), SD_BUS_RESULT("b", granted, "s", text), on_claim, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Operate", SD_BUS_ARGS("s", verb, "s", arguments, "s", by), SD_BUS_RESULT("s", result), on_peer_operate, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_SIGNAL_WITH_ARGS("Changed", SD_BUS_ARGS("s", report), 0),
        SD_BUS_VTABLE_END,
};

static const sd_bus_vtable gate_vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD_WITH_ARGS("Enter", SD_BUS_ARGS("s", invocation, "as", flags), SD_BUS_RESULT("s", verdict, "s", text, "s", position), on_enter, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Permit", SD_BUS_NO_ARGS, SD_BUS_RESULT("b", permitted, "s", text, "s", position), on_permit, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END,
};

static void report_changed(Manager *m) {
        int r = sd_bus_emit_signal(m->bus, PATH, PEER, "Changed", "s", m->report_text);

        if (r < 0)
                log_warning("The peers cannot be told of a change: %s", strerror(-r));
}

static void properties_changed(Manager *m) {
        (void) sd_bus_emit_properties_changed(m->bus, PATH, NODE, "State", "Reason", "Waiting", "Mysqld", "Position",
                                              "SafeToBootstrap", "View", "History", "Marks", "Report", "Peers", "Plan", "Policy", "Job", NULL);
}

int bus_publish(Manager *m) {
        int r;

        manager_events.report = report_changed;
        manager_events.properties = properties_changed;
        r = sd_bus_add_object_vtable(m->bus, NULL, PATH, NODE, node_vtable, m);
        if (r >= 0)
                r = sd_bus_add_object_vtable(m->bus, NULL, PATH, PEER, peer_vtable, m);
        if (r >= 0)
                r = sd_bus_add_object_vtable(m->bus, NULL, PATH, GATE, gate_vtable, m);
        if (r >= 0)
                r = sd_bus_request_name(m->bus, "org.mainstay1", 0);
        return r;
}
