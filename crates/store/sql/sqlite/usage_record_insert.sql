INSERT INTO usage_record (
    workspace_id, request_id, created_at, outcome, virtual_key_id, surface, stream, provider, provider_key_id,
    model_requested, model_used, cost_attribution, usage_source, input_tokens, cache_read_tokens, cache_write_tokens,
    cache_write_long_tokens, output_tokens, reasoning_tokens, audio_input_tokens, audio_output_tokens, cost_nanodollars,
    credits_charged, latency_ms, first_byte_ms, overhead_us, finish_reason, detail
)
VALUES (
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28
)
ON CONFLICT (workspace_id, request_id) DO NOTHING
