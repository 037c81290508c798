SELECT workspace_id, credits, state
FROM reservation
WHERE request_id = $1
