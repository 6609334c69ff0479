,
-- What each feature shows on each date; NULL if it is fine.
feature_checks AS (
  SELECT
    *,
    `rows` >= $min_rows AND trusted_rows >= $min_rows AS enough_values,
    default_share - usual_default_share AS default_rise,
    expected_share - IF(has_history, usual_expected_share, 0) AS expected_rise,
    min_std IS NOT NULL OR IFNULL(min_distinct, 0) > 1 AS has_floor,
    IFNULL(DATE_DIFF(day, date_before, DAY) >= $break_days, FALSE) AS after_break
  FROM features_by_run
),
stuck_checks AS (
  SELECT
    *,
    CASE
      WHEN NOT has_floor THEN
        min_distinct IS NULL
        AND distinct_values = 1
        AND IFNULL(usual_distinct_values >= $history_days, FALSE)
      -- Few groups have few values, which may be near each other by chance.
      WHEN possible_values < $enough_values * IFNULL(NULLIF(min_distinct, 0), 1)
        THEN distinct_values = 1 AND possible_values >= $few_values
      WHEN most_common_share >= $stuck_share THEN TRUE
      WHEN warming_up THEN FALSE
      ELSE IFNULL(std < min_std, FALSE)
        OR distinct_values < LEAST(IFNULL(min_distinct, 0), FLOOR(trusted_rows / $rows_per_value))
    END AS is_stuck,
    most_common_share >= $stuck_red_share
      OR std < $stuck_red_std * IFNULL(min_std, 0) AS lacks_variation
  FROM feature_checks
),
feature_findings AS (
  SELECT
    f.*,
    s.*
  FROM (
    SELECT
      *,
      CASE
        WHEN table_optional THEN NULL
        WHEN table_empty AND warming_up AND ran IS NOT FALSE THEN 'season_start'
        WHEN table_empty AND ran THEN 'processor_wrote_nothing'
        WHEN table_empty AND NOT ran THEN 'processor_did_not_run'
        WHEN table_empty THEN 'upstream_table_missing'
        WHEN optional THEN NULL
        WHEN default_share >= $table_default_share AND warming_up THEN 'season_start'
        WHEN default_share >= $table_default_share THEN 'feature_missing'
        WHEN NOT warming_up AND default_rise >= $default_rise_yellow AND `rows` >= $min_rows THEN 'default_rise'
      END AS upstream_kind,
      CASE
        WHEN NOT enough_values THEN NULL
        WHEN suspicious AND expected_share >= $stuck_share THEN 'silent_default'
        WHEN is_stuck THEN 'stuck_constant'
        WHEN (suspicious OR (has_floor AND has_history))
          AND expected_share >= IF(suspicious, $silent_share, $silent_share_unmarked)
          AND NOT warming_up
          AND expected_rise >= $silent_rise THEN 'silent_default'
      END AS value_kind
    FROM stuck_checks
  ) AS f
  CROSS JOIN UNNEST([
    STRUCT(
      f.upstream_kind AS kind,
      CASE
        WHEN f.upstream_kind = 'season_start' THEN 'yellow'
        WHEN f.upstream_kind = 'default_rise' AND f.default_rise < $default_rise_red THEN 'yellow'
        ELSE 'red'
      END AS severity,
      IF(f.upstream_kind = 'season_start', '', f.upstream_table) AS subject,
      '' AS subgroup,
      CASE
        WHEN f.upstream_kind = 'season_start' THEN f.`rows`
        WHEN f.table_empty THEN f.table_default_rows
        ELSE f.default_rows
      END AS affected_rows,
      CAST(NULL AS FLOAT64) AS share
    ),
    STRUCT(
      IF(f.ran IS FALSE AND NOT f.table_empty AND NOT f.table_optional,
        'run_context_disagrees', NULL) AS kind,
      'yellow' AS severity, f.upstream_table AS subject, '' AS subgroup, 0 AS affected_rows,
      CAST(NULL AS FLOAT64) AS share
    ),
    STRUCT(
      f.value_kind AS kind,
      CASE
        WHEN f.value_kind = 'silent_default' AND f.suspicious AND f.expected_share >= $stuck_share
          THEN 'red'
        WHEN f.value_kind = 'stuck_constant' AND f.lacks_variation AND NOT f.after_break THEN 'red'
        ELSE 'yellow'
      END AS severity,
      f.feature_name AS subject,
      '' AS subgroup,
      IF(
        f.value_kind = 'stuck_constant' OR f.expected_share >= $stuck_share,
        f.most_common_rows,
        CAST(ROUND(f.expected_share * f.trusted_rows) AS INT64)
      ) AS affected_rows,
      CAST(NULL AS FLOAT64) AS share
    ),
    STRUCT(
      IF(f.aged_rows > 0 AND f.stale_rows >= $stale_share * f.aged_rows, 'stale_data', NULL)
        AS kind,
      IF(f.very_stale_rows >= $stale_share * f.aged_rows, 'red', 'yellow') AS severity,
      f.upstream_table AS subject,
      IF(f.very_stale_rows >= $stale_share * f.aged_rows, 'red', 'yellow') AS subgroup,
      f.stale_rows AS affected_rows,
      CAST(NULL AS FLOAT64) AS share
    ),
    STRUCT(
      IF(f.`rows` >= $min_rows AND f.violation_share >= $violation_share_yellow,
        'range_violation', NULL) AS kind,
      IF(f.violation_share >= $violation_share_red, 'red', 'yellow') AS severity,
      f.upstream_table AS subject,
      '' AS subgroup,
      f.violation_rows AS affected_rows,
      f.violation_share AS share
    )
  ]) AS s
),
-- Features with the same kind and cause on one date form one finding. The group without a finding
-- (kind is NULL) stays until the next step, so that no date is lost.
grouped_findings AS (
  SELECT
    day,
    kind,
    subject,
    LOGICAL_OR(warming_up) AS warming_up,
    LOGICAL_OR(has_history) AS has_history,
    IF(LOGICAL_OR(severity = 'red'), 'red', 'yellow') AS severity,
    IF(subject = '', NULL, ANY_VALUE(upstream_table)) AS upstream_table,
    IF(subject = '', NULL, ANY_VALUE(processor)) AS processor,
    ARRAY_AGG(feature_name ORDER BY feature_index) AS features,
    ARRAY_AGG(affected_rows ORDER BY IFNULL(share, affected_rows) DESC, feature_index LIMIT 1)[OFFSET(0)]
      AS affected_rows,
    COUNT(*) = ANY_VALUE(table_width) AND COUNT(*) > 1 AS whole_table,
    ANY_VALUE(table_default_rows) AS table_default_rows,
    ARRAY_CONCAT_AGG(IF(kind = 'default_rise', default_records, NULL)) AS records
  FROM feature_findings
  GROUP BY day, kind, subject, subgroup
),
findings_with_records AS (
  SELECT
    g.* EXCEPT (records),
    (SELECT COUNT(DISTINCT r) FROM UNNEST(g.records) AS r) AS records
  FROM grouped_findings AS g
),
findings_by_date AS (
  SELECT
    day,
    LOGICAL_OR(warming_up) AS warming_up,
    LOGICAL_OR(has_history) AS has_history,
    ARRAY_AGG(
      IF(kind IS NULL, NULL, STRUCT(
        CASE
          WHEN kind != 'default_rise' THEN kind
          WHEN whole_table THEN 'processor_wrote_part'
          ELSE 'default_rate_shift'
        END AS kind,
        severity AS severity,
        subject AS subject,
        upstream_table AS upstream_table,
        processor AS processor,
        features AS features,
        CASE
          WHEN kind != 'default_rise' THEN affected_rows
          WHEN whole_table THEN table_default_rows
          ELSE records
        END AS rows_affected
      ))
      IGNORE NULLS
    ) AS findings
  FROM findings_with_records
  GROUP BY day
),
-- A date is calm unless a break precedes it by less than its own length, or a season starts: then
-- more and more records have optional values.
break_lengths AS (
  SELECT
    f.day,
    DATE_DIFF(f.day, DATE '1970-01-01', DAY) AS number,
    LAG(DATE_DIFF(f.day, DATE '1970-01-01', DAY)) OVER (ORDER BY f.day) AS number_before,
    LOGICAL_OR(f.warming_up) AS starts,
    AVG(f.default_share) AS absent$optional_risen
  FROM features_by_run AS f
  GROUP BY f.day
),
break_ends AS (
  SELECT
    *,
    CASE
      WHEN number_before IS NULL
        THEN IF(
          starts OR absent > PERCENTILE_CONT(absent, 0.5) OVER () + $more_absent,
          number + $longest_break, NULL
        )
      WHEN number - number_before >= $short_break
        THEN number + LEAST(number - number_before, $longest_break)
    END AS break_end
  FROM break_lengths
),
calm_dates AS (
  SELECT *, IFNULL(number >= MAX(break_end) OVER (ORDER BY number), TRUE) AS calm FROM break_ends
),
-- The dates: their rows, their optional features, their categories.
date_metrics AS (
  SELECT
    d.*,
    c.calm$optional_risen_fields,
    f.warming_up,
    f.has_history,
    f.findings,
    MIN(IFNULL(d.group_count, 0)) OVER () > 0 AS groups_known$optional_shares
  FROM dates AS d
  JOIN findings_by_date AS f ON f.day = d.day
  JOIN calm_dates AS c ON c.day = d.day
),
date_rates AS (
  SELECT *, IF(groups_known, `rows` / group_count, `rows`) AS rate FROM date_metrics
),
date_rates_with_history AS (
  SELECT
    *,
    ARRAY_AGG(STRUCT(
      day AS day, rate AS rate,
      $category_fields$optional_fields
    )) OVER (ORDER BY day ROWS BETWEEN $history_days PRECEDING AND 1 PRECEDING) AS earlier
  FROM date_rates
),
compared_dates AS (
  SELECT
    r.* EXCEPT (earlier),
    IF(r.has_history, r.rate / $usual_rate, NULL) AS coverage,
    $usual_categories$usual_optional
  FROM date_rates_with_history AS r
),
dates_with_findings AS (
  SELECT
    m.* EXCEPT (findings),
    ARRAY_CONCAT(
      ARRAY(SELECT f FROM UNNEST(m.findings) AS f),
      ARRAY(
        SELECT s FROM UNNEST([
          STRUCT(
            CASE
              WHEN m.coverage < IF(m.groups_known, $rows_per_game_yellow, $rows_yellow)
                THEN 'missing_rows'
              WHEN m.groups_known AND m.coverage > $rows_above THEN 'surplus_rows'
            END AS kind,
            IF(m.groups_known AND m.coverage < $rows_per_game_red, 'red', 'yellow') AS severity,
            '' AS subject,
            CAST(NULL AS STRING) AS upstream_table,
            CAST(NULL AS STRING) AS processor,
            ARRAY<STRING>[] AS features,
            CAST(ABS(ROUND(m.`rows` * (1 / m.coverage - 1))) AS INT64) AS rows_affected
          )$optional_findings
        ]) AS s
        WHERE s.kind IS NOT NULL
      )
    ) AS findings
  FROM compared_dates AS m
),
-- A drop of a category is a finding only if no other finding names one of its features.
dates_with_all_findings AS (
  SELECT
    n.* EXCEPT (findings),
    ARRAY_CONCAT(
      n.findings,
      ARRAY(
        SELECT AS STRUCT
          'category_shift' AS kind,
          IF(c.usual - c.quality >= $category_drop_red, 'red', 'yellow') AS severity,
          c.category AS subject,
          CAST(NULL AS STRING) AS upstream_table,
          CAST(NULL AS STRING) AS processor,
          c.features AS features,
          n.`rows` AS rows_affected
        FROM UNNEST($required_categories) AS c
        WHERE n.has_history AND NOT n.warming_up
          AND c.usual - c.quality >= $category_drop_yellow
          AND NOT EXISTS (
            SELECT 1
            FROM UNNEST(n.findings) AS f
            CROSS JOIN UNNEST(f.features) AS name
            WHERE f.severity != 'info' AND name IN UNNEST(c.features)
          )
      )
    ) AS findings
  FROM dates_with_findings AS n
)
