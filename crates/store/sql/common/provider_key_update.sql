UPDATE provider_key
SET
    name = $1, label = $2, priority = $3, is_active = $4, base_url = $5, origin = $6, allowed_models = $7, limits = $8,
    fallback = $9, fingerprint = $10, sealed = $11, record_version = $12, status = $13, status_reason = $14,
    last_validated_at = $15, last_used_at = $16, updated_at = $17
WHERE workspace_id = $18 AND id = $19 AND record_version = $20
