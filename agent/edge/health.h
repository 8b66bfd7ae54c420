/* mainstay-health: whether this node may be given work, for load balancers and for
 * monitoring. Its parts: the outlook, which knows how the node is; and those who ask
 * for it, by HTTP or as HAProxy's agent-check. */
#pragma once

#include "domain/readiness.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

/* health-outlook.c */

/* No answer rests on a look at the server that is older; from the first on a new look
 * is taken while the old one still serves. */
#define OUTLOOK_RENEW (1 * USEC_PER_SEC)
#define OUTLOOK_STALE (2 * USEC_PER_SEC)
/* So long somebody waits for a look; then it is answered that nothing is known. Less than
 * the two seconds that HAProxy gives a check. */
#define OUTLOOK_PATIENCE (1500 * USEC_PER_MSEC)

typedef struct Outlook Outlook;

/* Somebody who waits; `told` is called once, from the event loop, and may free it. */
typedef struct Waiter Waiter;
struct Waiter {
        void (*told)(Waiter *w);
        Waiter *next;
};

int outlook_new(sd_event *event, sd_bus *bus, Outlook **ret);
Outlook *outlook_free(Outlook *o);
DEFINE_CLEANUP(Outlook, outlook_free)

/* Can be answered at once, be it that nothing is known? Else a look is under way: wait. */
bool outlook_is_ready(Outlook *o);
void outlook_wait(Outlook *o, Waiter *w);
bool outlook_is_outdated(const Outlook *o); /* the agent has told of a change since it was asked */

/* What is known, NULL where nothing is, or only how it was too long ago. */
const Readiness *outlook_readiness(Outlook *o);
usec_t outlook_age(const Outlook *o); /* of that; 0 where there is none */
bool outlook_has_agent(const Outlook *o);
uint64_t outlook_looks(const Outlook *o); /* so many were asked for */
void outlook_judge(Outlook *o, Work work, const Contentment *with, Verdict *ret);

/* health-http.c */

typedef struct Http Http;

/* `fd` listens; it is the other's from then on. */
int http_new(sd_event *event, Outlook *outlook, int fd, Http **ret);
Http *http_free(Http *h);

/* What this service did, by what was asked and whether the answer was yes. */
extern uint64_t health_checks[_WORK_MAX][2];

/* health-agent.c: HAProxy's agent-check, whoever connects gets one line. */

typedef struct AgentCheck AgentCheck;

int agent_check_new(sd_event *event, Outlook *outlook, int fd, Work work, AgentCheck **ret);
AgentCheck *agent_check_free(AgentCheck *a);

/* health-metrics.c: for Prometheus, as text. Free `*ret`. */
int metrics_text(Outlook *o, char **ret);
