INSERT INTO account (workspace_id, granted, posted, held)
VALUES ($1, $2, 0, 0)
ON CONFLICT (workspace_id) DO UPDATE SET granted = account.granted + excluded.granted
