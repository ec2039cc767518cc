-- cells.fan_out.statement: Create the materialized view, with its fingerprint as the comment.
CREATE MATERIALIZED VIEW IF NOT EXISTS fan_out TO open_cells AS
SELECT
    site,
    toDateTime(closes_at, 'UTC') AS closes_at,
    toUInt16(bitShiftRight(cell, 48)) AS view,
    toUInt8(bitShiftRight(cell, 40)) AS grain,
    toUInt32(cell) AS at,
    value, other,
    toDate(any(hits.day)) AS day,
    if(NOT (bitAnd(cell, 481036337152) != 0), sum(hits.pageviews), 0) AS pageviews,
    if(NOT (bitAnd(cell, 481036337152) != 0), sum(hits.events), 0) AS events,
    if(NOT (bitAnd(cell, 481036337152) != 0), sum(hits.engaged_ms), 0) AS engaged_ms,
    if(NOT (bitAnd(cell, 481036337152) != 0), sum(hits.engaged_pageviews), 0) AS engaged_pageviews,
    if(NOT (bitAnd(cell, 481036337152) != 0), sum(hits.scroll_percent), 0) AS scroll_percent,
    if(NOT (bitAnd(cell, 481036337152) != 0), sum(hits.revenue), 0) AS revenue,
    multiIf(
        (bitAnd(cell, 17179869184) != 0), sum(hits.visits),
        (bitAnd(cell, 68719476736) != 0), toInt64(count()),
        (bitAnd(cell, 137438953472) != 0), -toInt64(count()),
        0
    ) AS visits,
    multiIf(
        (bitAnd(cell, 34359738368) != 0), sum(hits.bounces * (bounce_minute = 0)),
        (bitAnd(cell, 292057776128) != 0), sum(hits.bounces),
        0
    ) AS bounces,
    if((bitAnd(cell, 17179869184) != 0), sum(hits.visit_seconds), 0) AS visit_seconds,
    uniqCombined64StateIf(17)(
        sipHash64Keyed(
            (k0, k1),
            concat(value, '\0', other, reinterpretAsFixedString(bitAnd(cell, 18446742978492891135)))
        ),
        counts_visitor = 1 AND NOT (bitAnd(cell, 481036337152) != 0)
    ) AS visitors
FROM hits
ARRAY JOIN
    arrayConcat(
        arrayConcat(
            CAST(
                [
                    281492156579840, 2814754062073856, 3096229038784512, 3377704015495168,
                    3940653968916480, 4222146125496320, 4503672641814528, 4503741361291264,
                    4785096078917632, 5066571055628288, 5348046032338944, 5629521009049600,
                    5910995985760256, 6192470962470912, 6473945939181568, 6755420915892224,
                    7036895892602880, 7318370869313536, 7599845846024192, 7881320822734848,
                    8162795799445504, 8444270776156160, 8725745752866816, 9007220729577472,
                    9288695706288128, 9570170682998784, 10133112046485504, 28147510555967488,
                    28428985532678144, 28710460509388800, 28991935486099456, 29273410462810112,
                    29554902619389952, 29836377596100608, 30117852572811264, 30399310369652736,
                    30680802526232576, 30962277502943232, 31243735299784704, 31525227456364544,
                    31806685253206016, 32088160229916672, 32369635206627328, 32651110183337984,
                    32932585160048640, 33214060136759296, 33495552293339136, 33777027270049792,
                    34058502246760448, 34339977223471104, 34621452200181760, 34902927176892416,
                    35184402153603072, 35465877130313728, 35747352107024384, 36028827083735040,
                    36310302060445696, 36591777037156352, 36873252013867008, 37154726990577664,
                    37436201967288320, 37717676943998976, 37999134740840448, 38280609717551104,
                    38562084694261760, 38843559670972416
                ],
                'Array(UInt64)'
            ),
            arrayMap(
                number -> number + hour,
                CAST(
                    [
                        282626027945984, 2815853573701632, 3378803527122944, 4223279996862464,
                        4786229950283776, 5349179903705088, 6193604833837056, 7038029763969024,
                        7882454694100992, 8445404647522304, 9008354600943616
                    ],
                    'Array(UInt64)'
                )
            ),
            arrayMap(number -> number + minute, CAST([283725539573760], 'Array(UInt64)'))
        ),
        arrayFlatten(arrayMap(one -> CAST([3659187582140416], 'Array(UInt64)'), properties)),
        arrayFlatten(
            arrayMap(
                one -> CAST(
                    [
                        9851628479840256, 39125034647683072, 39406509624393728, 39687984601104384,
                        39969459577815040, 40250934554525696, 40532409531236352, 40813884507947008,
                        41095359484657664, 41376834461368320
                    ],
                    'Array(UInt64)'
                ),
                goals
            )
        ),
        if(
            bounce_minute = 0,
            [],
            arrayConcat(
                arrayMap(
                    number -> number + bounce_hour,
                    CAST(
                        [
                            282849366245376, 4223503335161856, 4786453288583168, 5349403242004480,
                            6193828172136448, 7038253102268416, 7882678032400384, 8445627985821696,
                            9008577939243008
                        ],
                        'Array(UInt64)'
                    )
                ),
                arrayMap(number -> number + bounce_minute, CAST([283948877873152], 'Array(UInt64)'))
            )
        ),
        if(receipt = '', [], CAST([4294967296], 'Array(UInt64)'))
    ) AS cell,
    arrayConcat(
        [
            '', path, hostname, event, search_query, entry_path, exit_path, left_path, source,
            referrer, channel, utm_source, utm_medium, utm_campaign, utm_term, utm_content, country,
            region, city, browser, browser_version, os, os_version, device, screen, language, event,
            path, path, path, path, path, source, source, source, event, channel, channel, event,
            country, event, event, path, path, path, path, source, source, source, source, channel,
            channel, channel, channel, country, country, country, country, device, device, device,
            device, event, event, event, event, '', path, event, entry_path, source, channel,
            utm_campaign, country, browser, os, device, ''
        ],
        arrayFlatten(arrayMap(one -> [event], properties)),
        arrayFlatten(arrayMap(one -> [one, one, one, one, one, one, one, one, one, one], goals)),
        if(
            bounce_minute = 0,
            [],
            ['', entry_path, source, channel, utm_campaign, country, browser, os, device, '']
        ),
        if(receipt = '', [], [receipt])
    ) AS value,
    arrayConcat(
        [
            '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '', '',
            '', '', '', '', currency, source, channel, country, device, event, channel, country,
            device, source, country, device, channel, device, country, device, entry_path,
            utm_campaign, browser, os, entry_path, utm_campaign, browser, os, entry_path,
            utm_campaign, browser, os, entry_path, utm_campaign, browser, os, entry_path,
            utm_campaign, browser, os, entry_path, utm_campaign, browser, os, '', '', '', '', '',
            '', '', '', '', '', '', ''
        ],
        arrayFlatten(arrayMap(one -> [one], properties)),
        arrayFlatten(
            arrayMap(
                one -> [
                    '', source, channel, country, device, path, entry_path, utm_campaign, browser,
                    os
                ],
                goals
            )
        ),
        if(bounce_minute = 0, [], ['', '', '', '', '', '', '', '', '', '']),
        if(receipt = '', [], [''])
    ) AS other
WHERE
    (value != '' OR NOT (bitAnd(cell, 4294967296) != 0) AND receipt = '')
    AND (other != '' OR NOT (bitAnd(cell, 8589934592) != 0))
GROUP BY site, closes_at, cell, value, other
COMMENT '682e98b1640beab3';
