-- One row per date: may its rows be used? verdict is red (do not), yellow (look), green, or
-- unknown (nothing was found, but under $min_rows rows or $history_min_days earlier dates are too few to judge).
-- red_categories and yellow_categories are those whose features are among the findings; the columns
-- red, yellow and green count the records by their own alert level.
-- It covers what `fsq check` looks at: jobs that did not run or wrote part, features that fall back,
-- stuck constants, silent defaults, stale tables, ranges, coverage and category quality. Only
-- `fsq check` sees values spread otherwise than before (distribution_shift: yellow at most), dates
-- without any row (red), and what a run context outside of the rows says.
-- $history_note
$days$judged,
weighed AS (
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
      ORDER BY k.place
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
      ORDER BY k.place
    ) AS yellow_categories
  FROM complete AS c
)
SELECT
  game_date,
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
  games,
  quality,
  $category_columns,
  green,
  yellow,
  red,
  production_ready,
  training_ready,
  ARRAY(SELECT DISTINCT job FROM UNNEST(SPLIT(missing, ',')) AS job ORDER BY job)
    AS missing_processors
FROM weighed
WHERE game_date >= $start
ORDER BY game_date
