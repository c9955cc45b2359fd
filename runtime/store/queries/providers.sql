-- name: ProviderPause :one
-- How long a provider is still to be left alone.
SELECT (until - now())::interval AS remaining, reason FROM provider_pauses
WHERE owner = @owner AND provider = @provider AND until > now();

-- name: PauseProvider :one
-- After a failure: for as long as it asked, or for 2, 4, 8 … 256 s. Workers that fail at the same time count as one failure.
INSERT INTO provider_pauses AS p (owner, provider, until, failures, reason)
VALUES (@owner, @provider, now() + greatest(@asked::interval, interval '2 seconds'), 1, @reason)
ON CONFLICT (owner, provider) DO UPDATE SET
    reason = excluded.reason,
    failures = p.failures + CASE WHEN p.until <= now() THEN 1 ELSE 0 END,
    until = greatest(p.until, now() + @asked::interval,
        CASE WHEN p.until <= now() THEN now() + interval '1 second' * power(2, least(p.failures + 1, 8)) END)
RETURNING (until - now())::interval AS remaining;

-- name: ResumeProvider :exec
-- It answered. A pause that was asked for meanwhile stays.
DELETE FROM provider_pauses WHERE owner = @owner AND provider = @provider AND until <= now();

-- name: ForgetPause :exec
DELETE FROM provider_pauses WHERE owner = @owner AND provider = @provider;

-- name: WakeClassification :exec
-- What was put off for a provider is due now: the settings changed.
UPDATE documents SET not_before = now(), queued_at = now() - @waits_after::interval
WHERE is_waiting AND owner = @owner AND status = 'ready' AND classification_status = 'pending' AND not_before > now();

-- name: PutOffClassify :execrows
-- Not counted as an attempt: the provider is away, and the document is not to blame. queued_at is as with PutOff.
WITH put_off AS (
    UPDATE documents SET
        attempts = attempts - 1, faults = faults + 1, not_before = now() + sqlc.arg(after)::interval,
        queued_at = now() + sqlc.arg(after)::interval - sqlc.arg(waits_after)::interval, heartbeat_at = NULL
    WHERE id = @id AND generation = @generation AND heartbeat_at IS NOT NULL
    RETURNING id, faults
)
INSERT INTO classification_delays AS d (document_id, since) SELECT id, now() FROM put_off
ON CONFLICT (document_id) DO UPDATE SET since = CASE WHEN (SELECT faults FROM put_off) = 1 THEN now() ELSE d.since END;

-- name: AddSetting :exec
INSERT INTO settings (user_id, name, value)
VALUES (nullif(@owner::uuid, '00000000-0000-0000-0000-000000000000'), @name, '{}')
ON CONFLICT (owner, name) DO NOTHING;

-- name: LockSetting :one
SELECT value FROM settings WHERE owner = @owner AND name = @name FOR UPDATE;

-- name: ReplaceSetting :exec
UPDATE settings SET value = @value WHERE owner = @owner AND name = @name;
