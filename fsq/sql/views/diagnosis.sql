-- One row per date and upstream table: how much of it fell back, for whom, and which job writes it.
-- status: red where all features of the table are default for nearly all rows (or some of them
-- are), yellow where the season has just begun, or the job is said not to have run though
-- its features are there; green otherwise. Tables of optional features are green: they may be absent.
-- ran: what the rows say; NULL where they do not. Findings that go by values are in `findings`.
-- $history_note
$days,
tables AS (
  SELECT
    game_date,
    upstream_table,
    ANY_VALUE(processor) AS processor,
    ANY_VALUE(processor_expected) AS processor_expected,
    ANY_VALUE(ran) AS ran,
    ANY_VALUE(`rows`) AS `rows`,
    ANY_VALUE(table_default_rows) AS all_default_rows,
    SUM(default_rows) / SUM(`rows`) AS default_rate,
    ARRAY_AGG(feature_name ORDER BY feature_index) AS features,
    ARRAY_AGG(
      IF(default_share >= $table_default_share, feature_name, NULL)
      IGNORE NULLS ORDER BY feature_index
    ) AS all_default_features,
    ANY_VALUE(table_empty) AS table_empty,
    ANY_VALUE(warming) AS warming,
    LOGICAL_AND(optional) AS all_optional,
    COUNTIF(NOT optional AND default_share >= $table_default_share) AS lost_features,
    MIN(feature_index) AS place
  FROM traced
  WHERE game_date >= $start
  GROUP BY game_date, upstream_table
)
SELECT
  t.game_date,
  t.upstream_table,
  t.processor,
  t.ran,
  IFNULL(t.processor_expected AND NOT t.ran, FALSE) AS processor_missing,
  CASE
    WHEN t.all_optional THEN 'green'
    WHEN t.table_empty AND NOT (t.warming AND t.ran IS NOT FALSE) THEN 'red'
    WHEN t.lost_features > 0 AND NOT t.warming THEN 'red'
    WHEN t.table_empty OR t.lost_features > 0 OR t.ran IS FALSE THEN 'yellow'
    ELSE 'green'
  END AS status,
  t.`rows`,
  t.all_default_rows,
  t.default_rate,
  t.features,
  t.all_default_features,
  ARRAY(SELECT DISTINCT job FROM UNNEST(SPLIT(d.missing, ',')) AS job ORDER BY job)
    AS missing_processors
FROM tables AS t
JOIN dates AS d ON d.game_date = t.game_date
ORDER BY t.game_date, t.place
