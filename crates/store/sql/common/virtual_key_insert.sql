INSERT INTO virtual_key (id, workspace_id, label, public_id, hash, scopes, allowed_models, limits, expires_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
