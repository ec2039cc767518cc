-- The pages seen from one country, open days
SELECT
    view * 4 + grain AS selection,
    day,
    '(other)' AS fold_value,
    '' AS fold_other,
    value AS key,
    fold_value AS fold_key,
    if(selection = 408, 1, value IN {filter0:Array(String)}) AS matches,
    if(selection = 408, 0, fold_value IN {filter0:Array(String)}) AS fold_matches,
    if(
        selection = 408,
        {rows_least:Int64},
        if(has({base_known:Array(String)}, value), 0, {base_least:Int64})
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
    AND (
        (view = 102 AND grain = 0 AND other IN {filter0:Array(String)}) OR (view = 25 AND grain = 0)
    )
GROUP BY view, grain, day, at, value, other;

-- The pages seen from one country, sealed days
SELECT
    view * 4 + grain AS selection,
    value AS key,
    0 AS folded_count,
    sum(sealed_cells.pageviews) AS pageviews,
    sum(sealed_cells.events) AS events,
    sum(sealed_cells.visitors) AS visitors
FROM sealed_cells
WHERE
    site = {site:UInt32}
    AND day BETWEEN {first:Date} AND {last:Date}
    AND closes_at IN {sealed:Array(UInt32)}
    AND (
        (view = 102 AND grain = 0 AND other IN {filter0:Array(String)})
        OR (view = 25 AND grain = 0 AND value IN {filter0:Array(String)})
    )
GROUP BY selection, key WITH ROLLUP
HAVING grouping(key) OR selection = 408 AND (pageviews != 0 OR events != 0 OR visitors != 0)
ORDER BY key IN {kept:Array(String)} DESC, visitors DESC, key
LIMIT {taken:UInt64};
