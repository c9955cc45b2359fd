-- The statements of programs of version 1, as they were compiled then. Such a program may run while the schema is newer, so each must go on
-- working until oldest_supported is above 1. Never edit this: it is what is out there.

-- name: AddDocument :one
WITH held AS (
    SELECT o.id, o.key, o.document_id FROM objects o WHERE o.id = $1 AND o.state = 'writing' FOR UPDATE
), added AS (
    INSERT INTO documents (id, user_id, object_id, object_key, original_name, mime_type, kind, size, sha256, classification_status)
    SELECT h.document_id, nullif($2::uuid, '00000000-0000-0000-0000-000000000000'), h.id, h.key,
        $3, $4, $5, $6, $7, $8
    FROM held h
    ON CONFLICT ON CONSTRAINT documents_content DO NOTHING
    RETURNING documents.id, documents.object_id, documents.created_at
), made_live AS (
    UPDATE objects SET state = 'live' FROM added WHERE objects.id = added.object_id
)
SELECT held.document_id, coalesce(added.created_at, now())::timestamptz AS created_at, (added.id IS NOT NULL)::boolean AS inserted
FROM held LEFT JOIN added ON added.object_id = held.id

-- name: CountOf :one
SELECT coalesce(sum(value), 0)::bigint AS total FROM counters WHERE owner = $1 AND topic_id = $2

-- name: DocumentText :one
SELECT coalesce(left(t.text, $1::integer), '')::text AS text,
    coalesce(char_length(t.text) > $1::integer, false)::boolean AS more
FROM documents d LEFT JOIN document_texts t ON t.document_id = d.id
WHERE d.id = $2 AND d.owner = $3 AND d.deleted_at IS NULL

-- name: EmptyTrash :execrows
WITH old AS (
    SELECT d.id FROM documents d WHERE d.deleted_at < now() - $1::interval
    ORDER BY d.deleted_at LIMIT $2 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM documents d USING old WHERE d.id = old.id RETURNING d.id
)
UPDATE objects SET state = 'dying' FROM gone WHERE objects.document_id = gone.id

-- name: FilingsOf :many
SELECT f.document_id, t.id AS topic_id, t.name, f.by_hand, f.confidence
FROM document_topics f JOIN topics t ON t.id = f.topic_id
WHERE f.document_id = ANY($1::uuid[])
ORDER BY f.document_id, lower(t.name)

-- name: GetDocument :one
SELECT id, user_id, owner, object_id, object_key, original_name, mime_type, kind, size, sha256, status, error_code, error_detail, page_count, language, text_truncated, classification_status, classification_among, classification_provider, classification_model, classification_prompt_hash, classification_input_tokens, classification_output_tokens, classification_truncated, classification_unknown_dropped, classification_error_code, classification_error_detail, generation, attempts, faults, not_before, queued_at, heartbeat_at, is_at_work, is_waiting, deleted_at, created_at, updated_at FROM documents WHERE id = $1 AND owner = $2 AND deleted_at IS NULL

-- name: GetDocumentBySHA256 :one
SELECT id, user_id, owner, object_id, object_key, original_name, mime_type, kind, size, sha256, status, error_code, error_detail, page_count, language, text_truncated, classification_status, classification_among, classification_provider, classification_model, classification_prompt_hash, classification_input_tokens, classification_output_tokens, classification_truncated, classification_unknown_dropped, classification_error_code, classification_error_detail, generation, attempts, faults, not_before, queued_at, heartbeat_at, is_at_work, is_waiting, deleted_at, created_at, updated_at FROM documents WHERE owner = $1 AND sha256 = $2

-- name: PurgeDocument :one
WITH gone AS (
    DELETE FROM documents d WHERE d.id = $1 AND d.owner = $2 RETURNING d.id, d.object_id, d.object_key, d.generation
), given_up AS (
    UPDATE objects SET state = 'dying' FROM gone WHERE objects.document_id = gone.id
)
SELECT gone.object_id, gone.object_key, gone.generation FROM gone

-- name: RestoreDocument :execrows
UPDATE documents SET
    updated_at = CASE WHEN deleted_at IS NULL THEN updated_at ELSE now() END,
    deleted_at = NULL
WHERE id = $1 AND owner = $2

