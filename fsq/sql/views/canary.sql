-- One row per date: can its rows be used? verdict is red (no), yellow (look first), green (yes), or
-- unknown (no finding, but fewer than $min_rows rows or $history_min_days earlier dates to judge by).
-- red_categories and yellow_categories are the categories whose features have findings; the columns
-- red, yellow and green count records by their own alert level.
-- It covers the checks of `fsq check`, except:
$not_in_sql
-- $history_note
$metrics$checks,
dates_with_verdict AS (
  SELECT
    c.*,
    ARRAY(
      SELECT DISTINCT f.kind AS kind FROM UNNEST(c.findings) AS f WHERE f.severity = 'red' ORDER BY kind
    ) AS red_findings,
    ARRAY(
      SELECT DISTINCT f.kind AS kind FROM UNNEST(c.findings) AS f WHERE f.severity = 'yellow' ORDER BY kind
    ) AS yellow_findings,
    ARRAY(
      SELECT k.category
      FROM UNNEST([
        $categories
      ]) AS k
      WHERE EXISTS (
        SELECT 1
        FROM UNNEST(c.findings) AS f
        CROSS JOIN UNNEST(f.features) AS name
        WHERE f.severity = 'red' AND name IN UNNEST(k.features)
      )
      ORDER BY k.position
    ) AS red_categories,
    ARRAY(
      SELECT k.category
      FROM UNNEST([
        $categories
      ]) AS k
      WHERE EXISTS (
        SELECT 1
        FROM UNNEST(c.findings) AS f
        CROSS JOIN UNNEST(f.features) AS name
        WHERE f.severity = 'yellow' AND name IN UNNEST(k.features)
      )
      ORDER BY k.position
    ) AS yellow_categories
  FROM dates_with_all_findings AS c
)
SELECT
  day AS $date,
  CASE
    WHEN ARRAY_LENGTH(red_findings) > 0 THEN 'red'
    WHEN ARRAY_LENGTH(yellow_findings) > 0 THEN 'yellow'
    WHEN NOT has_history OR `rows` < $min_rows THEN 'unknown'
    ELSE 'green'
  END AS verdict,
  red_categories,
  yellow_categories,
  red_findings,
  yellow_findings,
  `rows`,
  $group_count  quality,
  $category_columns,
  green,
  yellow,
  red,
  production_ready,
  training_ready,
  ARRAY(SELECT DISTINCT job FROM UNNEST(SPLIT(missing, ',')) AS job ORDER BY job)
    AS missing_processors
FROM dates_with_verdict
WHERE day >= $start
ORDER BY day
