WITH
-- What the contract says about each feature.
contract AS (
  $contract_features
),
-- The scored rows of the dates, and of the earlier dates to compare with.
scored AS (
  SELECT
    t.$date AS day,
    $record AS record,
    $group_read$category_read,
    t.`feature_quality_score`,
    t.`quality_alert_level`,
    t.`is_production_ready`,
    t.`is_training_ready`,
    t.`upstream_processors_ran`,
    t.`missing_processors`,
    t.`upstream_data_freshness_hours`,
    t.`feature_quality_detail`
  FROM $table AS t
  WHERE t.$date BETWEEN $since AND $end$partition_filter
    AND ARRAY_LENGTH(t.`feature_quality_detail`) = $width$only_history
),
feature_rows AS (
  SELECT
    t.day,
    t.record,
    t.`upstream_data_freshness_hours`,
    c.feature_index,
    c.upstream_table,
    c.stale_hours,
    c.very_stale_hours,
    d.`is_default`,
    d.`feature_value`,
    d.`expected_value`,
    d.`value_range_valid`,
    d.`sample_size`,
    d.`last_updated`
  FROM scored AS t
  CROSS JOIN UNNEST(t.`feature_quality_detail`) AS d
  JOIN contract AS c ON c.feature_index = d.`feature_index`
),
-- A record's largest age belongs to its oldest timestamp; the other ages follow from it.
feature_facts AS (
  SELECT
    *,
    MIN(IF(is_default, 1, 0)) OVER (PARTITION BY day, record, upstream_table) = 1
      AS all_of_table_default,
    COUNT(*) OVER (
      PARTITION BY day, feature_index, is_default, CAST(feature_value + 0 AS STRING)
    ) AS same_value_rows,
    PERCENTILE_CONT(sample_size, 0.5) OVER (PARTITION BY day, feature_index) AS median_sample,
    upstream_data_freshness_hours - TIMESTAMP_DIFF(
      last_updated, MIN(last_updated) OVER (PARTITION BY day, record), MICROSECOND
    ) / 3.6e9 AS age_hours
  FROM feature_rows
),
-- From here on, one row per date and feature.
daily_counts AS (
  SELECT
    day,
    feature_index,
    COUNT(*) AS `rows`,
    COUNTIF(is_default) AS default_rows,
    COUNTIF(all_of_table_default) AS table_default_rows,
    COUNTIF(is_default AND sample_size = 0) AS empty_rows,
    COUNTIF(NOT is_default) AS trusted_rows,
    COUNTIF(NOT is_default AND feature_value = expected_value) AS expected_rows,
    COUNTIF(feature_value IS NOT NULL) AS value_rows,
    COUNTIF(NOT value_range_valid) AS violation_rows,
    COUNTIF(age_hours IS NOT NULL) AS aged_rows,
    COUNTIF(age_hours > stale_hours) AS stale_rows,
    COUNTIF(age_hours > very_stale_hours) AS very_stale_rows,
    COUNT(DISTINCT IF(is_default, NULL, feature_value)) AS distinct_values,
    MAX(IF(is_default, 0, same_value_rows)) AS most_common_rows,
    STDDEV_SAMP(IF(is_default, NULL, feature_value)) AS std,
    ANY_VALUE(median_sample) AS median_sample,
    ARRAY_AGG(IF(is_default, record, NULL) IGNORE NULLS) AS default_records
  FROM feature_facts
  GROUP BY day, feature_index
),
daily_groups AS (
  SELECT t.day, IFNULL($groups, 0) AS group_count FROM scored AS t GROUP BY t.day
),
daily_features AS (
  SELECT
    f.*,
    c.* EXCEPT (feature_index),
    MAX(IF(c.window_size IS NOT NULL, f.median_sample, NULL)) OVER (PARTITION BY f.day)
      AS date_sample,
    MAX(IF(f.median_sample IS NOT NULL, c.window_size, NULL)) OVER (PARTITION BY f.day)
      AS date_size,
    LAG(f.day) OVER (PARTITION BY f.feature_index ORDER BY f.day) AS date_before,
    g.group_count
  FROM daily_counts AS f
  JOIN contract AS c ON c.feature_index = f.feature_index
  JOIN daily_groups AS g ON g.day = f.day
),
-- A date is warm if its windows hold as many members as the contract asks for, or as they can.
warm_features AS (
  SELECT *, IFNULL(date_sample >= LEAST($warmup_games, date_size), FALSE) AS warm
  FROM daily_features
),
features_with_history AS (
  SELECT
    *,
    ARRAY_AGG(STRUCT(day AS day, median_sample AS median_sample, warm AS warm))
      OVER ($before) AS earlier
  FROM warm_features
),
-- Are there enough earlier dates to compare with? Are windows still filling in a new season?
season_state AS (
  SELECT
    r.* EXCEPT (earlier),
    (SELECT COUNT(*) FROM UNNEST(r.earlier) AS e WHERE $recent) >= $history_min_days AS has_history,
    r.date_sample IS NOT NULL AND NOT r.warm AND NOT EXISTS (
      SELECT 1 FROM UNNEST(r.earlier) AS e WHERE $recent AND e.warm
    ) AS warming_up,
    $usual_median_sample AS usual_sample
  FROM features_with_history AS r
),
-- While a window without a fixed size is empty, a default is expected.
excused_counts AS (
  SELECT
    *,
    IF(
      open_ended AND IF(has_history, IFNULL(usual_sample, 0), 0) < $warmup_games, empty_rows, 0
    ) AS excused_rows
  FROM season_state
),
feature_shares AS (
  SELECT
    *,
    IFNULL(SAFE_DIVIDE(default_rows - excused_rows, `rows` - excused_rows), 0) AS default_share,
    expected_rows / GREATEST(trusted_rows, 1) AS expected_share,
    violation_rows / GREATEST(value_rows, 1) AS violation_share,
    most_common_rows / GREATEST(trusted_rows, 1) AS most_common_share
  FROM excused_counts
),
shares_with_history AS (
  SELECT
    *,
    ARRAY_AGG(STRUCT(
      day AS day, default_share AS default_share, expected_share AS expected_share,
      CAST(distinct_values AS FLOAT64) AS distinct_values, group_count AS group_count,
      IF(trusted_rows > 0, most_common_share, NULL) AS most_common_share
    )) OVER ($before) AS earlier
  FROM feature_shares
),
compared_shares AS (
  SELECT
    r.* EXCEPT (earlier),
    IF(r.has_history, $usual_default_share, NULL) AS usual_default_share,
    IF(r.has_history, $usual_expected_share, NULL) AS usual_expected_share,
    IF(r.has_history, $usual_distinct_values, NULL) AS usual_distinct_values,
    IF(r.has_history, $usual_most_common_share, NULL) AS usual_most_common_share,
    -- Rows of a group may share a value: as many are possible as the most that earlier dates have
    -- for as many groups, and at least one for each. Infinite where nothing tells.
    IF(
      r.has_history AND r.group_count > 0
        AND (SELECT MIN(e.group_count) FROM UNNEST(r.earlier) AS e WHERE $recent) > 0,
      GREATEST(1, (
        SELECT MAX(SAFE_DIVIDE(e.distinct_values, e.group_count))
        FROM UNNEST(r.earlier) AS e WHERE $recent
      )) * r.group_count,
      CAST('inf' AS FLOAT64)
    ) AS possible_values
  FROM shares_with_history AS r
),
-- The dates, and the jobs that ran according to the rows.
dates AS (
  SELECT
    t.day,
    COUNT(*) AS `rows`,
    $groups AS group_count,
    AVG(t.`feature_quality_score`) AS quality,
    $category_means,
    COUNTIF(t.`quality_alert_level` = 'green') AS green,
    COUNTIF(t.`quality_alert_level` = 'yellow') AS yellow,
    COUNTIF(t.`quality_alert_level` = 'red') AS red,
    COUNTIF(t.`is_production_ready`) AS production_ready,
    COUNTIF(t.`is_training_ready`) AS training_ready,
    $optional_counts    COUNTIF(t.`upstream_processors_ran` IS NOT NULL) > 0 AS run_known,
    STRING_AGG(DISTINCT t.`upstream_processors_ran`, ',') AS ran,
    STRING_AGG(DISTINCT t.`missing_processors`, ',') AS missing
  FROM scored AS t
  GROUP BY t.day
),
-- The absence of a job counts only if the job is expected on every date.
features_by_run AS (
  SELECT
    f.*,
    f.table_default_rows >= $table_default_share * f.`rows` AS table_empty,
    CASE
      WHEN f.processor IS NULL OR NOT d.run_known THEN NULL
      WHEN f.processor IN UNNEST(SPLIT(d.ran, ',')) THEN TRUE
      WHEN f.processor_expected THEN FALSE
    END AS ran
  FROM compared_shares AS f
  JOIN dates AS d ON d.day = f.day
)
