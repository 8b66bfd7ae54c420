/* Ids of the journal messages that an operator would act on. Each has an entry
 * in conf/mainstay.catalog, which `journalctl -x` shows below the message, and
 * which uses the structured fields named here.
 *
 * Used as sd_journal_send("MESSAGE_ID=" MESSAGE_..., "MAINSTAY_...=%s", ...).
 */
#pragma once

/* The cluster waits: MAINSTAY_AWAITED, MAINSTAY_REASON. */
#define MESSAGE_CLUSTER_WAITS "c12ad41312a04a2cb750eabcfe869424"
/* A bootstrap was asked for and refused: MAINSTAY_LEADER where there is one,
 * MAINSTAY_REASON. */
#define MESSAGE_BOOTSTRAP_REFUSED "3e64038c16154b68bde0c152a4b4aea7"
/* A node has commits of its own and is kept out: MAINSTAY_DIVERGED,
 * MAINSTAY_REASON. */
#define MESSAGE_NODE_DIVERGED "26433b428fc546eb872876bfee043430"
/* A mark keeps this node from leading: MAINSTAY_MARK, MAINSTAY_REASON,
 * MAINSTAY_CLEARS. */
#define MESSAGE_NODE_MARKED "872e456d042c450ea14517e9105f392a"
/* A mark is gone: MAINSTAY_MARK, MAINSTAY_REASON. */
#define MESSAGE_MARK_CLEARED "f3ee53dd07b74c238ae90f077a1dea51"
/* This node's data lie beside its datadir: MAINSTAY_PATH, MAINSTAY_REASON. */
#define MESSAGE_SET_ASIDE "9b3bd0bd4ce64c98b3980642f523dfa2"
/* An operator gave nodes up: MAINSTAY_WITHOUT, MAINSTAY_CALLER. */
#define MESSAGE_OVERRULED "8a08c9985eaa448e8859af6e1fd1bfb1"
/* mainstay-recover.service failed: MAINSTAY_REASON. */
#define MESSAGE_RECOVERY_FAILED "3c30d9c4dd0e467c87bf4923db0f1cd2"
/* MAINSTAY_PATH, MAINSTAY_REASON. */
#define MESSAGE_STATE_UNREADABLE "d534b84bcd1e43889b721ad8606b5db1"
/* The gate refused a bootstrap which nobody authorised: MAINSTAY_REASON. */
#define MESSAGE_GATE_REFUSED "4cb2290f06624f7eaed3824228e2266e"
/* This node has formed the cluster: MAINSTAY_POSITION, MAINSTAY_CLAIM. */
#define MESSAGE_BOOTSTRAPPED "ffc4bcc9978e4b4f9a9ee7a8d99502a6"
/* This node has promised MAINSTAY_LEADER the bootstrap: MAINSTAY_CLAIM,
 * MAINSTAY_POSITION. */
#define MESSAGE_CLAIM_GRANTED "bd26b4d7e64a43199e2a1a0afc4fdd7e"
/* A state transfer stands still: MAINSTAY_DONOR where it is known. */
#define MESSAGE_TRANSFER_STALLED "ecc028851407411a8aa03dd342600127"
/* mysqld ended before it had joined: MAINSTAY_FAILURES in a row, MAINSTAY_UNIT. */
#define MESSAGE_JOIN_FAILED "82ada6f0e5c5486888a8e03e8e582dbd"
/* A cluster was formed that no claim explains: MAINSTAY_POSITION. */
#define MESSAGE_FOREIGN_BOOTSTRAP "d6d35992b33c4a6781df0e3c7b65ff5f"
/* The policy of the cluster has changed: MAINSTAY_POLICY, MAINSTAY_NODE (where
 * it was set), MAINSTAY_CALLER where that is here. */
#define MESSAGE_POLICY_CHANGED "33613b38f9a3432f993c636ea1fe4c33"
/* A job has failed, or was cancelled: MAINSTAY_JOB (its kind), MAINSTAY_NODE. */
#define MESSAGE_JOB_FAILED "814a626ea74947c48df83743d3a6a623"
