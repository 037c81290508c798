UPDATE account
SET held = held - $1
WHERE workspace_id = $2
