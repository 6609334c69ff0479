-- One row per scored record, with one column per feature: its value, or NULL.
-- It includes defaults: use training_set to train a model, and features to inspect quality.
-- A filter on $date_name prunes partitions, both in this query and on its view.
SELECT
  $keys,
  $values
FROM $table AS t
WHERE t.$date BETWEEN $start AND $end$partition_filter
  AND ARRAY_LENGTH(t.`feature_quality_detail`) > 0
