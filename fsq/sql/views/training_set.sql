-- The records that pass every training gate, with one column per feature: its value.
-- The same as fsq.training_set with exclude=None. Join your label on the keys.
-- A filter on $date_name prunes partitions, both in this query and on its view.
SELECT
  $keys,
  $group$values
FROM $table AS t
WHERE t.$date BETWEEN $start AND $end$partition_filter
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
