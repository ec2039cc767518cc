-- cells.folding.declare_known: Declare values of a view as known; site 0 stands for all sites.
INSERT INTO closing_known
SELECT {site:UInt32}, {view:UInt16}, arrayJoin({values:Array(String)});

-- cells.folding.declare_matching: Declare a site's paths as known that match a regular expression.
INSERT INTO closing_known
SELECT DISTINCT site, view, value
FROM open_cells
WHERE
    closes_at = toDateTime({closes_at:UInt32}, 'UTC')
    AND site = {site:UInt32}
    AND view IN (10, 15, 16)
    AND grain = 0
    AND match(value, {pattern:String});

-- cells.folding.gather: Merge the open cells of some sites and mark the small ones.
INSERT INTO closing_cells
SELECT
    site, view, grain, at, value, other, day, pageviews, events, visits, bounces, visit_seconds,
    engaged_ms, engaged_pageviews, scroll_percent, revenue, visitors,
    if(view IN (16), visits, visitors) AS weight,
    toUInt8(
        multiIf(
            view = 1, 0,
            grain = 1, 3,
            view IN (13, 16, 26, 27, 29, 31), 2,
            view IN (
                36, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114, 115,
                116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 130, 131, 132,
                133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147
            ), 3,
            1
        )
    ) AS shape,
    cityHash64(site, view, grain, value, other, at) AS id,
    multiIf(
        shape = 3, cityHash64(site, view, grain, 1, value),
        shape = 2, cityHash64(
            site, view,
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
            ),
            multiIf(view IN (13), concat(substringIndex(other, '=', 1), '=(other)'), '')
        ),
        cityHash64(site, view)
    ) AS row,
    if(shape = 3, cityHash64(site, view, grain, 2, other, at), 0) AS col,
    multiIf(
        grain = 1, cityHash64(site, toUInt16(view), toUInt8(0), value, '', toUInt32(0)),
        shape = 2, cityHash64(
            site,
            toUInt16(transform(view, [13, 16, 26, 27, 29, 31], [12, 10, 25, 25, 28, 30], 0)),
            toUInt8(0),
            multiIf(
                view IN (26, 27), substringIndex(value, '-', 1),
                view IN (29, 31), if(
                    length(splitByChar(' ', value)) > 1,
                    arrayStringConcat(arrayPopBack(splitByChar(' ', value)), ' '),
                    value
                ),
                value
            ),
            '',
            toUInt32(0)
        ),
        shape = 3, cityHash64(
            site,
            toUInt16(
                transform(
                    view,
                    [
                        36, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113,
                        114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128,
                        129, 130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143,
                        144, 145, 146, 147
                    ],
                    [
                        12, 10, 10, 10, 10, 10, 17, 17, 17, 12, 19, 19, 12, 25, 12, 12, 10, 10, 10,
                        10, 17, 17, 17, 17, 19, 19, 19, 19, 25, 25, 25, 25, 32, 32, 32, 32, 12, 12,
                        12, 12, 35, 35, 35, 35, 35, 35, 35, 35, 35
                    ],
                    0
                )
            ),
            toUInt8(0),
            value, '',
            toUInt32(0)
        ),
        0
    ) AS parent_id,
    if(
        shape = 3 AND grain = 0,
        cityHash64(
            site,
            toUInt16(
                transform(
                    view,
                    [
                        100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112, 113, 114,
                        115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129,
                        130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144,
                        145, 146, 147
                    ],
                    [
                        17, 19, 25, 32, 12, 19, 25, 32, 17, 25, 32, 19, 32, 25, 32, 15, 22, 28, 30,
                        15, 22, 28, 30, 15, 22, 28, 30, 15, 22, 28, 30, 15, 22, 28, 30, 15, 22, 28,
                        30, 17, 19, 25, 32, 10, 15, 22, 28, 30
                    ],
                    0
                )
            ),
            toUInt8(0),
            other, '',
            toUInt32(0)
        ),
        0
    ) AS col_parent_id,
    shape != 0
    AND (
        (
            view NOT IN (10, 17)
            AND site IN (
                SELECT site
                FROM open_cells
                WHERE
                    view = 1
                    AND closes_at = toDateTime({closes_at:UInt32}, 'UTC')
                    AND site IN (SELECT arrayJoin({sites:Array(UInt32)}))
                    AND grain = 0
                GROUP BY site
                HAVING
                    toInt64(uniqCombined64Merge(17)(visitors))
                    < if(site IN (SELECT arrayJoin({standard:Array(UInt32)})), 3, 10)
            )
        )
        OR (
            grain = 1
            AND (site, at) IN (
                SELECT site, at
                FROM open_cells
                WHERE
                    view = 1
                    AND closes_at = toDateTime({closes_at:UInt32}, 'UTC')
                    AND site IN (SELECT arrayJoin({sites:Array(UInt32)}))
                    AND grain = 1
                GROUP BY site, at
                HAVING
                    toInt64(uniqCombined64Merge(17)(visitors))
                    < if(site IN (SELECT arrayJoin({standard:Array(UInt32)})), 5, 10)
            )
        )
        OR weight
        < multiIf(
            grain = 1, if(
                site IN (SELECT arrayJoin({standard:Array(UInt32)})),
                transform(view, [27], [5], 3),
                transform(view, [27], [2147483647], 10)
            ),
            (
                view IN (
                    10, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
                    31, 32, 33, 34, 35
                )
                AND value = '(none)'
                OR view IN (10, 11, 15, 16, 17)
                AND (
                    (site, view, value) IN (SELECT site, view, value FROM closing_known)
                    OR (toUInt32(0), view, value) IN (SELECT site, view, value FROM closing_known)
                    OR view IN (10, 15, 16)
                    AND (site, value) IN (
                        SELECT site, path
                        FROM own_paths
                        WHERE
                            since < toDateTime({closes_at:UInt32}, 'UTC')
                            AND site IN (SELECT arrayJoin({sites:Array(UInt32)}))
                    )
                )
            )
            AND if(
                site IN (SELECT arrayJoin({standard:Array(UInt32)})),
                transform(
                    view,
                    [19, 25, 27, 28, 30, 32, 33, 34, 35],
                    [1, 1, 5, 1, 1, 1, 1, 1, 1],
                    3
                ),
                transform(
                    view,
                    [19, 25, 27, 28, 30, 32, 33, 34, 35],
                    [1, 1, 2147483647, 1, 1, 1, 1, 1, 1],
                    10
                )
            )
            < 2147483647, 1,
            if(
                site IN (SELECT arrayJoin({standard:Array(UInt32)})),
                transform(
                    view,
                    [19, 25, 27, 28, 30, 32, 33, 34, 35],
                    [1, 1, 5, 1, 1, 1, 1, 1, 1],
                    3
                ),
                transform(
                    view,
                    [19, 25, 27, 28, 30, 32, 33, 34, 35],
                    [1, 1, 2147483647, 1, 1, 1, 1, 1, 1],
                    10
                )
            )
        )
    ) AS small,
    shape != 0
    AND visitors < if(site IN (SELECT arrayJoin({standard:Array(UInt32)})), 5, 10) AS few_visitors
FROM (
    SELECT
        site, view, grain, at, value, other, day, pageviews, events, visits, bounces, visit_seconds,
        engaged_ms, engaged_pageviews, scroll_percent, revenue,
        toInt64(finalizeAggregation(open_cells.visitors)) AS visitors
    FROM open_cells FINAL
    WHERE
        closes_at = toDateTime({closes_at:UInt32}, 'UTC')
        AND site IN (SELECT arrayJoin({sites:Array(UInt32)}))
        AND view IN (
            1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
            31, 32, 33, 34, 35, 36, 100, 101, 102, 103, 104, 105, 106, 107, 108, 109, 110, 111, 112,
            113, 114, 115, 116, 117, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129,
            130, 131, 132, 133, 134, 135, 136, 137, 138, 139, 140, 141, 142, 143, 144, 145, 146, 147
        )
        AND grain != 2
)
WHERE
    visitors != 0
    OR pageviews != 0
    OR events != 0
    OR visits != 0
    OR bounces != 0
    OR visit_seconds != 0
    OR engaged_ms != 0
    OR engaged_pageviews != 0
    OR scroll_percent != 0
    OR revenue != 0
SETTINGS max_block_size = 8192, do_not_merge_across_partitions_select_final = 1;
