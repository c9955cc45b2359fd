-- name: AddObject :exec
INSERT INTO objects (id, key, document_id) VALUES (@id, @key, @document_id);

-- name: BeatObject :execrows
UPDATE objects SET heartbeat_at = now() WHERE id = @id AND state = 'writing';

-- name: DropObject :exec
-- Gives an object up that no document has. It waits for a commit under way that makes it one's.
UPDATE objects SET state = 'dying' WHERE id = @id AND state = 'writing';

-- name: ObjectIsLive :one
SELECT EXISTS (SELECT FROM objects WHERE id = @id AND state = 'live')::boolean;

-- name: DropStaleObjects :execrows
UPDATE objects SET state = 'dying' WHERE is_writing AND heartbeat_at < now() - @after::interval;

-- name: ClaimDyingObjects :many
-- Never tried yet, or tried long enough ago that no late write can be under way any more, nor another sweeper be at it.
UPDATE objects o SET tried_at = now()
FROM (
    SELECT d.id FROM objects d WHERE d.is_dying AND (d.tried_at IS NULL OR d.tried_at < now() - @late::interval)
    ORDER BY d.tried_at NULLS FIRST LIMIT @at_most FOR UPDATE SKIP LOCKED
) due
WHERE o.id = due.id
RETURNING o.id, o.key, (o.deleted_at IS NOT NULL)::boolean AS again;

-- name: ObjectDeleted :exec
UPDATE objects SET deleted_at = now(), tried_at = now() WHERE id = @id AND state = 'dying' AND deleted_at IS NULL;

-- name: ForgetObject :exec
DELETE FROM objects WHERE id = @id AND state = 'dying' AND deleted_at IS NOT NULL;
