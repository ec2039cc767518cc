CREATE TABLE IF NOT EXISTS hits (
    site UInt32,
    closes_at UInt32,
    day UInt16,
    hour UInt32,
    minute UInt32,
    k0 UInt64,
    k1 UInt64,
    counts_visitor UInt8,
    receipt String,
    path LowCardinality(String),
    hostname LowCardinality(String),
    event LowCardinality(String),
    search_query LowCardinality(String),
    currency LowCardinality(String),
    exit_path LowCardinality(String),
    left_path LowCardinality(String),
    entry_path LowCardinality(String),
    referrer LowCardinality(String),
    source LowCardinality(String),
    channel LowCardinality(String),
    utm_source LowCardinality(String),
    utm_medium LowCardinality(String),
    utm_campaign LowCardinality(String),
    utm_term LowCardinality(String),
    utm_content LowCardinality(String),
    country LowCardinality(String),
    region LowCardinality(String),
    city LowCardinality(String),
    browser LowCardinality(String),
    browser_version LowCardinality(String),
    os LowCardinality(String),
    os_version LowCardinality(String),
    device LowCardinality(String),
    screen LowCardinality(String),
    language LowCardinality(String),
    properties Array(String),
    goals Array(String),
    pageviews Int64,
    events Int64,
    visits Int64,
    bounces Int64,
    visit_seconds Int64,
    engaged_ms Int64,
    engaged_pageviews Int64,
    scroll_percent Int64,
    revenue Int64,
    bounce_hour UInt32,
    bounce_minute UInt32
) ENGINE = Null;

CREATE TABLE IF NOT EXISTS open_cells (
    site UInt32,
    closes_at DateTime('UTC'),
    view UInt16,
    grain UInt8,
    at UInt32,
    value String,
    other String,
    day SimpleAggregateFunction(any, Date),
    pageviews SimpleAggregateFunction(sum, Int64),
    events SimpleAggregateFunction(sum, Int64),
    visits SimpleAggregateFunction(sum, Int64),
    bounces SimpleAggregateFunction(sum, Int64),
    visit_seconds SimpleAggregateFunction(sum, Int64),
    engaged_ms SimpleAggregateFunction(sum, Int64),
    engaged_pageviews SimpleAggregateFunction(sum, Int64),
    scroll_percent SimpleAggregateFunction(sum, Int64),
    revenue SimpleAggregateFunction(sum, Int64),
    visitors AggregateFunction(uniqCombined64(17), UInt64)
) ENGINE = AggregatingMergeTree
PARTITION BY closes_at
ORDER BY (site, view, grain, value, other, at)
SETTINGS
    non_replicated_deduplication_window = 1000,
    index_granularity_bytes = 131072,
    old_parts_lifetime = 0,
    cleanup_delay_period = 1,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    min_compressed_bytes_to_fsync_after_merge = 1,
    max_suspicious_broken_parts = 1000000,
    max_suspicious_broken_parts_bytes = 1000000000000;

CREATE TABLE IF NOT EXISTS snapshot_cells (
    site UInt32,
    closes_at DateTime('UTC'),
    view UInt16,
    grain UInt8,
    at UInt32,
    value String,
    other String,
    day SimpleAggregateFunction(any, Date),
    pageviews SimpleAggregateFunction(sum, Int64),
    events SimpleAggregateFunction(sum, Int64),
    visits SimpleAggregateFunction(sum, Int64),
    bounces SimpleAggregateFunction(sum, Int64),
    visit_seconds SimpleAggregateFunction(sum, Int64),
    engaged_ms SimpleAggregateFunction(sum, Int64),
    engaged_pageviews SimpleAggregateFunction(sum, Int64),
    scroll_percent SimpleAggregateFunction(sum, Int64),
    revenue SimpleAggregateFunction(sum, Int64),
    visitors AggregateFunction(uniqCombined64(17), UInt64)
) ENGINE = AggregatingMergeTree
PARTITION BY closes_at
ORDER BY (site, view, grain, value, other, at)
SETTINGS
    max_bytes_to_merge_at_max_space_in_pool = 1,
    max_bytes_to_merge_at_min_space_in_pool = 1,
    index_granularity_bytes = 131072,
    old_parts_lifetime = 0,
    cleanup_delay_period = 1,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    min_compressed_bytes_to_fsync_after_merge = 1,
    max_suspicious_broken_parts = 1000000,
    max_suspicious_broken_parts_bytes = 1000000000000;

