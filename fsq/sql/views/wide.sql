-- One row per scored record, and one column per feature: its value, NULL where there is none.
-- Defaults are in it too: to train on, take the training set; to judge, take the features.
-- A filter on game_date reaches the partitions, whether in here or on the view.
SELECT
  t.`player_lookup`,
  t.`game_date`,
  $values
FROM $table AS t
WHERE t.`game_date` BETWEEN $start AND $end
  AND ARRAY_LENGTH(t.`feature_quality_detail`) > 0
