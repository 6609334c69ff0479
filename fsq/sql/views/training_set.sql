-- The records that pass every training gate, with one column per feature: its value.
-- The same as fsq.training_set with its defaults. Join your label on the two keys.
-- A filter on game_date prunes partitions, both in this query and on its view.
SELECT
  t.`player_lookup`,
  t.`game_date`,
  $game_id$values
FROM $table AS t
WHERE t.`game_date` BETWEEN $start AND $end
  AND ARRAY_LENGTH(t.`feature_quality_detail`) = $width
  $gates
  -- $fault_descriptions; a window without a fixed size may be empty
  AND NOT EXISTS (
    SELECT 1 FROM UNNEST(t.`feature_quality_detail`) AS d
    WHERE d.`feature_name` IN UNNEST($required)
      AND ($faults)
      AND NOT (
        d.`feature_name` IN UNNEST($excusable)
        AND d.`is_default` AND IFNULL(d.`sample_size` = 0, FALSE)
      )
  )
