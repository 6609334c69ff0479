-- One row per scored record, with one column per feature: its value, or NULL.
-- It includes defaults: use training_set to train a model, and features to inspect quality.
-- A filter on game_date prunes partitions, both in this query and on its view.
SELECT
  t.`player_lookup`,
  t.`game_date`,
  $values
FROM $table AS t
WHERE t.`game_date` BETWEEN $start AND $end
  AND ARRAY_LENGTH(t.`feature_quality_detail`) > 0
