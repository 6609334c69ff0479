-- One row per record and feature: its keys and the fields of feature_quality_detail.
-- Records that were never scored have no rows here.
-- A filter on $date_name prunes partitions, both in this query and on its view.
SELECT
  $keys,
  $detail_fields
FROM $table AS t
CROSS JOIN UNNEST(t.`feature_quality_detail`) AS d
WHERE t.$date BETWEEN $start AND $end$partition_filter
