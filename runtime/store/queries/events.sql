-- name: Position :one
-- Where the changes stand now, in the sense of ChangesSince.
SELECT pg_current_snapshot()::text AS position, now()::timestamptz AS at;

-- name: ChangesSince :many
-- What was not visible at a position, and with each row the new position. There is a row at least, without a change if there is none.
SELECT p.position::text AS position, p.at::timestamptz AS at, coalesce(c.what, '')::text AS what, c.owner, c.document_id,
    coalesce(c.status, '')::text AS status, coalesce(c.classification_status, '')::text AS classification_status
FROM (SELECT pg_current_snapshot() AS position, now() AS at) p
LEFT JOIN (
    SELECT what, owner, document_id, status, classification_status FROM changes
    WHERE xid >= pg_snapshot_xmin(CAST(@since::text AS pg_snapshot)) AND NOT pg_visible_in_snapshot(xid, CAST(@since::text AS pg_snapshot))
    LIMIT @at_most
) c ON true;

-- name: DocumentStates :many
SELECT id, owner, status, classification_status, (deleted_at IS NOT NULL)::boolean AS trashed
FROM documents WHERE id = ANY(@ids::uuid[]);

-- name: PruneChanges :execrows
DELETE FROM changes WHERE ctid = ANY(ARRAY(
    SELECT c.ctid FROM changes c WHERE c.at < now() - @after::interval ORDER BY c.xid LIMIT @at_most));

-- name: Stats :many
SELECT status, trashed, sum(documents)::bigint AS documents, sum(bytes)::bigint AS bytes
FROM document_stats WHERE owner = @owner GROUP BY status, trashed;

-- name: OldestPending :one
-- In seconds since it was uploaded or asked for again; 0 where nothing waits.
SELECT coalesce(extract(epoch FROM now() - min(updated_at)), 0)::float8 AS seconds FROM documents
WHERE owner = @owner AND status || '' = 'pending' AND deleted_at IS NULL;
