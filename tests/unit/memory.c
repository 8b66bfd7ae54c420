/* Memory that is short to order; see memory.h.
 *
 * By the linker's --wrap: what the library calls by these names comes here, with
 * sanitizers as well. Jansson asks by a function that is set here, too. */
#include "memory.h"
#include "domain/names.h"

#include <jansson.h>
#include <stdarg.h>

static unsigned left, names_left;
static bool refused, no_room;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
char *__real_strdup(const char *s);
int __real_vasprintf(char **ret, const char *format, va_list ap) _printf_(2, 0);
FILE *__real_open_memstream(char **ret, size_t *ret_size);
int __real_names_add(Names *names, const char *name);
int __real_names_add_all(Names *names, const Names *more);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
char *__wrap_strdup(const char *s);
int __wrap_asprintf(char **ret, const char *format, ...) _printf_(2, 3);
int __wrap_vasprintf(char **ret, const char *format, va_list ap) _printf_(2, 0);
FILE *__wrap_open_memstream(char **ret, size_t *ret_size);
int __wrap_names_add(Names *names, const char *name);
int __wrap_names_add_all(Names *names, const Names *more);

static bool refuse(void) {
        if (left == 0 || --left > 0)
                return false;
        refused = true;
        errno = ENOMEM;
        return true;
}

void memory_refuse(unsigned n) {
        json_set_alloc_funcs(__wrap_malloc, free);
        left = n;
        refused = false;
}

bool memory_refused(void) {
        left = 0;
        return refused;
}

void *__wrap_malloc(size_t size) {
        return refuse() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
        return refuse() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size) {
        return refuse() ? NULL : __real_realloc(p, size);
}

char *__wrap_strdup(const char *s) {
        return refuse() ? NULL : __real_strdup(s);
}

int __wrap_vasprintf(char **ret, const char *format, va_list ap) {
        return refuse() ? -1 : __real_vasprintf(ret, format, ap);
}

int __wrap_asprintf(char **ret, const char *format, ...) {
        va_list ap;
        int r;

        va_start(ap, format);
        r = __wrap_vasprintf(ret, format, ap);
        va_end(ap);
        return r;
}

FILE *__wrap_open_memstream(char **ret, size_t *ret_size) {
        return refuse() ? NULL : __real_open_memstream(ret, ret_size);
}

void names_refuse(unsigned n) {
        names_left = n;
        no_room = false;
}

bool names_refused(void) {
        names_left = 0;
        return no_room;
}

static bool is_full(void) {
        if (names_left == 0 || --names_left > 0)
                return false;
        return no_room = true;
}

int __wrap_names_add(Names *names, const char *name) {
        return is_full() ? -E2BIG : __real_names_add(names, name);
}

int __wrap_names_add_all(Names *names, const Names *more) {
        return is_full() ? -E2BIG : __real_names_add_all(names, more);
}
