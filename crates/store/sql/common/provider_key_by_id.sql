SELECT
    id, workspace_id, provider, name, label, priority, is_active, base_url, origin, allowed_models, limits, fallback,
    fingerprint, sealed, record_version, status, status_reason, last_validated_at, last_used_at, created_at, updated_at
FROM provider_key
WHERE workspace_id = $1 AND id = $2
