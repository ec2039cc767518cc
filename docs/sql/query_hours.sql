-- The hours of a site, open days
SELECT
    view * 4 + grain AS selection,
    day,
    '(other)' AS fold_value,
    '' AS fold_other,
    toString(at) AS key,
    toString(at) AS fold_key,
    if(selection = 5, 1, 1) AS matches,
    if(selection = 5, 0, 0) AS fold_matches,
    if(selection = 5, 0, 0) AS threshold,
    cityHash64({site:UInt32}, view, toUInt8(0), value, other, at) AS id,
    toInt64(uniqCombined64Merge(17)(cells.visitors)) AS weight,
    tuple(sum(cells.pageviews), toInt64(uniqCombined64Merge(17)(cells.visitors))) AS sums
FROM open_cells AS cells
WHERE
    site = {site:UInt32}
    AND day BETWEEN {first:Date} AND {last:Date}
    AND closes_at NOT IN {sealed:Array(UInt32)}
    AND ((view = 1 AND grain = 1 AND 1) OR (view = 1 AND grain = 0 AND 1))
GROUP BY view, grain, day, at, value, other;

-- The hours of a site, sealed days
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
    AND ((view = 1 AND grain = 1 AND 1) OR (view = 1 AND grain = 0 AND 1))
GROUP BY selection, key WITH ROLLUP
HAVING grouping(key) OR selection = 5 AND (pageviews != 0 OR visitors != 0)
ORDER BY key IN {kept:Array(String)} DESC, visitors DESC, key
LIMIT {taken:UInt64};
