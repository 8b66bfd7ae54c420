/* Ids of the journal messages that an operator would act on, and of the decisions by which
 * what happened is understood afterwards. Each has an entry in conf/mainstay.catalog, which
 * `journalctl -x` shows below the message, and a word in `mainstayctl history`. What is said
 * here of each are its fields (log-fields.h), besides those of every message; in brackets
 * such as are not always there, and of which the catalog cannot speak. */
#pragma once

/* The cluster waits: FIELD_AWAITED, [FIELD_PEER] (each of them), [FIELD_REASON],
 * [FIELD_EVIDENCE]. */
#define MESSAGE_CLUSTER_WAITS "c12ad41312a04a2cb750eabcfe869424"
/* A bootstrap was asked for and refused: [FIELD_LEADER] and [FIELD_PEER] where another node
 * should lead, FIELD_REASON, [FIELD_EVIDENCE]. */
#define MESSAGE_BOOTSTRAP_REFUSED "3e64038c16154b68bde0c152a4b4aea7"
/* This node has commits of its own and is kept out: [FIELD_REASON], [FIELD_EVIDENCE]. */
#define MESSAGE_NODE_DIVERGED "26433b428fc546eb872876bfee043430"
/* A mark keeps this node from leading: FIELD_MARK, FIELD_REASON, FIELD_CLEARS. */
#define MESSAGE_NODE_MARKED "872e456d042c450ea14517e9105f392a"
/* A mark is gone: FIELD_MARK, FIELD_REASON. */
#define MESSAGE_MARK_CLEARED "f3ee53dd07b74c238ae90f077a1dea51"
/* This node's data lie beside its datadir: FIELD_PATH, FIELD_REASON. */
#define MESSAGE_SET_ASIDE "9b3bd0bd4ce64c98b3980642f523dfa2"
/* An operator gave nodes up: FIELD_WITHOUT, [FIELD_PEER] (each of them), FIELD_CALLER,
 * [FIELD_EVIDENCE]. */
#define MESSAGE_OVERRULED "8a08c9985eaa448e8859af6e1fd1bfb1"
/* mainstay-recover.service failed: FIELD_REASON. */
#define MESSAGE_RECOVERY_FAILED "3c30d9c4dd0e467c87bf4923db0f1cd2"
/* A file with the state of this node cannot be used: FIELD_PATH, FIELD_REASON. */
#define MESSAGE_STATE_UNREADABLE "d534b84bcd1e43889b721ad8606b5db1"
/* The gate refused a bootstrap which nobody authorised: [FIELD_REASON], and of the agent
 * [FIELD_EVIDENCE], and [FIELD_LEADER] and [FIELD_PEER] where somebody should lead, or does. */
#define MESSAGE_GATE_REFUSED "4cb2290f06624f7eaed3824228e2266e"
/* This node has formed the cluster: FIELD_POSITION, FIELD_CLAIM, [FIELD_EVIDENCE]. */
#define MESSAGE_BOOTSTRAPPED "ffc4bcc9978e4b4f9a9ee7a8d99502a6"
/* This node has promised FIELD_LEADER the bootstrap: FIELD_PEER (the same), FIELD_CLAIM,
 * FIELD_POSITION, [FIELD_EVIDENCE]. */
#define MESSAGE_CLAIM_GRANTED "bd26b4d7e64a43199e2a1a0afc4fdd7e"
/* A state transfer stands still: FIELD_DONOR, [FIELD_PEER] where that is known, FIELD_UNIT. */
#define MESSAGE_TRANSFER_STALLED "ecc028851407411a8aa03dd342600127"
/* mysqld ended before it had joined: FIELD_FAILURES in a row, FIELD_UNIT. */
#define MESSAGE_JOIN_FAILED "82ada6f0e5c5486888a8e03e8e582dbd"
/* A cluster was formed that no claim explains: FIELD_POSITION, [FIELD_EVIDENCE]. */
#define MESSAGE_FOREIGN_BOOTSTRAP "d6d35992b33c4a6781df0e3c7b65ff5f"
/* The policy of the cluster has changed: FIELD_POLICY, FIELD_ORIGIN, [FIELD_PEER] where
 * that is another node, [FIELD_CALLER] where it is not. */
#define MESSAGE_POLICY_CHANGED "33613b38f9a3432f993c636ea1fe4c33"
/* A job has failed, or was cancelled: FIELD_JOB, FIELD_JOB_KIND, [FIELD_PEER] (its source),
 * FIELD_CALLER,
 * [FIELD_EVIDENCE]. */
#define MESSAGE_JOB_FAILED "814a626ea74947c48df83743d3a6a623"
/* This node claims the lead: FIELD_POSITION, FIELD_CLAIM, [FIELD_PEER] (who must grant it),
 * [FIELD_EVIDENCE]. */
#define MESSAGE_CLAIM_MADE "597220451a244677b00db2de2e40331a"
/* All who had to have granted it: [FIELD_PEER], FIELD_CLAIM. */
#define MESSAGE_CLAIM_AGREED "b37e36a8b893424699a97ccade6a36b6"
/* This node has given its claim up: FIELD_CLAIM, FIELD_REASON. */
#define MESSAGE_CLAIM_GIVEN_UP "8bd2c11f65564584b7419a0facd53eba"
/* This node did not grant the claim of FIELD_PEER: FIELD_CLAIM, FIELD_REASON,
 * [FIELD_EVIDENCE]. */
