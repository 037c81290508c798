DELETE FROM virtual_key WHERE workspace_id = $1 AND id = $2
