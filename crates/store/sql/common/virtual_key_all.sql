SELECT id, workspace_id, label, public_id, hash, scopes, allowed_models, limits, expires_at, created_at
FROM virtual_key
ORDER BY id
