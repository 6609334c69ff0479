-- One row per date: quality, categories, defaults and rows, each against the median of the
-- $history_days dates before it; NULL with fewer than $history_min_days. The same as `fsq trend`.
-- $history_note
WITH dates AS (
  SELECT
    t.$date AS day,
    COUNT(*) AS `rows`,
    AVG(t.`feature_quality_score`) AS quality_pct,
    $category_means,
    100 * (SUM(t.`default_feature_count`) / (COUNT(*) * $width)) AS default_pct,
    COUNTIF(t.`quality_alert_level` = 'green') AS green,
    COUNTIF(t.`quality_alert_level` = 'yellow') AS yellow,
    COUNTIF(t.`quality_alert_level` = 'red') AS red,
    100 * COUNTIF(t.`is_production_ready`) / COUNT(*) AS production_ready_pct,
    100 * COUNTIF(t.`is_training_ready`) / COUNT(*) AS training_ready_pct
  FROM $table AS t
  WHERE t.$date BETWEEN $since AND $end$partition_filter
    AND t.`quality_tier` IS NOT NULL
  GROUP BY t.$date
),
dates_with_history AS (
  SELECT
    *,
    ARRAY_AGG(STRUCT(
      $compared_fields
    )) OVER (ORDER BY day ROWS BETWEEN $history_days PRECEDING AND 1 PRECEDING) AS earlier
  FROM dates
),
compared_dates AS (
  SELECT
    * EXCEPT (earlier),
    $trailing
  FROM dates_with_history AS r
)
SELECT
  day AS $date,
  * EXCEPT (day),
  quality_pct - quality_pct_trailing AS quality_change,
  default_pct - default_pct_trailing AS default_change,
  SAFE_DIVIDE(100 * `rows`, rows_trailing) AS coverage_pct
FROM compared_dates
WHERE day >= $start
