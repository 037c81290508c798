SELECT workspace_id, version, root_generation, wrapped
FROM data_key
ORDER BY workspace_id, version
