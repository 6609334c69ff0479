-- One row per date, evidence and upstream table: what held on clean dates and does not here, by a
-- profile learned from $clean_count of them, $first_clean to $last_clean. `strength` is how many times
-- the limit is reached; `measured` and `usual` are those of the first feature. For provenance,
-- `measured` is in hours, or a share of the rows, and `usual` is NULL.
-- A date is compared with the clean dates before it: those of the profile, and later ones that are as
-- usual by the profile's alone. Learn the profile again and print this again from time to time.
-- Only `fsq check` sees how entities move from date to date, how features explain each other, parts
-- of a date, values that are too common, leaks, and shifted timestamps.
WITH
-- What the profile says of each feature; NULL where it does not judge.
learned AS (
  $learned
),
scored AS (
  SELECT
    t.$date AS day,
    $record AS record,
    $carried$default_as_of AS default_as_of,
    $computed AS computed,
    t.`upstream_data_freshness_hours` AS oldest_age,
    t.`feature_store_age_hours` AS row_age,
    (SELECT MIN(UNIX_MICROS(d.`last_updated`)) / 3.6e9 FROM UNNEST(t.`feature_quality_detail`) AS d)
      AS oldest,
    t.`feature_quality_detail` AS detail
  FROM $table AS t
  WHERE t.$date BETWEEN $since AND $end$partition_filter
    AND ARRAY_LENGTH(t.`feature_quality_detail`) = $width$only_history
),
rows_per_date AS (
  SELECT day, COUNT(*) AS `rows` FROM scored GROUP BY day
),
-- Dates after a break cannot be compared with those before it for as long as it lasted.
known_dates AS (
  SELECT day FROM rows_per_date
  UNION DISTINCT SELECT day FROM UNNEST($clean_dates) AS day
  UNION DISTINCT SELECT day FROM UNNEST($other_dates) AS day
),
gaps AS (
  SELECT day, DATE_DIFF(day, LAG(day) OVER (ORDER BY day), DAY) AS gap FROM known_dates
),
settled_dates AS (
  SELECT
    day,
    day IN UNNEST($clean_dates) AS learned_from,
    day NOT IN UNNEST($clean_dates) AND day NOT IN UNNEST($other_dates) AS is_new,
    day >= GREATEST($settled_from, IFNULL(
      MAX(IF(gap >= $short_break, DATE_ADD(day, INTERVAL LEAST(gap, $longest_break) DAY), NULL))
        OVER (ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW),
      $settled_from
    )) AS calm
  FROM gaps
),
-- One row per record and feature. What is a default, or NaN, is no value.
cells AS (
  SELECT
    t.day,
    t.record,
    l.feature_index,
    l.upstream_table,
    l.usually_there,
    d.`is_default` AS is_default,
    IF(d.`is_default` OR IS_NAN(d.`feature_value`), NULL, d.`feature_value`) AS value,
    IF(IS_NAN(d.`feature_value`), NULL, d.`feature_value`) AS held,
    d.`expected_value` AS expected,
    d.`quality_score` AS score,
    UNIX_MICROS(d.`last_updated`) / 3.6e9 AS stamp,
    $cell_groups$cell_twins
  FROM scored AS t
  CROSS JOIN UNNEST(t.detail) AS d
  JOIN learned AS l ON l.feature_index = d.`feature_index`
),
$side_tables-- Which values differ from the middle value of their group.
compared_cells AS (
  SELECT
    c.*,
    MIN(IF(c.is_default OR NOT c.usually_there, 1, 0)) OVER (
      PARTITION BY c.day, c.record, c.upstream_table
    ) = 1 AS table_absent,
    IF(c.group_1 IS NULL, NULL, COUNT(*) OVER (PARTITION BY c.day, c.feature_index, c.group_1))
      AS rows_1,
    COUNT(c.value) OVER (PARTITION BY c.day, c.feature_index, c.group_1) AS size_1,
    PERCENTILE_DISC(c.value, 0.5) OVER (PARTITION BY c.day, c.feature_index, c.group_1) AS middle_1,
    IF(c.group_2 IS NULL, NULL, COUNT(*) OVER (PARTITION BY c.day, c.feature_index, c.group_2))
      AS rows_2,
    COUNT(c.value) OVER (PARTITION BY c.day, c.feature_index, c.group_2) AS size_2,
    PERCENTILE_DISC(c.value, 0.5) OVER (PARTITION BY c.day, c.feature_index, c.group_2) AS middle_2
  FROM cells AS c
),
judged_cells AS (
  SELECT
    c.*,
    IFNULL(c.group_1 IS NOT NULL AND c.size_1 >= 2, FALSE) AND c.value IS NOT NULL AS grouped_1,
    IFNULL(c.group_2 IS NOT NULL AND c.size_2 >= 2, FALSE) AND c.value IS NOT NULL AS grouped_2,
    ABS(c.value - c.middle_1) > $tolerance * (1 + ABS(c.middle_1)) AS off_1,
    ABS(c.value - c.middle_2) > $tolerance * (1 + ABS(c.middle_2)) AS off_2,
    c.twinned$sided AS mirrored,
    c.untwinned$contradicting AS contradicts
  FROM compared_cells AS c$side_joins
),
daily AS (
  SELECT
    c.day,
    c.feature_index,
    COUNT(*) AS `rows`,
    COUNT(c.value) AS known,
    -- What is one value per group counts once per group: so many of one size say as much.
    POW(COUNT(c.rows_1), 2) / NULLIF(SUM(c.rows_1), 0) AS groups_1,
    POW(COUNT(c.rows_2), 2) / NULLIF(SUM(c.rows_2), 0) AS groups_2,
    COUNT(DISTINCT IF(c.value IS NULL, NULL, c.group_1)) AS valued_1,
    COUNT(DISTINCT IF(c.value IS NULL, NULL, c.group_2)) AS valued_2,
    AVG(c.value) AS mean,
    STDDEV_SAMP(c.value) AS deviation,
    COUNTIF(c.is_default) AS absent,
    COUNTIF(c.value = 0) AS zero,
    COUNTIF(c.table_absent AND c.usually_there) AS table_absent,
    COUNTIF(c.grouped_1 OR c.grouped_2) AS grouped,
    COUNTIF((c.grouped_1 AND c.off_1) OR (c.grouped_2 AND c.off_2)) AS disagreeing,
    COUNTIF(c.mirrored) AS mirrored,
    COUNTIF(c.mirrored AND c.contradicts) AS contradicting
  FROM judged_cells AS c
  GROUP BY c.day, c.feature_index
),
measures AS (
  SELECT
    d.day,
    d.feature_index,
    l.feature_name,
    l.upstream_table,
    s.calm,
    s.is_new,
    s.learned_from,
    s.learned_from AS usable,
    CAST(NULL AS FLOAT64) AS usual,
    e.*
  FROM daily AS d
  JOIN learned AS l ON l.feature_index = d.feature_index
  JOIN settled_dates AS s ON s.day = d.day
  CROSS JOIN UNNEST([
    $measures
  ]) AS e
  WHERE e.scale IS NOT NULL AND e.measured IS NOT NULL AND e.counted > 0
),
$first_pass,
-- A later date is history for a feature unless the profile's dates alone call it an alarm.
later_history AS (
  SELECT
    * EXCEPT (strength),
    learned_from OR (is_new AND MAX(IF(strength > 1, 1, 0)) OVER (PARTITION BY day, feature_index) = 0)
      AS usable
  FROM first_judged
),
$second_pass,
-- Stamps and labels, per record and table.
record_tables AS (
  SELECT
    day,
    record,
    upstream_table,
    MAX(stamp) AS stamp,
    MIN(IF(held IS NULL OR $unlabelled, 1, 0)) AS bare,
    MAX(IF($unlabelled, 1, 0)) AS unlabelled,
    MAX(IF(is_default AND held != expected, 1, 0)) AS other
  FROM cells
  GROUP BY day, record, upstream_table
),
record_moments AS (
  SELECT
    day,
    record,
    IF(oldest_age > 0 AND oldest IS NOT NULL, oldest + oldest_age, default_as_of) AS as_of,
    computed,
    row_age
  FROM scored
),
provenance AS (
  SELECT
    r.*,
    r.stamp - m.as_of AS after_as_of,
    r.stamp - IFNULL(m.computed, IF(m.row_age > 0, m.as_of - m.row_age, NULL)) AS after_row,
    MIN(r.bare) OVER (PARTITION BY r.day, r.record) = 1
      AND MAX(r.unlabelled) OVER (PARTITION BY r.day, r.record) = 1 AS whole,
    MAX(r.other) OVER (PARTITION BY r.day, r.record) AS any_other
  FROM record_tables AS r
  JOIN record_moments AS m ON m.day = r.day AND m.record = r.record
),
provenance_by_table AS (
  SELECT
    day,
    upstream_table,
    COUNT(*) AS `rows`,
    COUNTIF(after_as_of >= $late_hours_yellow) AS future,
    COUNTIF(after_row >= $late_hours_yellow AND IFNULL(after_as_of < $late_hours_yellow, TRUE)) AS early,
    MAX(after_as_of) AS future_hours,
    MAX(IF(IFNULL(after_as_of < $late_hours_yellow, TRUE), after_row, NULL)) AS early_hours,
    COUNTIF(bare = 1 AND unlabelled = 1 AND NOT whole) AS bare,
    COUNTIF(bare = 1 AND unlabelled = 1 AND NOT whole AND other = 1) AS bare_other,
    COUNTIF(whole) AS whole,
    COUNTIF(whole AND any_other = 1) AS whole_other
  FROM provenance
  GROUP BY day, upstream_table
),
table_features AS (
  SELECT upstream_table, ARRAY_AGG(feature_name ORDER BY feature_index) AS features
  FROM learned GROUP BY upstream_table
),
all_evidence AS (
  SELECT
    day,
    evidence,
    upstream_table,
    ARRAY_AGG(feature_name ORDER BY strength DESC, feature_index) AS features,
    MAX(strength) AS strength,
    ARRAY_AGG(measured ORDER BY strength DESC, feature_index LIMIT 1)[OFFSET(0)] AS measured,
    ARRAY_AGG(usual ORDER BY strength DESC, feature_index LIMIT 1)[OFFSET(0)] AS usual,
    MAX(hits) AS rows_affected
  FROM second_judged
  WHERE strength > 1
  GROUP BY day, evidence, upstream_table
  UNION ALL
  SELECT
    p.day,
    e.evidence,
    p.upstream_table,
    l.features,
    CAST(NULL AS FLOAT64) AS strength,
    e.measured,
    CAST(NULL AS FLOAT64) AS usual,
    e.hits AS rows_affected
  FROM provenance_by_table AS p
  JOIN table_features AS l ON l.upstream_table = p.upstream_table
  CROSS JOIN UNNEST([
    STRUCT(
      'row_before_upstream' AS evidence,
      p.early >= GREATEST(1, $late_share * p.`rows`) AS holds,
      p.early_hours AS measured,
      p.early AS hits
    ),
    STRUCT(
      'updated_after_as_of' AS evidence,
      p.future >= GREATEST(1, $late_share * p.`rows`) AS holds,
      p.future_hours AS measured,
      p.future AS hits
    ),
    STRUCT(
      'sources_absent' AS evidence,
      (p.bare >= GREATEST(1, $unlabelled_share * p.`rows`)
        AND p.bare_other >= $contradiction_share * p.bare)
        OR (p.whole >= GREATEST(1, $unlabelled_share * p.`rows`)
        AND p.whole_other >= $contradiction_share * p.whole) AS holds,
      (p.bare + p.whole) / p.`rows` AS measured,
      p.bare + p.whole AS hits
    )
  ]) AS e
  WHERE e.holds
)
SELECT
  e.day AS $date,
  e.evidence,
  e.upstream_table,
  e.features,
  e.strength,
  e.measured,
  e.usual,
  e.rows_affected,
  r.`rows`
FROM all_evidence AS e
JOIN rows_per_date AS r ON r.day = e.day
WHERE e.day >= $start
ORDER BY e.day, e.evidence, e.upstream_table
