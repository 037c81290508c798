SELECT
    workspace_id, request_id, created_at, outcome, virtual_key_id, surface, stream, provider, provider_key_id,
    model_requested, model_used, cost_attribution, usage_source, input_tokens, cache_read_tokens, cache_write_tokens,
    cache_write_long_tokens, output_tokens, reasoning_tokens, audio_input_tokens, audio_output_tokens, cost_nanodollars,
    credits_charged, latency_ms, first_byte_ms, overhead_us, finish_reason, detail
FROM usage_record
WHERE
    workspace_id = $1
    AND request_id < $2
    AND created_at >= $3
    AND created_at < $4
    AND (outcome = $5 OR $5 IS NULL)
    AND (cost_attribution = $6 OR $6 IS NULL)
    AND (provider = $7 OR $7 IS NULL)
    AND (model_requested = $8 OR model_used = $8 OR $8 IS NULL)
    AND (provider_key_id = $9 OR $9 IS NULL)
    AND (virtual_key_id = $10 OR $10 IS NULL)
ORDER BY request_id DESC
LIMIT $11
