SELECT id, name, plan, fallback, time_zone, created_at, updated_at
FROM workspace
WHERE id > $1
ORDER BY id
