INSERT INTO account (workspace_id, granted, posted, held)
VALUES ($1, 0, 0, 0)
ON CONFLICT (workspace_id) DO NOTHING
