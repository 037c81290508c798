INSERT INTO provider_key (
    id, workspace_id, provider, name, label, priority, is_active, base_url, origin, allowed_models, limits, fallback,
    fingerprint, sealed, record_version, status, status_reason, last_validated_at, last_used_at, created_at, updated_at
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
