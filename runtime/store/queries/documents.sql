-- name: AddDocument :one
-- One statement, so one commit: the object becomes live if and only if the document is in. No row: the object was given up.
-- inserted is false when the owner has the same bytes already.
WITH held AS (
    SELECT o.id, o.key, o.document_id FROM objects o WHERE o.id = @object_id AND o.state = 'writing' FOR UPDATE
), added AS (
    INSERT INTO documents (
        id, user_id, object_id, object_key, original_name, mime_type, kind, size, sha256, classification_status, created_at
    )
    SELECT h.document_id, nullif(@owner::uuid, '00000000-0000-0000-0000-000000000000'), h.id, h.key,
        @original_name, @mime_type, @kind, @size, @sha256, @classification_status,
        coalesce(sqlc.narg(created_at)::timestamptz, now())
    FROM held h
    ON CONFLICT ON CONSTRAINT documents_content DO NOTHING
    RETURNING documents.id, documents.object_id, documents.created_at
), made_live AS (
    UPDATE objects SET state = 'live' FROM added WHERE objects.id = added.object_id
)
SELECT held.document_id, coalesce(added.created_at, now())::timestamptz AS created_at, (added.id IS NOT NULL)::boolean AS inserted
FROM held LEFT JOIN added ON added.object_id = held.id;

-- name: ReviveDuplicate :one
-- Out of the trash if it was there; read again if that had failed, from the object that was just uploaded: the old one may be why.
WITH held AS (
    SELECT h.id, h.object_id, h.status FROM documents h WHERE h.owner = @owner AND h.sha256 = @sha256 FOR UPDATE
), fresh AS (
    UPDATE objects o SET state = 'live', document_id = held.id FROM held
    WHERE o.id = @object_id AND o.state = 'writing' AND held.status = 'failed'
    RETURNING o.id, o.key, held.object_id AS replaces
), given_up AS (
    UPDATE objects SET state = 'dying' FROM fresh WHERE objects.id = fresh.replaces
)
UPDATE documents d SET
    object_id = coalesce(fresh.id, d.object_id), object_key = coalesce(fresh.key, d.object_key),
    deleted_at = NULL,
    status = CASE d.status WHEN 'failed' THEN 'pending' ELSE d.status END,
    error_code = CASE d.status WHEN 'failed' THEN NULL ELSE d.error_code END,
    error_detail = CASE d.status WHEN 'failed' THEN NULL ELSE d.error_detail END,
    classification_status = CASE WHEN d.status = 'failed' AND @auto_classify::boolean THEN 'pending' ELSE d.classification_status END,
    classification_among = CASE d.status WHEN 'failed' THEN NULL ELSE d.classification_among END,
    generation = d.generation + CASE d.status WHEN 'failed' THEN 1 ELSE 0 END,
    attempts = CASE d.status WHEN 'failed' THEN 0 ELSE d.attempts END,
    faults = CASE d.status WHEN 'failed' THEN 0 ELSE d.faults END,
    not_before = CASE d.status WHEN 'failed' THEN now() ELSE d.not_before END,
    queued_at = CASE d.status WHEN 'failed' THEN now() ELSE d.queued_at END,
    updated_at = CASE WHEN d.status = 'failed' OR d.deleted_at IS NOT NULL THEN now() ELSE d.updated_at END
FROM held LEFT JOIN fresh ON true
WHERE d.id = held.id
RETURNING d.id, d.generation, d.status;

-- name: GetDocumentBySHA256 :one
SELECT * FROM documents WHERE owner = @owner AND sha256 = @sha256;

-- name: DocumentExists :one
SELECT EXISTS (SELECT FROM documents WHERE id = @id)::boolean;

-- name: HolderOfKey :one
-- No row: the vault knows of no such object. No sha256: it knows of it, and it is no document of this owner's.
SELECT d.sha256, coalesce(d.size, 0)::bigint AS size
FROM objects o LEFT JOIN documents d ON d.object_id = o.id AND d.owner = @owner WHERE o.key = @key;

-- name: FileImported :exec
-- Whoever filed it: what is by hand, a later automatic filing leaves alone.
INSERT INTO document_topics (document_id, topic_id, by_hand)
SELECT @document_id, t.id, true FROM topics t WHERE t.id = ANY(@topics::uuid[]);

-- name: GetDocument :one
SELECT * FROM documents WHERE id = @id AND owner = @owner AND deleted_at IS NULL;

-- name: DocumentText :one
SELECT coalesce(left(t.text, @characters::integer), '')::text AS text,
    coalesce(char_length(t.text) > @characters::integer, false)::boolean AS more
FROM documents d LEFT JOIN document_texts t ON t.document_id = d.id
WHERE d.id = @id AND d.owner = @owner AND d.deleted_at IS NULL;

-- name: FilingsOf :many
SELECT f.document_id, t.id AS topic_id, t.name, f.by_hand, f.confidence
FROM document_topics f JOIN topics t ON t.id = f.topic_id
WHERE f.document_id = ANY(@documents::uuid[])
ORDER BY f.document_id, lower(t.name);

-- name: PurgeDocument :one
-- The object is given up in the same commit; also from the trash.
WITH gone AS (
    DELETE FROM documents d WHERE d.id = @id AND d.owner = @owner RETURNING d.id, d.object_id, d.object_key, d.generation
), given_up AS (
    UPDATE objects SET state = 'dying' FROM gone WHERE objects.document_id = gone.id
)
SELECT gone.object_id, gone.object_key, gone.generation FROM gone;

-- name: EmptyTrash :execrows
WITH old AS (
    SELECT d.id FROM documents d WHERE d.deleted_at < now() - @after::interval
    ORDER BY d.deleted_at LIMIT @at_most FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM documents d USING old WHERE d.id = old.id RETURNING d.id
)
UPDATE objects SET state = 'dying' FROM gone WHERE objects.document_id = gone.id;

-- name: CountOf :one
SELECT coalesce(sum(value), 0)::bigint AS total FROM counters WHERE owner = @owner AND topic_id = @topic_id;
