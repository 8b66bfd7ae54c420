/* What could be typed next, for the shells. */
#pragma once

#include "edge/ctl-args.h"

/* The words behind the program's name, of which the last is the one that is being typed,
 * and may be "". Writes what could stand in its place, one a line; nothing where that is
 * the name of a file, or free text. `nodes` are the names of all nodes, where they are
 * known. */
void complete(int n, char *words[], const Names *nodes, FILE *to);

/* Asks the agent for them, but not for long. */
void complete_nodes(Names *ret);
