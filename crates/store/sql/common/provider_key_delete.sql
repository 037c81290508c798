DELETE FROM provider_key WHERE workspace_id = $1 AND id = $2
