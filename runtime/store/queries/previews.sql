-- name: GetPreview :one
-- One that is void counts as none: of an object that the document no longer has, or found impossible before the document last changed,
-- as when it was read again.
SELECT p.* FROM previews p JOIN documents d ON d.id = p.document_id
WHERE p.document_id = @document_id AND p.page = @page AND p.width = @width
    AND p.source_id = d.object_id AND NOT (p.state = 'none' AND p.ended_at < d.updated_at);

-- name: DropPreviews :exec
-- What a new one of this page and width stands in for: the one that is void or gone, and the oldest beyond at_most widths of the page.
WITH dropped AS (
    DELETE FROM previews p WHERE p.document_id = @document_id AND p.page = @page AND (
        p.width = @width AND NOT EXISTS (
            SELECT FROM documents d WHERE d.id = p.document_id AND p.source_id = d.object_id AND NOT (p.state = 'none' AND p.ended_at < d.updated_at)
                AND p.id <> @gone
        )
        OR p.id IN (
            SELECT o.id FROM previews o WHERE o.document_id = @document_id AND o.page = @page AND o.width <> @width
            ORDER BY o.asked_at DESC, o.id OFFSET @others::integer
        )
    )
    RETURNING p.document_id, p.object_id
)
UPDATE objects SET state = 'dying' FROM dropped WHERE objects.id = dropped.object_id;

-- name: AskPreview :one
-- No row: another request asked for it at the same time, or the document is gone.
INSERT INTO previews (id, document_id, page, width, source_id)
SELECT @id, d.id, @page, @width, d.object_id FROM documents d WHERE d.id = @document_id AND d.deleted_at IS NULL FOR KEY SHARE
ON CONFLICT (document_id, page, width) DO NOTHING
RETURNING id, generation;

-- name: PendingPreviews :many
SELECT id, generation FROM previews WHERE document_id = @document_id AND state = 'pending' LIMIT @at_most;

-- name: BeginPreview :one
UPDATE previews p SET attempts = p.attempts + 1, heartbeat_at = now()
FROM documents d
WHERE p.id = @id AND p.generation = @generation AND p.state = 'pending' AND p.heartbeat_at IS NULL
    AND d.id = p.document_id AND d.object_id = p.source_id
RETURNING p.document_id, p.page, p.width, p.attempts, d.owner, d.object_key, d.mime_type, d.size;

-- name: BeatPreview :execrows
UPDATE previews SET heartbeat_at = now() WHERE id = @id AND generation = @generation AND heartbeat_at IS NOT NULL;

-- name: FinishPreview :execrows
-- One statement, so one commit: the object becomes live if and only if the preview has it.
WITH held AS (
    SELECT o.id, o.key FROM objects o WHERE o.id = @object_id AND o.state = 'writing' FOR UPDATE
), made AS (
    UPDATE previews p SET
        state = 'ready', object_id = held.id, object_key = held.key, size = @size::bigint, ended_at = now(),
        generation = p.generation + 1, attempts = 0, faults = 0, heartbeat_at = NULL
    FROM held WHERE p.id = @id AND p.generation = @generation AND p.heartbeat_at IS NOT NULL
    RETURNING p.object_id
)
UPDATE objects SET state = 'live' FROM made WHERE objects.id = made.object_id;

-- name: FailPreview :execrows
UPDATE previews SET
    state = 'none', ended_at = now(), generation = generation + 1, attempts = 0, faults = 0, heartbeat_at = NULL
WHERE id = @id AND generation = @generation AND heartbeat_at IS NOT NULL;

-- name: PutOffPreview :execrows
-- As PutOff.
UPDATE previews SET
    attempts = attempts - CASE WHEN @was_away::boolean THEN 1 ELSE 0 END, faults = faults + 1,
    not_before = now() + interval '1 second' * power(2, least(faults + 1, 6)),
    queued_at = now() + interval '1 second' * power(2, least(faults + 1, 6)) - @waits_after::interval,
    heartbeat_at = NULL
WHERE id = @id AND generation = @generation AND heartbeat_at IS NOT NULL;

-- name: HandBackPreview :one
UPDATE previews SET attempts = attempts - 1, generation = generation + 1, not_before = now(), queued_at = now(), heartbeat_at = NULL
WHERE id = @id AND generation = @generation AND heartbeat_at IS NOT NULL
RETURNING generation;

-- name: WaitingPreviews :many
-- As Waiting; void ones wait for nobody.
SELECT p.id, p.document_id, p.generation FROM previews p JOIN documents d ON d.id = p.document_id AND d.object_id = p.source_id
WHERE p.is_waiting AND p.queued_at < now() - @after::interval AND p.not_before <= now()
ORDER BY p.queued_at LIMIT @at_most;

-- name: PreviewsStillQueued :exec
UPDATE previews SET queued_at = now() WHERE id = ANY(@ids::uuid[]) AND heartbeat_at IS NULL AND not_before <= now();

-- name: HandOutPreviewAgain :one
UPDATE previews SET generation = generation + 1, queued_at = now()
WHERE id = @id AND generation = @generation AND heartbeat_at IS NULL
RETURNING generation;

-- name: TakeOverPreviews :many
UPDATE previews p SET generation = p.generation + 1, queued_at = now(), heartbeat_at = NULL
FROM (
    SELECT w.id FROM previews w WHERE w.is_at_work AND w.heartbeat_at < now() - @after::interval
    ORDER BY w.heartbeat_at LIMIT @at_most FOR UPDATE SKIP LOCKED
) dead
WHERE p.id = dead.id
RETURNING p.id, p.document_id, p.generation;
