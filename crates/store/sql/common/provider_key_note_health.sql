UPDATE provider_key
SET status = $1, status_reason = $2, last_validated_at = $3, last_used_at = $4
WHERE id = $5 AND record_version = $6
