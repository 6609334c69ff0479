-- One row per record and feature: the keys and the fields of feature_quality_detail.
-- Records that were never scored have no rows here.
-- A filter on game_date prunes partitions, both in this query and on its view.
SELECT
  t.`player_lookup`,
  t.`game_date`,
  $detail_fields
FROM $table AS t
CROSS JOIN UNNEST(t.`feature_quality_detail`) AS d
WHERE t.`game_date` BETWEEN $start AND $end
