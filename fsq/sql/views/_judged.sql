${pass}_places AS (
  SELECT
    m.*,
    COUNT(IF(m.usable, 1, NULL)) OVER (
      PARTITION BY m.evidence, m.feature_index ORDER BY m.day
      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS before
  FROM $source AS m
),
${pass}_history AS (
  SELECT
    evidence,
    feature_index,
    ROW_NUMBER() OVER (PARTITION BY evidence, feature_index ORDER BY day) AS place,
    ARRAY_AGG(measured) OVER (
      PARTITION BY evidence, feature_index ORDER BY day
      ROWS BETWEEN $trailing_before PRECEDING AND CURRENT ROW
    ) AS earlier
  FROM $source
  WHERE usable
),
${pass}_compared AS (
  SELECT
    p.* EXCEPT (usual),
    CASE
      WHEN p.is_rare THEN p.center
      WHEN p.before >= $min_trailing
        THEN (SELECT PERCENTILE_CONT(v, 0.5) OVER () FROM UNNEST(h.earlier) AS v LIMIT 1)
    END AS usual
  FROM ${pass}_places AS p
  LEFT JOIN ${pass}_history AS h
    ON h.evidence = p.evidence AND h.feature_index = p.feature_index AND h.place = p.before
),
${pass}_distances AS (
  SELECT
    *,
    (measured - usual) / SQRT(scale * scale * GREATEST(1, typical / counted) + CASE
      WHEN evidence = 'mean' THEN 0
      WHEN evidence = 'spread' THEN 0.5 / GREATEST(counted - 1, 1)
      ELSE (
        LEAST(GREATEST(usual, 0), 1) * (1 - LEAST(GREATEST(usual, 0), 1)) + 0.5 / counted
      ) / counted
    END) AS distance
  FROM ${pass}_compared
),
${pass}_judged AS (
  SELECT
    * EXCEPT (usable, before, distance),
    IF(calm OR is_judged_after_breaks, IF(is_one_sided, distance, ABS(distance)) / alarm, 0) AS strength
  FROM ${pass}_distances
)
