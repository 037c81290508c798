SELECT id, workspace_id, label, public_id, hash, scopes, allowed_models, limits, expires_at, created_at
FROM virtual_key
WHERE workspace_id = $1 AND id < $2
ORDER BY id DESC
LIMIT $3
