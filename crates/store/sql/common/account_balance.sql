SELECT granted, posted, held
FROM account
WHERE workspace_id = $1
