-- The hours of a page, strict profile, open days
WITH
    (
        SELECT groupArray(day)
        FROM (
            SELECT day
            FROM snapshot_cells
            WHERE
                site = {site:UInt32}
                AND day BETWEEN {first:Date} AND {last:Date}
                AND view = 1
                AND grain = 0
            GROUP BY day
            HAVING uniqCombined64Merge(17)(visitors) < 10
        )
    ) AS thin_days,
    (
        SELECT groupArray(at)
        FROM (
            SELECT at
            FROM snapshot_cells
            WHERE
                site = {site:UInt32}
                AND day BETWEEN {first:Date} AND {last:Date}
                AND view = 1
                AND grain = 1
            GROUP BY at
            HAVING uniqCombined64Merge(17)(visitors) < 10
        )
    ) AS thin_hours
SELECT
    view * 4 + grain AS selection,
    day,
    '(other)' AS fold_value,
    '' AS fold_other,
    toString(at) AS key,
    toString(at) AS fold_key,
    if(selection = 41, 1, value IN {filter0:Array(String)}) AS matches,
    if(selection = 41, 0, fold_value IN {filter0:Array(String)}) AS fold_matches,
    if(
        selection = 41,
        if(has(thin_days, day) OR has(thin_hours, at), 2147483647, {rows_least:Int64}),
        if(
            (
                has({base_known:Array(String)}, value)
                OR value IN (SELECT path FROM own_paths WHERE site = {site:UInt32})
                OR match(value, {base_own:String})
            ),
            0,
            {base_least:Int64}
        )
    ) AS threshold,
    cityHash64({site:UInt32}, view, toUInt8(0), value, other, at) AS id,
    toInt64(uniqCombined64Merge(17)(cells.visitors)) AS weight,
    tuple(sum(cells.pageviews), toInt64(uniqCombined64Merge(17)(cells.visitors))) AS sums
FROM snapshot_cells AS cells
WHERE
    site = {site:UInt32}
    AND day BETWEEN {first:Date} AND {last:Date}
    AND closes_at NOT IN {sealed:Array(UInt32)}
    AND (
        (view = 10 AND grain = 1 AND value IN {filter0:Array(String)}) OR (view = 10 AND grain = 0)
    )
GROUP BY view, grain, day, at, value, other;

-- The hours of a page, strict profile, sealed days
SELECT
    view * 4 + grain AS selection,
    toString(at) AS key,
    0 AS folded_count,
    sum(sealed_cells.pageviews) AS pageviews,
    sum(sealed_cells.visitors) AS visitors
FROM sealed_cells
WHERE
    site = {site:UInt32}
    AND day BETWEEN {first:Date} AND {last:Date}
    AND closes_at IN {sealed:Array(UInt32)}
    AND (
        (view = 10 AND grain = 1 AND value IN {filter0:Array(String)})
        OR (view = 10 AND grain = 0 AND value IN {filter0:Array(String)})
    )
GROUP BY selection, key WITH ROLLUP
HAVING grouping(key) OR selection = 41 AND (pageviews != 0 OR visitors != 0)
ORDER BY key IN {kept:Array(String)} DESC, visitors DESC, key
LIMIT {taken:UInt64};
