-- name: RenameDocument :execrows
-- Also without a new name: who files a document holds its row, as its counters count on.
UPDATE documents SET original_name = coalesce(sqlc.narg(original_name)::text, original_name), updated_at = now()
WHERE id = @id AND owner = @owner AND deleted_at IS NULL;

-- name: LockTopics :many
-- In one order, whoever asks. One that goes meanwhile is not among them.
SELECT id FROM topics WHERE owner = @owner AND id = ANY(@ids::uuid[]) ORDER BY id FOR KEY SHARE;

-- name: LockTopicsWhole :many
-- Against filings, too.
SELECT id FROM topics WHERE owner = @owner AND id = ANY(@ids::uuid[]) ORDER BY id FOR UPDATE;

-- name: LockDocuments :many
SELECT id FROM documents WHERE owner = @owner AND id = ANY(@ids::uuid[]) AND deleted_at IS NULL ORDER BY id FOR NO KEY UPDATE;

-- name: TouchDocuments :exec
UPDATE documents SET updated_at = now() WHERE id = ANY(@ids::uuid[]);

-- name: UnfileOthers :exec
DELETE FROM document_topics WHERE document_id = @document_id AND topic_id <> ALL(@topics::uuid[]);

-- name: FileByHand :exec
INSERT INTO document_topics AS f (document_id, topic_id, by_hand, confidence)
SELECT d, t, true, 1 FROM unnest(@documents::uuid[]) d CROSS JOIN unnest(@topics::uuid[]) t ORDER BY 1, 2
ON CONFLICT (document_id, topic_id) DO UPDATE SET by_hand = true, confidence = 1 WHERE NOT f.by_hand;

-- name: Unfile :exec
DELETE FROM document_topics WHERE document_id = ANY(@documents::uuid[]) AND topic_id = ANY(@topics::uuid[]);

-- name: LockFiled :execrows
-- Into the trash and out of it while they move, they would be counted under the wrong topic.
SELECT FROM documents WHERE id IN (SELECT f.document_id FROM document_topics f WHERE f.topic_id = @topic_id)
ORDER BY id FOR NO KEY UPDATE;

-- name: CountFiled :one
SELECT count(*) FROM document_topics WHERE topic_id = @topic_id;

-- name: MoveFilings :exec
-- By hand from now on, as who merged the topics wants them there: automatic filing knows nothing of that, and might not choose the other.
INSERT INTO document_topics AS f (document_id, topic_id, by_hand, confidence)
SELECT m.document_id, @into_topic, true, m.confidence FROM document_topics m WHERE m.topic_id = @from_topic
ORDER BY m.document_id
ON CONFLICT (document_id, topic_id) DO UPDATE
    SET by_hand = true, confidence = greatest(f.confidence, excluded.confidence);

-- name: ChooseAmongMerged :exec
-- Work that is due chooses among the other topic where it was to choose among this one.
UPDATE documents SET classification_among = ARRAY(
    SELECT DISTINCT unnest(array_replace(classification_among, @from_topic::uuid, @into_topic::uuid)))
WHERE (is_waiting OR is_at_work) AND owner = @owner AND classification_among @> ARRAY[@from_topic::uuid];

-- name: TrashDocuments :many
UPDATE documents d SET deleted_at = now(), updated_at = now()
FROM (
    SELECT w.id FROM documents w WHERE w.owner = @owner AND w.id = ANY(@ids::uuid[]) AND w.deleted_at IS NULL ORDER BY w.id FOR UPDATE
) wanted
WHERE d.id = wanted.id
RETURNING d.id;

-- name: RestoreDocuments :many
-- Those that are not in the trash stay as they are, and count as restored.
WITH wanted AS (
    SELECT w.id, w.deleted_at FROM documents w WHERE w.owner = @owner AND w.id = ANY(@ids::uuid[]) ORDER BY w.id FOR UPDATE
), restored AS (
    UPDATE documents d SET deleted_at = NULL, updated_at = now() FROM wanted WHERE d.id = wanted.id AND wanted.deleted_at IS NOT NULL
)
SELECT wanted.id FROM wanted;

-- name: PurgeDocuments :many
-- Also from the trash. The sweeper deletes the objects.
WITH wanted AS (
    SELECT w.id FROM documents w WHERE w.owner = @owner AND w.id = ANY(@ids::uuid[]) ORDER BY w.id FOR UPDATE
), gone AS (
    DELETE FROM documents d USING wanted WHERE d.id = wanted.id RETURNING d.id
), given_up AS (
    UPDATE objects SET state = 'dying' FROM gone WHERE objects.document_id = gone.id
)
SELECT gone.id FROM gone;

-- name: AskReprocess :many
-- From the start, under a generation of its own: whoever reads it now is shut out. The text of before stays until there is another.
UPDATE documents d SET
    status = 'pending', error_code = NULL, error_detail = NULL,
    classification_status = 'pending', classification_among = NULL,
    classification_error_code = NULL, classification_error_detail = NULL,
    generation = d.generation + 1, attempts = 0, faults = 0, not_before = now(), queued_at = now(), heartbeat_at = NULL,
    updated_at = now()
FROM (
    SELECT w.id FROM documents w WHERE w.owner = @owner AND w.id = ANY(@ids::uuid[]) AND w.deleted_at IS NULL ORDER BY w.id FOR UPDATE
) wanted
WHERE d.id = wanted.id
RETURNING d.id, d.generation, d.status;

-- name: AskClassify :many
-- While a document is still being read, its filing follows; else it is due now, under a generation of its own.
UPDATE documents d SET
    classification_status = CASE d.status WHEN 'failed' THEN 'skipped' ELSE 'pending' END, classification_among = @among,
    classification_error_code = NULL, classification_error_detail = NULL,
    generation = d.generation + CASE d.status WHEN 'ready' THEN 1 ELSE 0 END,
    attempts = CASE d.status WHEN 'ready' THEN 0 ELSE d.attempts END,
    faults = CASE d.status WHEN 'ready' THEN 0 ELSE d.faults END,
    heartbeat_at = CASE d.status WHEN 'ready' THEN NULL ELSE d.heartbeat_at END,
    not_before = CASE d.status WHEN 'ready' THEN now() ELSE d.not_before END,
    queued_at = CASE d.status WHEN 'ready' THEN now() ELSE d.queued_at END,
    updated_at = now()
FROM (
    SELECT w.id FROM documents w WHERE w.owner = @owner AND w.id = ANY(@ids::uuid[]) AND w.deleted_at IS NULL ORDER BY w.id FOR UPDATE
) wanted
WHERE d.id = wanted.id
RETURNING d.id, d.generation, d.status;
