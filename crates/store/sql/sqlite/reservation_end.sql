UPDATE reservation
SET state = $1
WHERE request_id = $2 AND workspace_id = $3 AND state = 'pending'
RETURNING credits
