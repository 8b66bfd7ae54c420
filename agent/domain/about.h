/* What a node says of itself beyond its report: not what others decide by, but
 * what a person compares when something is wrong. As text it is a JSON object;
 * what is absent from it is unknown. */
#pragma once

#include "domain/options.h"

#define ABOUT_SIZE_MAX ((size_t) 16 * 1024)

typedef struct About {
        char *node;         /* as its report has it */
        char *mainstay;     /* the version of the agent that runs */
        char *server;       /* the version of mysqld that is installed */
        char *cluster_name; /* wsrep_cluster_name */
        char *sst_method;   /* wsrep_sst_method */
        int64_t weight;     /* pc.weight; 1 where it is not set, -1: unknown */
        usec_t time;        /* its clock, since 1970; 0: unknown */
} About;

void about_done(About *a);

/* pc.weight as the options have it: 1 where they do not, -1 for nonsense. */
int64_t about_weight(const Options *o);

/* Free `*ret`. */
int about_format(const About *a, char **ret);
/* -EBADMSG for what is no such object. */
int about_parse(const char *text, About *ret);

/* "mariadbd  Ver 10.11.19-MariaDB-... for ...", as `mysqld --version` says it:
 * the version alone. Free `*ret`. -ENOENT. */
int about_version(const char *output, char **ret);