CREATE TABLE IF NOT EXISTS sealed_cells (
    site UInt32,
    closes_at DateTime('UTC'),
    day Date,
    grain UInt8,
    view UInt16,
    at UInt32 CODEC(T64, ZSTD(1)),
    value LowCardinality(String) CODEC(ZSTD(1)),
    other LowCardinality(String) CODEC(ZSTD(1)),
    pageviews Int64 CODEC(T64, ZSTD(1)),
    events Int64 CODEC(T64, ZSTD(1)),
    visits Int64 CODEC(T64, ZSTD(1)),
    bounces Int64 CODEC(T64, ZSTD(1)),
    visit_seconds Int64 CODEC(T64, ZSTD(1)),
    engaged_ms Int64 CODEC(T64, ZSTD(1)),
    engaged_pageviews Int64 CODEC(T64, ZSTD(1)),
    scroll_percent Int64 CODEC(T64, ZSTD(1)),
    revenue Int64 CODEC(T64, ZSTD(1)),
    visitors Int64 CODEC(T64, ZSTD(1)),
    folded UInt32 CODEC(T64, ZSTD(1)),
    struck UInt8 CODEC(ZSTD(1))
) ENGINE = MergeTree
PARTITION BY (grain, toYYYYMM(day))
ORDER BY (site, view, cityHash64(value) % 6, other, value, day, at)
SETTINGS
    old_parts_lifetime = 0,
    cleanup_delay_period = 1,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    min_compressed_bytes_to_fsync_after_merge = 1,
    max_suspicious_broken_parts = 1000000,
    max_suspicious_broken_parts_bytes = 1000000000000;

CREATE TABLE IF NOT EXISTS seals (
    closes_at DateTime('UTC'),
    rules String,
    sealed_at DateTime('UTC')
) ENGINE = MergeTree
ORDER BY closes_at
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    min_compressed_bytes_to_fsync_after_merge = 1,
    max_suspicious_broken_parts = 1000000,
    max_suspicious_broken_parts_bytes = 1000000000000;

CREATE TABLE IF NOT EXISTS own_paths (
    site UInt32,
    path String,
    since SimpleAggregateFunction(min, DateTime('UTC'))
) ENGINE = AggregatingMergeTree
ORDER BY (site, path)
SETTINGS
    old_parts_lifetime = 0,
    cleanup_delay_period = 1,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    min_compressed_bytes_to_fsync_after_merge = 1,
    max_suspicious_broken_parts = 1000000,
    max_suspicious_broken_parts_bytes = 1000000000000;

CREATE TABLE IF NOT EXISTS views_begun (
    view UInt16,
    name String,
    began DateTime('UTC')
) ENGINE = ReplacingMergeTree
ORDER BY view
SETTINGS
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    min_compressed_bytes_to_fsync_after_merge = 1,
    max_suspicious_broken_parts = 1000000,
    max_suspicious_broken_parts_bytes = 1000000000000;

CREATE TABLE IF NOT EXISTS suppressed (
    day Date,
    reason LowCardinality(String),
    site UInt32,
    collector LowCardinality(String),
    count Int64
) ENGINE = ReplacingMergeTree(count)
ORDER BY (day, reason, site, collector)
SETTINGS
    old_parts_lifetime = 0,
    cleanup_delay_period = 1,
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    min_compressed_bytes_to_fsync_after_merge = 1,
    max_suspicious_broken_parts = 1000000,
    max_suspicious_broken_parts_bytes = 1000000000000;

CREATE TABLE IF NOT EXISTS closing_cells (
    site UInt32,
    view UInt16,
    grain UInt8,
    at UInt32,
    value String,
    other String,
    day Date,
    pageviews Int64,
    events Int64,
    visits Int64,
    bounces Int64,
    visit_seconds Int64,
    engaged_ms Int64,
    engaged_pageviews Int64,
    scroll_percent Int64,
    revenue Int64,
    visitors Int64,
    weight Int64,
    shape UInt8,
    id UInt64,
    row UInt64,
    col UInt64,
    parent_id UInt64,
    col_parent_id UInt64,
    small UInt8,
    few_visitors UInt8
) ENGINE = Memory;

CREATE TABLE IF NOT EXISTS closing_known (site UInt32, view UInt16, value String) ENGINE = Memory;

CREATE TABLE IF NOT EXISTS closing_folded (id UInt64, row UInt64, col UInt64) ENGINE = Memory;

CREATE TABLE IF NOT EXISTS closing_suppressed (id UInt64, row UInt64, col UInt64) ENGINE = Memory;

CREATE TABLE IF NOT EXISTS closing_averaged (id UInt64, row UInt64, col UInt64) ENGINE = Memory;
