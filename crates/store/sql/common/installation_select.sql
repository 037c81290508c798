SELECT id, root_generation, root_check, operator_token_hash, created_at
FROM installation
