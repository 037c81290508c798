WITH hold AS (
    UPDATE account
    SET held = held + $1
    WHERE
        workspace_id = $2
        AND granted - posted - held >= $1
        AND NOT EXISTS (SELECT 1 FROM reservation WHERE request_id = $3)
    RETURNING workspace_id
)
INSERT INTO reservation (request_id, workspace_id, credits, node, state, reserved_at, expires_at)
SELECT $3, workspace_id, $1, $4, 'pending', $5::BIGINT, $6::BIGINT
FROM hold
