-- One row per date and finding: what is wrong, how badly, for which features and rows, and which
-- table and job it comes from. `fsq check` gives the same kinds, and more that SQL over days cannot say:
-- values spread otherwise than before (distribution_shift), dates without any row, what a run
-- context outside of the rows says, findings joined over dates, and the commands that repair them.
-- $history_note
$days$judged
SELECT
  c.game_date,
  f.kind,
  f.severity,
  NULLIF(f.subject, '') AS subject,
  f.upstream_table,
  f.processor,
  f.features,
  f.rows_affected,
  c.`rows`
FROM complete AS c
CROSS JOIN UNNEST(c.findings) AS f
WHERE c.game_date >= $start
ORDER BY c.game_date, f.severity, f.rows_affected DESC
