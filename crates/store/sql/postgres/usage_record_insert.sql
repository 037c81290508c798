INSERT INTO usage_record (
    workspace_id, request_id, created_at, outcome, virtual_key_id, surface, stream, provider, provider_key_id,
    model_requested, model_used, cost_attribution, usage_source, input_tokens, cache_read_tokens, cache_write_tokens,
    cache_write_long_tokens, output_tokens, reasoning_tokens, audio_input_tokens, audio_output_tokens, cost_nanodollars,
    credits_charged, latency_ms, first_byte_ms, overhead_us, finish_reason, detail
)
SELECT *
FROM
    UNNEST(
        $1::UUID [], $2::UUID [], $3::BIGINT [], $4::TEXT [], $5::UUID [], $6::TEXT [], $7::BOOLEAN [], $8::TEXT [],
        $9::UUID [], $10::TEXT [], $11::TEXT [], $12::TEXT [], $13::TEXT [], $14::BIGINT [], $15::BIGINT [],
        $16::BIGINT [], $17::BIGINT [], $18::BIGINT [], $19::BIGINT [], $20::BIGINT [], $21::BIGINT [],
        $22::BIGINT [], $23::BIGINT [], $24::BIGINT [], $25::BIGINT [], $26::BIGINT [], $27::TEXT [], $28::TEXT []
    )
ON CONFLICT (workspace_id, request_id) DO NOTHING
RETURNING workspace_id, request_id
