UPDATE installation
SET root_generation = $1, root_check = $2, operator_token_hash = $3
