SELECT id, name, plan, fallback, time_zone, created_at, updated_at
FROM workspace
WHERE id < $1 AND id > $2
ORDER BY id DESC
LIMIT $3
