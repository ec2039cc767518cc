-- cells.folding.suppress_small: Suppress the continuous sums of cells with few visitors and of
-- folded cells.
INSERT INTO closing_suppressed
SELECT id, row, col
FROM closing_cells
WHERE few_visitors OR id IN (SELECT id FROM closing_folded);

-- cells.folding.suppress_lists: Suppress the continuous sums of larger cells of a list where they
-- would reveal a small one.
INSERT INTO closing_suppressed
SELECT id, row, col
FROM (
    SELECT
        id, row, col, suppressed, site,
        sum(visitors) OVER (
            PARTITION BY row
            ORDER BY suppressed DESC, weight, id
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS visitors_before,
        row_number() OVER (PARTITION BY row ORDER BY suppressed DESC, weight, id) AS place,
        max(suppressed) OVER (PARTITION BY row) AS any_suppressed
    FROM (
        SELECT
            id, row, col, site, visitors, weight,
            id IN (SELECT id FROM closing_suppressed) AS suppressed
        FROM closing_cells
        WHERE shape IN (1, 2)
    )
)
WHERE
    NOT suppressed
    AND any_suppressed
    AND (
        place <= 2
        OR visitors_before < if(site IN (SELECT arrayJoin({standard:Array(UInt32)})), 5, 10)
    );

-- cells.folding.suppress_tables: Suppress the continuous sums of one more cell in each row and
-- column with only one.
INSERT INTO closing_suppressed
SELECT DISTINCT smallest.1, smallest.2, smallest.3
FROM (
    SELECT argMinIf((id, row, col), (crosses_unmarked, weight, id), NOT marked) AS smallest
    FROM (
        SELECT
            id, row, col, weight,
            id IN (SELECT id FROM closing_suppressed) AS marked,
            col NOT IN (SELECT col FROM closing_suppressed) AS crosses_unmarked
        FROM closing_cells
        WHERE
            shape = 3
            AND row IN (SELECT row FROM closing_suppressed GROUP BY row HAVING count() = 1)
    )
    GROUP BY row
    HAVING countIf(marked) = 1 AND count() > 1
    UNION ALL
    SELECT argMinIf((id, row, col), (crosses_unmarked, weight, id), NOT marked) AS smallest
    FROM (
        SELECT
            id, row, col, weight,
            id IN (SELECT id FROM closing_suppressed) AS marked,
            row NOT IN (SELECT row FROM closing_suppressed) AS crosses_unmarked
        FROM closing_cells
        WHERE
            shape = 3
            AND col IN (SELECT col FROM closing_suppressed GROUP BY col HAVING count() = 1)
    )
    GROUP BY col
    HAVING countIf(marked) = 1 AND count() > 1
);

-- cells.folding.pick_averaged: Pick the cells with one or two visitors, whose counts are averaged
-- within their group.
INSERT INTO closing_averaged
SELECT id, row, col
FROM closing_cells
WHERE
    shape IN (1, 2)
    AND view IN (15, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34)
    AND NOT id IN (SELECT id FROM closing_folded)
    AND visitors < if(site IN (SELECT arrayJoin({standard:Array(UInt32)})), 3, 10);

INSERT INTO closing_averaged
SELECT tupleElement(smallest, 2), 0, 0
FROM (
    SELECT argMinIf((weight, id), (weight, id), NOT marked) AS smallest
    FROM (
        SELECT
            id, weight,
            id IN (SELECT id FROM closing_averaged) AS marked,
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
        WHERE
            shape IN (1, 2)
            AND view IN (15, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34)
            AND NOT id IN (SELECT id FROM closing_folded)
    )
    GROUP BY group_id
    HAVING countIf(marked) = 1 AND count() > 1
);
