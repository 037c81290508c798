UPDATE data_key
SET root_generation = $1, wrapped = $2
WHERE workspace_id = $3 AND version = $4 AND root_generation = $5