-- name: ReviveDuplicate :one
WITH held AS (
    SELECT h.id, h.object_id, h.status FROM documents h WHERE h.owner = $2 AND h.sha256 = $3 FOR UPDATE
), fresh AS (
    UPDATE objects o SET state = 'live', document_id = held.id FROM held
    WHERE o.id = $4 AND o.state = 'writing' AND held.status = 'failed'
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
    classification_status = CASE WHEN d.status = 'failed' AND $1::boolean THEN 'pending' ELSE d.classification_status END,
    classification_among = CASE d.status WHEN 'failed' THEN NULL ELSE d.classification_among END,
    generation = d.generation + CASE d.status WHEN 'failed' THEN 1 ELSE 0 END,
    attempts = CASE d.status WHEN 'failed' THEN 0 ELSE d.attempts END,
    faults = CASE d.status WHEN 'failed' THEN 0 ELSE d.faults END,
    not_before = CASE d.status WHEN 'failed' THEN now() ELSE d.not_before END,
    queued_at = CASE d.status WHEN 'failed' THEN now() ELSE d.queued_at END,
    updated_at = CASE WHEN d.status = 'failed' OR d.deleted_at IS NOT NULL THEN now() ELSE d.updated_at END
FROM held LEFT JOIN fresh ON true
WHERE d.id = held.id
RETURNING d.id, d.generation, d.status

-- name: TrashDocument :execrows
UPDATE documents SET deleted_at = now(), updated_at = now() WHERE id = $1 AND owner = $2 AND deleted_at IS NULL

-- name: AddObject :exec
INSERT INTO objects (id, key, document_id) VALUES ($1, $2, $3)

-- name: BeatObject :execrows
UPDATE objects SET heartbeat_at = now() WHERE id = $1 AND state = 'writing'

-- name: ClaimDyingObjects :many
UPDATE objects o SET tried_at = now()
FROM (
    SELECT d.id FROM objects d WHERE d.is_dying AND (d.tried_at IS NULL OR d.tried_at < now() - $1::interval)
    ORDER BY d.tried_at NULLS FIRST LIMIT $2 FOR UPDATE SKIP LOCKED
) due
WHERE o.id = due.id
RETURNING o.id, o.key, (o.deleted_at IS NOT NULL)::boolean AS again

-- name: DropObject :exec
UPDATE objects SET state = 'dying' WHERE id = $1 AND state = 'writing'

-- name: DropStaleObjects :execrows
UPDATE objects SET state = 'dying' WHERE is_writing AND heartbeat_at < now() - $1::interval

-- name: ForgetObject :exec
DELETE FROM objects WHERE id = $1 AND state = 'dying' AND deleted_at IS NOT NULL

-- name: ObjectDeleted :exec
UPDATE objects SET deleted_at = now(), tried_at = now() WHERE id = $1 AND state = 'dying' AND deleted_at IS NULL

-- name: ObjectIsLive :one
SELECT EXISTS (SELECT FROM objects WHERE id = $1 AND state = 'live')::boolean

-- name: AddTopic :exec
INSERT INTO topics (id, user_id, name, description, color)
VALUES ($1, nullif($2::uuid, '00000000-0000-0000-0000-000000000000'), $3, $4, $5)

-- name: ChangeTopic :execrows
UPDATE topics SET
    name = coalesce($1::text, name),
    description = coalesce($2::text, description),
    color = coalesce($3::text, color)
WHERE id = $4 AND owner = $5

-- name: RemoveTopic :execrows
DELETE FROM topics WHERE id = $1 AND owner = $2

-- name: SchemaState :one
SELECT version, oldest_supported FROM schema_state

-- name: Setting :one
SELECT value FROM settings WHERE owner = $1 AND name = $2

-- name: TextStart :one
SELECT left(text, $1::integer)::text AS text, (char_length(text) > $1::integer)::boolean AS more
FROM document_texts WHERE document_id = $2

-- name: Topic :one
SELECT t.id, t.name, t.description, t.color, coalesce(sum(c.value), 0)::bigint AS doc_count
FROM topics t LEFT JOIN counters c ON c.owner = t.owner AND c.topic_id = t.id
WHERE t.owner = $1 AND t.id = $2
GROUP BY t.id

-- name: TopicExamples :many
SELECT asked.id::uuid AS topic_id, left(x.text, $1::integer)::text AS text
FROM unnest($2::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT f.document_id, d.created_at FROM document_topics f JOIN documents d ON d.id = f.document_id
    WHERE f.topic_id = asked.id AND f.by_hand AND d.deleted_at IS NULL AND d.id <> $3
    ORDER BY d.created_at DESC LIMIT $4
) newest
JOIN document_texts x ON x.document_id = newest.document_id
ORDER BY asked.id, newest.created_at DESC

-- name: Topics :many
SELECT t.id, t.name, t.description, t.color, coalesce(sum(c.value), 0)::bigint AS doc_count
FROM topics t LEFT JOIN counters c ON c.owner = t.owner AND c.topic_id = t.id
WHERE t.owner = $1
GROUP BY t.id ORDER BY lower(t.name)

-- name: TopicsNamed :many
SELECT id, name FROM topics WHERE owner = $1 AND lower(name) IN (SELECT lower(n) FROM unnest($2::text[]) n)

-- name: AskClassify :one
UPDATE documents SET
    classification_status = CASE status WHEN 'failed' THEN 'skipped' ELSE 'pending' END, classification_among = $1,
    classification_error_code = NULL, classification_error_detail = NULL,
    generation = generation + CASE status WHEN 'ready' THEN 1 ELSE 0 END,
    attempts = CASE status WHEN 'ready' THEN 0 ELSE attempts END,
    faults = CASE status WHEN 'ready' THEN 0 ELSE faults END,
    heartbeat_at = CASE status WHEN 'ready' THEN NULL ELSE heartbeat_at END,
    not_before = CASE status WHEN 'ready' THEN now() ELSE not_before END,
    queued_at = CASE status WHEN 'ready' THEN now() ELSE queued_at END,
    updated_at = now()
WHERE id = $2 AND owner = $3 AND deleted_at IS NULL
RETURNING generation, status

-- name: BeatDocument :execrows
UPDATE documents SET heartbeat_at = now() WHERE id = $1 AND generation = $2 AND heartbeat_at IS NOT NULL

-- name: BeginClassify :one
UPDATE documents SET attempts = attempts + 1, heartbeat_at = now()
WHERE id = $1 AND generation = $2 AND status = 'ready' AND classification_status = 'pending' AND heartbeat_at IS NULL
RETURNING owner, classification_among, attempts

-- name: BeginExtract :one
UPDATE documents SET status = 'processing', attempts = attempts + 1, heartbeat_at = now()
WHERE id = $1 AND generation = $2 AND status = 'pending' AND heartbeat_at IS NULL
RETURNING object_key, mime_type, size, attempts

-- name: FailClassify :execrows
UPDATE documents SET
    classification_status = 'failed', classification_error_code = $1::text, classification_error_detail = $2::text,
    generation = generation + 1, attempts = 0, faults = 0, heartbeat_at = NULL, updated_at = now()
WHERE id = $3 AND generation = $4 AND heartbeat_at IS NOT NULL

-- name: FailExtract :execrows
UPDATE documents SET
    status = 'failed', error_code = $1::text, error_detail = $2::text,
    classification_status = CASE classification_status WHEN 'pending' THEN 'skipped' ELSE classification_status END,
    generation = generation + 1, attempts = 0, faults = 0, heartbeat_at = NULL, updated_at = now()
WHERE id = $3 AND generation = $4 AND heartbeat_at IS NOT NULL

-- name: FileAutomatic :exec
INSERT INTO document_topics (document_id, topic_id, by_hand, confidence)
SELECT $1, t.id, false, c.confidence
FROM (SELECT unnest($2::uuid[]) AS id, unnest($3::real[]) AS confidence) c JOIN topics t ON t.id = c.id
ON CONFLICT (document_id, topic_id) DO NOTHING

-- name: FinishClassify :execrows
UPDATE documents SET
    classification_status = $1::text, classification_provider = $2, classification_model = $3,
    classification_prompt_hash = $4, classification_input_tokens = $5,
    classification_output_tokens = $6, classification_truncated = $7,
    classification_unknown_dropped = $8,
    classification_error_code = NULL, classification_error_detail = NULL,
    generation = generation + 1, attempts = 0, faults = 0, heartbeat_at = NULL, updated_at = now()
WHERE id = $9 AND generation = $10 AND heartbeat_at IS NOT NULL

-- name: FinishExtract :one
UPDATE documents SET
    status = 'ready', error_code = NULL, error_detail = NULL,
    page_count = $1, language = $2, text_truncated = $3,
    classification_status = CASE
        WHEN classification_status = 'pending' AND NOT $4::boolean THEN 'skipped' ELSE classification_status END,
    generation = generation + 1, attempts = 0, faults = 0, not_before = now(), queued_at = now(), heartbeat_at = NULL,
    updated_at = now()
WHERE id = $5 AND generation = $6 AND heartbeat_at IS NOT NULL
RETURNING generation, (classification_status = 'pending')::boolean AS classify

-- name: HandBack :one
UPDATE documents SET
    status = CASE status WHEN 'processing' THEN 'pending' ELSE status END,
    attempts = attempts - 1, generation = generation + 1, not_before = now(), queued_at = now(), heartbeat_at = NULL
WHERE id = $1 AND generation = $2 AND heartbeat_at IS NOT NULL
RETURNING generation

-- name: HandOutAgain :one
UPDATE documents SET generation = generation + 1, queued_at = now()
WHERE id = $1 AND generation = $2 AND heartbeat_at IS NULL
RETURNING generation

-- name: KeepText :exec
INSERT INTO document_texts (document_id, text) VALUES ($1, $2)
ON CONFLICT (document_id) DO UPDATE SET text = excluded.text

-- name: PutOff :execrows
UPDATE documents SET
    status = CASE status WHEN 'processing' THEN 'pending' ELSE status END,
    attempts = attempts - CASE WHEN $1::boolean THEN 1 ELSE 0 END, faults = faults + 1,
    not_before = now() + interval '1 second' * power(2, least(faults + 1, 6)),
    heartbeat_at = NULL
WHERE id = $2 AND generation = $3 AND heartbeat_at IS NOT NULL

-- name: StillQueued :exec
UPDATE documents SET queued_at = now() WHERE id = ANY($1::uuid[]) AND heartbeat_at IS NULL

-- name: TakeOver :many
UPDATE documents d SET
    status = CASE d.status WHEN 'processing' THEN 'pending' ELSE d.status END,
    generation = d.generation + 1, queued_at = now(), heartbeat_at = NULL
FROM (
    SELECT w.id FROM documents w WHERE w.is_at_work AND w.heartbeat_at < now() - $1::interval
    ORDER BY w.heartbeat_at LIMIT $2 FOR UPDATE SKIP LOCKED
) dead
WHERE d.id = dead.id
RETURNING d.id, d.generation, d.status

-- name: UnfileAutomatic :exec
DELETE FROM document_topics WHERE document_id = $1 AND NOT by_hand

-- name: Waiting :many
SELECT id, generation, status FROM documents
WHERE is_waiting AND queued_at < now() - $1::interval AND not_before <= now()
ORDER BY queued_at LIMIT $2

-- name: ListDocuments :many
SELECT id, user_id, owner, object_id, object_key, original_name, mime_type, kind, size, sha256, status, error_code,
	error_detail, page_count, language, text_truncated, classification_status, classification_among,
	classification_provider, classification_model, classification_prompt_hash, classification_input_tokens,
	classification_output_tokens, classification_truncated, classification_unknown_dropped, classification_error_code,
	classification_error_detail, generation, attempts, faults, not_before, queued_at, heartbeat_at, is_at_work,
	is_waiting, deleted_at, created_at, updated_at FROM documents d WHERE owner = $1 AND deleted_at IS NULL
AND EXISTS (SELECT FROM document_topics f WHERE f.topic_id = $2 AND f.document_id = d.id) AND status = $3 AND kind = $4 AND created_at > $5
AND size >= $6 AND (original_name COLLATE "C", id) > ($7, $8) ORDER BY original_name COLLATE "C" ASC, id ASC LIMIT 20 OFFSET 0

-- name: CountDocuments :one
SELECT count(*) FROM (SELECT 1 FROM documents d WHERE owner = $1 AND deleted_at IS NULL
AND NOT EXISTS (SELECT FROM document_topics f WHERE f.document_id = d.id) LIMIT 10000) bounded
