-- The pages of a site, open days
SELECT
    view * 4 + grain AS selection,
    day,
    '(other)' AS fold_value,
    '' AS fold_other,
    value AS key,
    fold_value AS fold_key,
    if(selection = 40, 1, 1) AS matches,
    if(selection = 40, 1, 0) AS fold_matches,
    if(
        selection = 40,
        if(
            (
                has({rows_known:Array(String)}, value)
                OR value IN (SELECT path FROM own_paths WHERE site = {site:UInt32})
                OR match(value, {rows_own:String})
            ),
            0,
            {rows_least:Int64}
        ),
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
    AND ((view = 10 AND grain = 0) OR (view = 1 AND grain = 0 AND 1))
GROUP BY view, grain, day, at, value, other;

-- The pages of a site, sealed days
SELECT
    view * 4 + grain AS selection,
    value AS key,
    max(folded) AS folded_count,
    sum(sealed_cells.pageviews) AS pageviews,
    sum(sealed_cells.events) AS events,
    sum(sealed_cells.visitors) AS visitors
FROM sealed_cells
WHERE
    site = {site:UInt32}
    AND day BETWEEN {first:Date} AND {last:Date}
    AND closes_at IN {sealed:Array(UInt32)}
    AND ((view = 10 AND grain = 0 AND 1) OR (view = 1 AND grain = 0 AND 1))
GROUP BY selection, key WITH ROLLUP
HAVING grouping(key) OR selection = 40 AND (pageviews != 0 OR events != 0 OR visitors != 0)
ORDER BY key IN {kept:Array(String)} DESC, visitors DESC, key
LIMIT {taken:UInt64};
