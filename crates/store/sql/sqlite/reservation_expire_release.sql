UPDATE account
SET held = held - due.credits
FROM (
    SELECT workspace_id, SUM(credits) AS credits
    FROM reservation
    WHERE state = 'pending' AND expires_at < $1
    GROUP BY workspace_id
) AS due
WHERE account.workspace_id = due.workspace_id
