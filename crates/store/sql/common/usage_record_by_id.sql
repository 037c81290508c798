SELECT
    workspace_id, request_id, created_at, outcome, virtual_key_id, surface, stream, provider, provider_key_id,
    model_requested, model_used, cost_attribution, usage_source, input_tokens, cache_read_tokens, cache_write_tokens,
    cache_write_long_tokens, output_tokens, reasoning_tokens, audio_input_tokens, audio_output_tokens, cost_nanodollars,
    credits_charged, latency_ms, first_byte_ms, overhead_us, finish_reason, detail
FROM usage_record
WHERE workspace_id = $1 AND request_id = $2
