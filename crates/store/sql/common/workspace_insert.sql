INSERT INTO workspace (id, name, plan, fallback, time_zone, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
