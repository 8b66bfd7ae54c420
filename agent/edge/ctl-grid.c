/* Rows and columns; see ctl-grid.h. */
#include "edge/ctl-grid.h"

#include <libsmartcols.h>

#define LAST_WIDTH_MIN 24

void grid_free(GridRow *rows, size_t n) {
        for (size_t i = 0; rows && i < n; i++)
                for (size_t c = 0; c < GRID_COLUMNS_MAX; c++)
                        free(rows[i].cell[c]);
        free(rows);
}

/* Cells are clean, and none is missing. */
static int rows_clean(const Grid *grid, GridRow *rows, size_t n) {
        for (size_t i = 0; i < n; i++)
                for (size_t c = 0; c < grid->n_columns; c++) {
                        char *clean = rows[i].cell[c] ? text_clean(rows[i].cell[c]) : NULL;

                        if (!clean)
                                return -ENOMEM;
                        free(rows[i].cell[c]);
                        rows[i].cell[c] = clean;
                }
        return 0;
}

/* What the other columns leave for the last one. */
static int last_wrap(const Grid *grid, GridRow *rows, size_t n, size_t width) {
        size_t used = 0, last = grid->n_columns - 1;

        if (width == 0)
                return 0;
        for (size_t c = 0; c < last; c++) {
                size_t widest = strlen(grid->headings[c]);

                for (size_t i = 0; i < n; i++)
                        if (text_width(rows[i].cell[c]) > widest)
                                widest = text_width(rows[i].cell[c]);
                used += widest + 2;
        }
        for (size_t i = 0; i < n; i++) {
                char *wrapped = text_wrap(rows[i].cell[last], width > used + LAST_WIDTH_MIN ? width - used : LAST_WIDTH_MIN);

                if (!wrapped)
                        return -ENOMEM;
                free(rows[i].cell[last]);
                rows[i].cell[last] = wrapped;
        }
        return 0;
}

static int rows_print(FILE *f, const Style *style, const Grid *grid, const GridRow *rows, size_t n) {
        struct libscols_table *table = scols_new_table();
        size_t last = grid->n_columns - 1;
        char *text = NULL;
        int r;

        if (!table)
                return -ENOMEM;
        /* Widths are settled already, whatever the terminal of this process is. */
        r = scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
        if (r == 0)
                r = scols_table_enable_colors(table, style->colour);
        if (r == 0)
                r = scols_table_set_column_separator(table, "  ");
        for (size_t c = 0; r == 0 && c < grid->n_columns; c++) {
                struct libscols_column *column = scols_table_new_column(table, grid->headings[c], 0, c == last ? SCOLS_FL_WRAP : 0);

                if (!column)
                        r = -ENOMEM;
                else if (c == last) {
                        r = scols_column_set_wrapfunc(column, scols_wrapnl_chunksize, scols_wrapnl_nextchunk, NULL);
                        if (r == 0)
                                r = scols_column_set_safechars(column, "\n");
                }
        }
        for (size_t i = 0; r == 0 && i < n; i++) {
                struct libscols_line *line = scols_table_new_line(table, NULL);

                if (!line)
                        r = -ENOMEM;
                for (size_t c = 0; r == 0 && c < grid->n_columns; c++)
                        r = scols_line_set_data(line, c, rows[i].cell[c]);
                if (r == 0 && style->colour)
                        r = scols_cell_set_color(scols_line_get_cell(line, grid->coloured), style_begin(style, rows[i].colour));
        }
        if (r == 0)
                r = scols_print_table_to_string(table, &text);
        if (r == 0)
                fprintf(f, "%s\n", text);
        free(text);
        scols_unref_table(table);
        return r;
}

int grid_print(FILE *f, const Style *style, const Grid *grid, GridRow *rows, size_t n) {
        int r;

        r = rows_clean(grid, rows, n);
        if (r >= 0)
                r = last_wrap(grid, rows, n, style->width);
        return r < 0 ? r : rows_print(f, style, grid, rows, n);
}
