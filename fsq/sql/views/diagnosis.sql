-- One row per date and upstream table: how much of it fell back, and which job writes it.
-- status is red if some or all features are default for nearly all rows, or for many more than
-- usual; yellow if they are default for more than usual, if the season has just begun, or if the job
-- is reported as not run although its features are present. A table of optional features is always
-- green. all_default_features and risen_features name the features behind the status.
-- ran says whether the job ran according to the rows; NULL if they do not say. Stuck, stale and
-- out-of-range values are in the view of findings.
-- $history_note
$metrics,
features_with_rise AS (
  SELECT
    *,
    default_share >= $table_default_share AS all_default,
    IF(
      NOT table_empty AND NOT optional AND NOT warming_up AND default_share < $table_default_share
        AND `rows` >= $min_rows AND default_share - usual_default_share >= $default_rise_yellow,
      default_share - usual_default_share,
      NULL
    ) AS rise
  FROM features_by_run
),
tables AS (
  SELECT
    day,
    upstream_table,
    ANY_VALUE(processor) AS processor,
    ANY_VALUE(processor_expected) AS processor_expected,
    ANY_VALUE(ran) AS ran,
    ANY_VALUE(`rows`) AS `rows`,
    ANY_VALUE(table_default_rows) AS all_default_rows,
    SUM(default_rows) / SUM(`rows`) AS default_rate,
    ARRAY_AGG(feature_name ORDER BY feature_index) AS features,
    ARRAY_AGG(IF(all_default, feature_name, NULL) IGNORE NULLS ORDER BY feature_index)
      AS all_default_features,
    ARRAY_AGG(IF(rise IS NULL, NULL, feature_name) IGNORE NULLS ORDER BY feature_index)
      AS risen_features,
    MAX(rise) AS rise,
    ANY_VALUE(table_empty) AS table_empty,
    ANY_VALUE(warming_up) AS warming_up,
    LOGICAL_AND(optional) AS all_optional,
    LOGICAL_OR(all_default AND NOT optional) AS required_missing,
    MIN(feature_index) AS position
  FROM features_with_rise
  WHERE day >= $start
  GROUP BY day, upstream_table
)
SELECT
  t.day AS $date,
  t.upstream_table,
  t.processor,
  t.ran,
  IFNULL(t.processor_expected AND NOT t.ran, FALSE) AS processor_missing,
  CASE
    WHEN t.all_optional THEN 'green'
    WHEN t.table_empty THEN IF(t.warming_up AND t.ran IS NOT FALSE, 'yellow', 'red')
    WHEN t.required_missing AND NOT t.warming_up OR t.rise >= $default_rise_red THEN 'red'
    WHEN t.required_missing OR t.rise IS NOT NULL OR t.ran IS FALSE THEN 'yellow'
    ELSE 'green'
  END AS status,
  t.`rows`,
  t.all_default_rows,
  t.default_rate,
  t.features,
  t.all_default_features,
  t.risen_features,
  ARRAY(SELECT DISTINCT job FROM UNNEST(SPLIT(d.missing, ',')) AS job ORDER BY job)
    AS missing_processors
FROM tables AS t
JOIN dates AS d ON d.day = t.day
ORDER BY t.day, t.position
