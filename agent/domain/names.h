/* A small sorted set of node names. */
#pragma once

#include "base/macro.h"

#include <jansson.h>

#define NAME_SIZE 64 /* a node's name, with the NUL */
#define NAMES_MAX 100

typedef struct Names {
        size_t n;
        char name[NAMES_MAX][NAME_SIZE];
} Names;

/* 1 to 63 bytes of UTF-8, no control characters, blanks, commas or slashes:
 * what can stand in a list of members and in a report without being mistaken
 * for something else. */
bool name_valid(const char *name);

/* Of letters, digits, dots, hyphens and underscores alone, and no option: what
 * may become a word of a command line. */
bool names_plain(const char *name);

bool names_contain(const Names *names, const char *name);

/* -E2BIG when full, -EINVAL for what is no name; a name already in it stays. */
int names_add(Names *names, const char *name);
int names_add_all(Names *names, const Names *more);
void names_remove(Names *names, const char *name);
bool names_equal(const Names *a, const Names *b);

/* "db1, db2 and db3", "nobody" where empty; free the result. NULL when out of
 * memory. */
char *names_text(const Names *names);

/* " --without db1 --without db2", "" where empty: how a person gives them up. Free the
 * result; NULL when out of memory. */
char *names_without(const Names *names);

/* "db1 db2 db3", "" where empty: for programs, since no name has a blank. Free the result;
 * NULL when out of memory. */
char *names_words(const Names *names);

/* As a JSON list; a new reference, NULL when out of memory: a name that got
 * lost would not be asked. -EBADMSG for what is no list of names. */
json_t *names_to_json(const Names *names);
int names_from_json(const json_t *a, Names *ret);
