UPDATE workspace
SET name = $1, plan = $2, fallback = $3, time_zone = $4, updated_at = $5
WHERE id = $6
