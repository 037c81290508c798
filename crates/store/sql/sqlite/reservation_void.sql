UPDATE reservation
SET state = 'voided'
WHERE state = 'pending'
