/* The structured fields of Mainstay's messages in the journal: what each of them says is
 * said here, and, for those who search by it, in the table of mainstayd(8). Which message
 * has which is said in message-ids.h. Values are text, and what cannot be known is left out.
 *
 * journalctl MAINSTAY_PEER=db2
 */
#pragma once

/* With every message of an agent. */
#define FIELD_NODE "MAINSTAY_NODE"   /* the node that says it */
#define FIELD_STATE "MAINSTAY_STATE" /* what it is then: ONLINE, OFFLINE, FAILED, SHUNNED; not before that is known */

/* Whom it is about, and what for. */
#define FIELD_PEER "MAINSTAY_PEER"     /* another node that it is about, once for each; the value is of names, parted by blanks */
#define FIELD_REASON "MAINSTAY_REASON" /* why, or what is wrong, as a sentence or the end of one */
#define FIELD_EVIDENCE "MAINSTAY_EVIDENCE" /* what it rests on, as JSON: domain/grounds.h */
#define FIELD_CALLER "MAINSTAY_CALLER" /* the person or the node that had it done, as far as is known */

/* Of the agreement who leads. */
#define FIELD_CLAIM "MAINSTAY_CLAIM"       /* the claim's random id, the same on all nodes */
#define FIELD_LEADER "MAINSTAY_LEADER"     /* who leads, or would */
#define FIELD_POSITION "MAINSTAY_POSITION" /* UUID:SEQNO, of the data that it is about */
#define FIELD_AWAITED "MAINSTAY_AWAITED"   /* who must be heard and is not: "db2 and db3" */
#define FIELD_WITHOUT "MAINSTAY_WITHOUT"   /* whom an operator gave up, in the same form */
#define FIELD_START "MAINSTAY_START"       /* as what mysqld may start: join, bootstrap, resume */
#define FIELD_POLICY "MAINSTAY_POLICY"     /* automatic, manual, maintenance */
#define FIELD_ORIGIN "MAINSTAY_ORIGIN"     /* the node on which the policy was set */

/* Of the data and of what is done to them. */
#define FIELD_MARK "MAINSTAY_MARK"         /* the mark's name */
#define FIELD_CLEARS "MAINSTAY_CLEARS"     /* what would clear it */
#define FIELD_PATH "MAINSTAY_PATH"         /* the file or directory that it is about */
#define FIELD_DONOR "MAINSTAY_DONOR"       /* who sends the full copy */
#define FIELD_FAILURES "MAINSTAY_FAILURES" /* how many in a row */
#define FIELD_UNIT "MAINSTAY_UNIT"         /* mysqld's unit */
#define FIELD_JOB "MAINSTAY_JOB"           /* the job's number on this node */
#define FIELD_JOB_KIND "MAINSTAY_JOB_KIND" /* recover, repoint, provision, ... */
