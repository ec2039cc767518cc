-- cells.folding.write_listed: Write the listed cells.
INSERT INTO sealed_cells (
    site, closes_at, day, grain, view, at, value, other, pageviews, events, visits, bounces,
    visit_seconds, engaged_ms, engaged_pageviews, scroll_percent, revenue, visitors, folded, struck
)
SELECT
    site,
    toDateTime({closes_at:UInt32}, 'UTC'),
    day, grain, view, at, value, other, pageviews, events, visits, bounces,
    if(shape != 0 AND id IN (SELECT id FROM closing_suppressed), 0, visit_seconds),
    if(shape != 0 AND id IN (SELECT id FROM closing_suppressed), 0, engaged_ms),
    engaged_pageviews,
    if(shape != 0 AND id IN (SELECT id FROM closing_suppressed), 0, scroll_percent),
    if(shape != 0 AND id IN (SELECT id FROM closing_suppressed), 0, revenue),
    visitors, 0,
    shape != 0 AND id IN (SELECT id FROM closing_suppressed)
FROM closing_cells
WHERE NOT id IN (SELECT id FROM closing_folded) AND NOT id IN (SELECT id FROM closing_averaged);

-- cells.folding.write_averaged: Write the averaged cells: each count is spread over the group's
-- visitors, with equal sums.
INSERT INTO sealed_cells (
    site, closes_at, day, grain, view, at, value, other, pageviews, events, visits, bounces,
    visit_seconds, engaged_ms, engaged_pageviews, scroll_percent, revenue, visitors, folded, struck
)
SELECT
    site,
    toDateTime({closes_at:UInt32}, 'UTC'),
    day, grain, view, at, value, other,
    intDiv(pageviews_of_group * running_visitors * 2 + group_visitors, group_visitors * 2)
    - intDiv(
        pageviews_of_group * (running_visitors - visitors) * 2 + group_visitors,
        group_visitors * 2
    ),
    intDiv(events_of_group * running_visitors * 2 + group_visitors, group_visitors * 2)
    - intDiv(
        events_of_group * (running_visitors - visitors) * 2 + group_visitors,
        group_visitors * 2
    ),
    intDiv(visits_of_group * running_visitors * 2 + group_visitors, group_visitors * 2)
    - intDiv(
        visits_of_group * (running_visitors - visitors) * 2 + group_visitors,
        group_visitors * 2
    ),
    intDiv(bounces_of_group * running_visitors * 2 + group_visitors, group_visitors * 2)
    - intDiv(
        bounces_of_group * (running_visitors - visitors) * 2 + group_visitors,
        group_visitors * 2
    ),
    0, 0,
    intDiv(engaged_pageviews_of_group * running_visitors * 2 + group_visitors, group_visitors * 2)
    - intDiv(
        engaged_pageviews_of_group * (running_visitors - visitors) * 2 + group_visitors,
        group_visitors * 2
    ),
    0, 0, visitors, 0, 1
FROM (
    SELECT
        *,
        sum(pageviews) OVER (PARTITION BY group_id) AS pageviews_of_group,
        sum(events) OVER (PARTITION BY group_id) AS events_of_group,
        sum(visits) OVER (PARTITION BY group_id) AS visits_of_group,
        sum(bounces) OVER (PARTITION BY group_id) AS bounces_of_group,
        sum(engaged_pageviews) OVER (PARTITION BY group_id) AS engaged_pageviews_of_group,
        sum(visitors) OVER (PARTITION BY group_id) AS group_visitors,
        sum(visitors) OVER (PARTITION BY group_id ORDER BY id) AS running_visitors
    FROM (
        SELECT
            *,
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
        WHERE id IN (SELECT id FROM closing_averaged)
    )
);

-- cells.folding.write_others: Write every "(other)" of lists and hierarchies.
INSERT INTO sealed_cells (
    site, closes_at, day, grain, view, at, value, other, pageviews, events, visits, bounces,
    visit_seconds, engaged_ms, engaged_pageviews, scroll_percent, revenue, visitors, folded, struck
)
SELECT
    site,
    toDateTime({closes_at:UInt32}, 'UTC'),
    any(day),
    grain, view, 0,
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
    ) AS other_value,
    if(
        (parent_id != 0 AND parent_id IN (SELECT id FROM closing_folded)),
        if(view IN (13), '(other)', ''),
        multiIf(view IN (13), concat(substringIndex(other, '=', 1), '=(other)'), '')
    ) AS other_other,
    sum(pageviews),
    sum(events),
    sum(visits),
    sum(bounces),
    0, 0,
    sum(engaged_pageviews),
    0, 0,
    sum(visitors),
    count(),
    1
FROM closing_cells
WHERE shape IN (1, 2) AND id IN (SELECT id FROM closing_folded)
GROUP BY site, grain, view, other_value, other_other;

-- cells.folding.write_folded_counts: Write how many cells of each pair are folded.
INSERT INTO sealed_cells (
    site, closes_at, day, grain, view, at, value, other, pageviews, events, visits, bounces,
    visit_seconds, engaged_ms, engaged_pageviews, scroll_percent, revenue, visitors, folded, struck
)
SELECT
    site,
    toDateTime({closes_at:UInt32}, 'UTC'),
    any(day),
    grain, view, 0, '(other)', '(other)', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    count(),
    1
FROM closing_cells
WHERE shape = 3 AND grain = 0 AND id IN (SELECT id FROM closing_folded)
GROUP BY site, grain, view;

-- cells.folding.learn_own_paths: Remember paths seen by enough visitors as the site's own, from the
-- next closing day on.
INSERT INTO own_paths
SELECT site, value, toDateTime({closes_at:UInt32}, 'UTC')
FROM closing_cells
WHERE
    view = 10
    AND grain = 0
    AND visitors >= if(site IN (SELECT arrayJoin({standard:Array(UInt32)})), 3, 10);
