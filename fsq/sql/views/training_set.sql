-- The records that pass every training gate, and one column per feature: its value.
-- A filter on game_date reaches the partitions, whether in here or on the view.
SELECT
  t.`player_lookup`,
  t.`game_date`,
  $values
FROM $table AS t
WHERE t.`game_date` BETWEEN $start AND $end
  AND $gates
