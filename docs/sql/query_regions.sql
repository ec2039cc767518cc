-- The regions of a site, open days
SELECT
    view * 4 + grain AS selection,
    day,
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
    ) AS fold_value,
    multiIf(view IN (13), concat(substringIndex(other, '=', 1), '=(other)'), '') AS fold_other,
    value AS key,
    fold_value AS fold_key,
    if(selection = 104, 1, 1) AS matches,
    if(selection = 104, 1, 0) AS fold_matches,
    if(
        selection = 104,
        if(has({rows_known:Array(String)}, value), 0, {rows_least:Int64}),
        0
    ) AS threshold,
    cityHash64({site:UInt32}, view, toUInt8(0), value, other, at) AS id,
    toInt64(uniqCombined64Merge(17)(cells.visitors)) AS weight,
    tuple(
        sum(cells.pageviews),
        sum(cells.events),
        toInt64(uniqCombined64Merge(17)(cells.visitors))
    ) AS sums
FROM open_cells AS cells
WHERE
    site = {site:UInt32}
    AND day BETWEEN {first:Date} AND {last:Date}
    AND closes_at NOT IN {sealed:Array(UInt32)}
    AND ((view = 26 AND grain = 0) OR (view = 1 AND grain = 0 AND 1))
GROUP BY view, grain, day, at, value, other;

-- The regions of a site, sealed days
SELECT
    view * 4 + grain AS selection,
    value AS key,
    arrayMax(sumMapIf([day], [folded], folded > 0).2) AS folded_count,
    sum(sealed_cells.pageviews) AS pageviews,
    sum(sealed_cells.events) AS events,
    sum(sealed_cells.visitors) AS visitors
FROM sealed_cells
WHERE
    site = {site:UInt32}
    AND day BETWEEN {first:Date} AND {last:Date}
    AND closes_at IN {sealed:Array(UInt32)}
    AND ((view = 26 AND grain = 0 AND 1) OR (view = 1 AND grain = 0 AND 1))
GROUP BY selection, key WITH ROLLUP
HAVING grouping(key) OR selection = 104 AND (pageviews != 0 OR events != 0 OR visitors != 0)
ORDER BY key IN {kept:Array(String)} DESC, visitors DESC, key
LIMIT {taken:UInt64};
