/* Rows and columns on a terminal, of which the last column takes what the others
 * leave. */
#pragma once

#include "edge/ctl-text.h"

#define GRID_COLUMNS_MAX 8

typedef struct Grid {
        const char *const *headings;
        size_t n_columns;
        size_t coloured; /* the column that has its row's colour */
} Grid;

typedef struct GridRow {
        char *cell[GRID_COLUMNS_MAX]; /* owned */
        Colour colour;
} GridRow;

/* Cleans the cells, in place, and prints them. -ENOMEM where one is missing. */
int grid_print(FILE *f, const Style *style, const Grid *grid, GridRow *rows, size_t n);

/* The cells and the rows. */
void grid_free(GridRow *rows, size_t n);
