-- One row per date and finding: what is wrong, how severe it is, which features and rows it affects,
-- and which table and job it comes from. `fsq check` also merges findings over dates,
-- gives the commands that repair them, and sees what this query cannot:
$not_in_sql
-- $history_note
$metrics$checks
SELECT
  c.day AS $date,
  f.kind,
  f.severity,
  NULLIF(f.subject, '') AS subject,
  f.upstream_table,
  f.processor,
  f.features,
  f.rows_affected,
  c.`rows`
FROM dates_with_all_findings AS c
CROSS JOIN UNNEST(c.findings) AS f
WHERE c.day >= $start
ORDER BY c.day, f.severity, f.rows_affected DESC
