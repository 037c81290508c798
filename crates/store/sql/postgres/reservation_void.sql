-- Reservations that are being settled at this moment are left to their settlement.
WITH due AS (
    SELECT request_id
    FROM reservation
    WHERE state = 'pending' AND node = $1
    ORDER BY request_id
    FOR UPDATE SKIP LOCKED
),
ended AS (
    UPDATE reservation
    SET state = 'voided'
    FROM due
    WHERE reservation.request_id = due.request_id
    RETURNING reservation.workspace_id, reservation.credits
),
returned AS (
    INSERT INTO account (workspace_id, granted, posted, held)
    SELECT workspace_id, 0, 0, SUM(credits)
    FROM ended
    GROUP BY workspace_id
    ORDER BY workspace_id
    ON CONFLICT (workspace_id) DO UPDATE SET held = account.held - excluded.held
)
SELECT COUNT(*) FROM ended