#define MESSAGE_CLAIM_REFUSED "a606a0b1a44f480e8b387e15809f3ef4"
/* What was promised to FIELD_LEADER is over: FIELD_PEER (the same), FIELD_CLAIM,
 * FIELD_REASON. */
#define MESSAGE_GRANT_ENDED "d1d051d5ab054920932dfe5f7ed4ae98"
/* The last view is resumed: FIELD_POSITION, FIELD_CLAIM, [FIELD_EVIDENCE]. */
#define MESSAGE_RESUMED "57294a194cea495094ab2ed9e6f935a2"
/* mysqld is made Primary as it runs: FIELD_POSITION, FIELD_CLAIM, [FIELD_EVIDENCE]. */
#define MESSAGE_IN_PLACE_ALLOWED "ea523087b52d4d0e9df4e2a45d366129"
/* And was not: FIELD_REASON. */
#define MESSAGE_IN_PLACE_FAILED "97169626a81a4646b15b4722cae75571"
/* mysqld may start: FIELD_START, FIELD_REASON, [FIELD_CLAIM] where one is used,
 * [FIELD_EVIDENCE]. */
#define MESSAGE_START_ALLOWED "0892ba34392e4922aaf3f9a68ce7400c"
/* It did not: FIELD_UNIT, FIELD_REASON. */
#define MESSAGE_START_FAILED "09e403fe173c46dd8e3f5bd71d093965"
/* Whoever starts it is not held up any longer: [FIELD_REASON]. */
#define MESSAGE_START_PUT_OFF "654aed0d9da344149907d118f47dc23f"
/* The agent stops mysqld: FIELD_UNIT, FIELD_REASON, [FIELD_EVIDENCE]. */
#define MESSAGE_SERVER_STOPPED "b9e74d452b5d4ddcb622d48a7470b47e"
/* The running server does not answer the agent: FIELD_REASON. */
#define MESSAGE_SERVER_SILENT "6b5f57d323a04a4eadc0011d833cbe1d"
/* It runs with options by which parts of a cluster go on: FIELD_REASON names them. */
#define MESSAGE_QUORUM_OFF "b943200dd6494fad84b02116306d03a8"
/* wsrep-recover has found FIELD_POSITION. */
#define MESSAGE_POSITION_RECOVERED "bfbcebb620e34634ab0c04b5af641246"
/* The node is another one of its states now: [FIELD_REASON]. */
#define MESSAGE_STATE_CHANGED "cba7b8f130674db88acac2d714cf3087"
/* The agent of FIELD_PEER is heard. */
#define MESSAGE_PEER_HEARD "643b6175819d41a99c72aa33ebfcd8f0"
/* The agent of FIELD_PEER is not heard any more: FIELD_REASON. */
#define MESSAGE_PEER_LOST "870a5c5484c34bd28d3a46e90ca22bad"
/* What an operator gave up is not given up any more: no fields. */
#define MESSAGE_OVERRULE_ENDED "5e030e92cc57400fa87684d15fcbfd40"
/* A person has done something to this node: FIELD_CALLER, and [FIELD_REASON] where
 * it is about its data. */
#define MESSAGE_OPERATED "9fb99afff7624b66a2acc535a8b3ebd6"
/* The time of a shun is over: no fields. */
#define MESSAGE_SHUN_ENDED "15c8b42b8ff2404e8025a55ed1f1e7aa"
/* A job is begun: FIELD_JOB, FIELD_JOB_KIND, [FIELD_PEER] (its source), FIELD_CALLER,
 * [FIELD_EVIDENCE]. */
#define MESSAGE_JOB_BEGUN "9046016b7a1e4e5a8e480ff26673c587"
/* It is gone on with, after the agent ended: FIELD_JOB, FIELD_JOB_KIND, [FIELD_PEER],
 * FIELD_CALLER,
 * [FIELD_EVIDENCE]. */
#define MESSAGE_JOB_RESUMED "61c5577025c84a38b3f71aa548b6d8a4"
/* One of its steps is taken back: FIELD_JOB, FIELD_JOB_KIND, [FIELD_PEER], FIELD_CALLER,
 * [FIELD_EVIDENCE]. */
#define MESSAGE_JOB_UNDONE "d357310415134b4683fb74e5314626a9"
/* It is done: FIELD_JOB, FIELD_JOB_KIND, [FIELD_PEER], FIELD_CALLER,
 * [FIELD_EVIDENCE]. */
#define MESSAGE_JOB_DONE "ad0a6df981934d399b5d66297241b303"
/* mysqld starts without the word of the agent: FIELD_REASON. Of the gate, which does
 * not know the name of its node. */
#define MESSAGE_AGENT_SILENT "14abdcac30f749348da8de9fd537c6fe"
/* mysqld was not started, for another reason: [FIELD_REASON], and of the agent [FIELD_EVIDENCE]. */
#define MESSAGE_START_REFUSED "e8db83bafddb4cecbb514200eae497a5"
/* Nothing goes on by itself, and the cluster does not serve: [FIELD_LEADER] and [FIELD_PEER]
 * where somebody would lead, [FIELD_REASON], [FIELD_EVIDENCE]. */
#define MESSAGE_PERSON_AWAITED "dc43f95fc2a9472bb72a76ece1d61e53"
