INSERT INTO data_key (workspace_id, version, root_generation, wrapped)
VALUES ($1, $2, $3, $4)
