/* What a decision rests on, as JSON of one line: for the journal, where it stands with the
 * decision (FIELD_EVIDENCE), and for whoever asks later why it was so.
 *
 *   {"action", "node", "manner", "needed", "awaited",       of a plan; see domain/plan.h
 *    "nodes": [{"node", "condition", "why",                 where it was not heard; else:
 *               "mysqld", "position", "source",             "UUID:SEQNO"
 *               "safe_to_bootstrap", "view": {"seqno", "members"}, "view_problem",
 *               "bootstraps", "marks", "claim", "granted_to", "problem"}]}
 *
 * and of servers that replicate without Galera:
 *
 *   {"primary",                                            who it is, in sentences
 *    "nodes": [{"node", "condition", "why", "role", "state", "reason", "source", "lag"}]}
 *
 * What is not known, or not so, is left out. */
#pragma once

#include "domain/claim.h"

/* `plan` may be NULL. Free `*ret`. -ENOMEM. */
int grounds_format(const Voice *voices, size_t n, const Plan *plan, char **ret);

/* Of a service of such servers. */
int grounds_of_service(const Voice *voices, size_t n, char **ret);

/* Those that a claim was made on, and granted on. */
int grounds_of_claim(const Claim *c, char **ret);
