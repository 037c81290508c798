-- Accounts come in the order of their workspaces, so that two nodes that settle at once cannot block each other. What is
-- given back travels in the column "held" of the row to be inserted; an account without a row has nothing held.
WITH given AS (
    SELECT *
    FROM
        UNNEST($1::UUID [], $2::UUID [], $3::TEXT [], $4::BIGINT [], $5::BIGINT []) AS settlement (
            workspace_id, request_id, state, charged, created_at
        )
),
ended AS (
    UPDATE reservation
    SET state = given.state
    FROM given
    WHERE
        reservation.request_id = given.request_id
        AND reservation.workspace_id = given.workspace_id
        AND reservation.state = 'pending'
    RETURNING reservation.workspace_id, reservation.credits
),
entered AS (
    INSERT INTO credit_entry (workspace_id, id, kind, credits, created_at)
    SELECT workspace_id, request_id, 'charge', charged, created_at
    FROM given
    WHERE state = 'settled'
),
moved AS (
    SELECT workspace_id, charged, 0 AS released FROM given WHERE state = 'settled'
    UNION ALL
    SELECT workspace_id, 0 AS charged, credits AS released FROM ended
)
INSERT INTO account (workspace_id, granted, posted, held)
SELECT workspace_id, 0, SUM(charged), SUM(released)
FROM moved
GROUP BY workspace_id
ORDER BY workspace_id
ON CONFLICT (workspace_id) DO UPDATE
SET posted = account.posted + excluded.posted, held = account.held - excluded.held
