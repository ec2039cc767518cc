-- cells.folding.fold_lists: Fold the small cells of lists, then of hierarchies, whose parents may
-- be folded by then.
INSERT INTO closing_folded
SELECT id, row, col
FROM closing_cells
WHERE shape = 1 AND (small OR (parent_id != 0 AND parent_id IN (SELECT id FROM closing_folded)));

INSERT INTO closing_folded
SELECT tupleElement(smallest, 2), 0, 0
FROM (
    SELECT argMinIf((weight, id), (weight, id), NOT marked) AS smallest
    FROM (
        SELECT
            id, weight,
            id IN (SELECT id FROM closing_folded) AS marked,
            cityHash64(
                site, view,
                if(
                    (parent_id != 0 AND parent_id IN (SELECT id FROM closing_folded)),
                    '(other)',
                    multiIf(
                        view IN (26, 27), concat(substringIndex(value, '-', 1), '-(other)'),
                        view IN (29, 31), concat(
                            if(
                                length(splitByChar(' ', value)) > 1,
                                arrayStringConcat(arrayPopBack(splitByChar(' ', value)), ' '),
                                value
                            ),
                            ' (other)'
                        ),
                        view IN (13), value,
                        '(other)'
                    )
                ),
                if(
                    (parent_id != 0 AND parent_id IN (SELECT id FROM closing_folded)),
                    if(view IN (13), '(other)', ''),
                    multiIf(view IN (13), concat(substringIndex(other, '=', 1), '=(other)'), '')
                )
            ) AS group_id
        FROM closing_cells
        WHERE shape = 1
    )
    GROUP BY group_id
    HAVING countIf(marked) = 1 AND count() > 1
);

INSERT INTO closing_folded
SELECT id, row, col
FROM closing_cells
WHERE shape = 2 AND (small OR (parent_id != 0 AND parent_id IN (SELECT id FROM closing_folded)));

INSERT INTO closing_folded
SELECT tupleElement(smallest, 2), 0, 0
FROM (
    SELECT argMinIf((weight, id), (weight, id), NOT marked) AS smallest
    FROM (
        SELECT
            id, weight,
            id IN (SELECT id FROM closing_folded) AS marked,
            cityHash64(
                site, view,
                if(
                    (parent_id != 0 AND parent_id IN (SELECT id FROM closing_folded)),
                    '(other)',
                    multiIf(
                        view IN (26, 27), concat(substringIndex(value, '-', 1), '-(other)'),
                        view IN (29, 31), concat(
                            if(
                                length(splitByChar(' ', value)) > 1,
                                arrayStringConcat(arrayPopBack(splitByChar(' ', value)), ' '),
                                value
                            ),
                            ' (other)'
                        ),
                        view IN (13), value,
                        '(other)'
                    )
                ),
                if(
                    (parent_id != 0 AND parent_id IN (SELECT id FROM closing_folded)),
                    if(view IN (13), '(other)', ''),
                    multiIf(view IN (13), concat(substringIndex(other, '=', 1), '=(other)'), '')
                )
            ) AS group_id
        FROM closing_cells
        WHERE shape = 2
    )
    GROUP BY group_id
    HAVING countIf(marked) = 1 AND count() > 1
);

-- cells.folding.fold_tables: Fold the small cells of tables, and all cells in the row or column of
-- a folded marginal.
INSERT INTO closing_folded
SELECT id, row, col
FROM closing_cells
WHERE
    shape = 3
    AND (
        small
        OR parent_id IN (SELECT id FROM closing_folded)
        OR col_parent_id IN (SELECT id FROM closing_folded)
    );

-- cells.folding.complement_tables: Fold one more cell in each row and column with only one folded
-- cell.
INSERT INTO closing_folded
SELECT DISTINCT smallest.1, smallest.2, smallest.3
FROM (
    SELECT argMinIf((id, row, col), (crosses_unmarked, weight, id), NOT marked) AS smallest
    FROM (
        SELECT
            id, row, col, weight,
            id IN (SELECT id FROM closing_folded) AS marked,
            col NOT IN (SELECT col FROM closing_folded) AS crosses_unmarked
        FROM closing_cells
        WHERE shape = 3 AND row IN (SELECT row FROM closing_folded GROUP BY row HAVING count() = 1)
    )
    GROUP BY row
    HAVING countIf(marked) = 1 AND count() > 1
    UNION ALL
    SELECT argMinIf((id, row, col), (crosses_unmarked, weight, id), NOT marked) AS smallest
    FROM (
        SELECT
            id, row, col, weight,
            id IN (SELECT id FROM closing_folded) AS marked,
            row NOT IN (SELECT row FROM closing_folded) AS crosses_unmarked
        FROM closing_cells
        WHERE shape = 3 AND col IN (SELECT col FROM closing_folded GROUP BY col HAVING count() = 1)
    )
    GROUP BY col
    HAVING countIf(marked) = 1 AND count() > 1
);
