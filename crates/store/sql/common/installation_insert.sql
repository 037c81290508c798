INSERT INTO installation (only_row, id, root_generation, root_check, operator_token_hash, created_at)
VALUES (1, $1, $2, $3, $4, $5)
ON CONFLICT (only_row) DO NOTHING
