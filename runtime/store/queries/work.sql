-- name: BeginExtract :one
-- The attempt is counted before the work: a worker that dies of it leaves it counted.
UPDATE documents SET status = 'processing', attempts = attempts + 1, heartbeat_at = now()
WHERE id = @id AND generation = @generation AND status = 'pending' AND heartbeat_at IS NULL
RETURNING object_key, mime_type, kind, size, attempts;

-- name: BeginClassify :one
UPDATE documents SET attempts = attempts + 1, heartbeat_at = now()
WHERE id = @id AND generation = @generation AND status = 'ready' AND classification_status = 'pending' AND heartbeat_at IS NULL
RETURNING owner, classification_among, attempts, faults,
    coalesce((SELECT now() - since FROM classification_delays WHERE document_id = id AND faults > 0), '0')::interval AS put_off_for;

-- name: BeatDocument :execrows
UPDATE documents SET heartbeat_at = now() WHERE id = @id AND generation = @generation AND heartbeat_at IS NOT NULL;

-- name: FinishExtract :one
-- Fenced, as every write of a worker. Asked-for filing becomes due under a generation of its own, or is skipped without text.
UPDATE documents SET
    status = 'ready', error_code = NULL, error_detail = NULL,
    page_count = @page_count, language = @language, text_truncated = @text_truncated,
    classification_status = CASE
        WHEN classification_status = 'pending' AND NOT @has_text::boolean THEN 'skipped' ELSE classification_status END,
    generation = generation + 1, attempts = 0, faults = 0, not_before = now(), queued_at = now(), heartbeat_at = NULL,
    updated_at = now()
WHERE id = @id AND generation = @generation AND heartbeat_at IS NOT NULL
RETURNING generation, (classification_status = 'pending')::boolean AS classify;

-- name: KeepText :exec
-- Triggers index it.
INSERT INTO document_texts (document_id, text, indexed_characters) VALUES (@document_id, @text, @indexed_characters::integer)
ON CONFLICT (document_id) DO UPDATE SET text = excluded.text, indexed_characters = excluded.indexed_characters;

-- name: FailExtract :execrows
UPDATE documents SET
    status = 'failed', error_code = @code::text, error_detail = @detail::text,
    classification_status = CASE classification_status WHEN 'pending' THEN 'skipped' ELSE classification_status END,
    generation = generation + 1, attempts = 0, faults = 0, heartbeat_at = NULL, updated_at = now()
WHERE id = @id AND generation = @generation AND heartbeat_at IS NOT NULL;

-- name: FinishClassify :execrows
UPDATE documents SET
    classification_status = @status::text, classification_provider = @provider, classification_model = @model,
    classification_prompt_hash = @prompt_hash, classification_input_tokens = @input_tokens,
    classification_output_tokens = @output_tokens, classification_truncated = @truncated,
    classification_unknown_dropped = @unknown_dropped,
    classification_error_code = NULL, classification_error_detail = NULL,
    generation = generation + 1, attempts = 0, faults = 0, heartbeat_at = NULL, updated_at = now()
WHERE id = @id AND generation = @generation AND heartbeat_at IS NOT NULL;

-- name: FailClassify :execrows
UPDATE documents SET
    classification_status = 'failed', classification_error_code = @code::text, classification_error_detail = @detail::text,
    generation = generation + 1, attempts = 0, faults = 0, heartbeat_at = NULL, updated_at = now()
WHERE id = @id AND generation = @generation AND heartbeat_at IS NOT NULL;

-- name: UnfileAutomatic :exec
DELETE FROM document_topics WHERE document_id = @document_id AND NOT by_hand;

-- name: LockChosen :many
-- In one order, whoever asks. One that goes meanwhile is not among them.
SELECT id FROM topics WHERE id = ANY(@ids::uuid[]) ORDER BY id FOR KEY SHARE;

-- name: FileAutomatic :exec
-- What was filed by hand stays so.
INSERT INTO document_topics (document_id, topic_id, by_hand, confidence)
SELECT @document_id, c.id, false, c.confidence
FROM (SELECT unnest(@topics::uuid[]) AS id, unnest(@confidences::real[]) AS confidence) c
ON CONFLICT (document_id, topic_id) DO NOTHING;

-- name: PutOff :execrows
-- A passing fault: due again after 2, 4, 8 ... 64 seconds. Where something else was away it does not count as an attempt; of any
-- other fault the document may be the reason, as of deaths, so that it must not be tried for ever. With the first fault of a filing
-- begins what it is put off for: what an earlier one was counts no more. Nothing in the queue will say that it is due: it counts as handed
-- out so long before that the sweeper looks for it then.
WITH earlier AS (
    DELETE FROM classification_delays c USING documents d
    WHERE c.document_id = d.id AND d.id = @id AND d.generation = @generation AND d.faults = 0
)
UPDATE documents d SET
    status = CASE status WHEN 'processing' THEN 'pending' ELSE status END,
    attempts = attempts - CASE WHEN @was_away::boolean THEN 1 ELSE 0 END, faults = faults + 1,
    not_before = now() + interval '1 second' * power(2, least(faults + 1, 6)),
    queued_at = now() + interval '1 second' * power(2, least(faults + 1, 6)) - @waits_after::interval,
    heartbeat_at = NULL
WHERE d.id = @id AND d.generation = @generation AND d.heartbeat_at IS NOT NULL;

-- name: HandBack :one
-- A worker that stops gives its work back, due at once.
UPDATE documents SET
    status = CASE status WHEN 'processing' THEN 'pending' ELSE status END,
    attempts = attempts - 1, generation = generation + 1, not_before = now(), queued_at = now(), heartbeat_at = NULL
WHERE id = @id AND generation = @generation AND heartbeat_at IS NOT NULL
RETURNING generation;

-- name: Waiting :many
-- Work that nobody has, handed out longer ago than after: it waits in the queue, or the queue lost it.
SELECT id, generation, status FROM documents
WHERE is_waiting AND queued_at < now() - @after::interval AND not_before <= now()
ORDER BY queued_at LIMIT @at_most;

-- name: StillQueued :exec
-- Not what was taken and put off meanwhile.
UPDATE documents SET queued_at = now() WHERE id = ANY(@ids::uuid[]) AND heartbeat_at IS NULL AND not_before <= now();

-- name: HandOutAgain :one
UPDATE documents SET generation = generation + 1, queued_at = now()
WHERE id = @id AND generation = @generation AND heartbeat_at IS NULL
RETURNING generation;

-- name: TakeOver :many
-- Work whose worker died: its heart has stopped. The generation shuts it out, should it live after all.
UPDATE documents d SET
    status = CASE d.status WHEN 'processing' THEN 'pending' ELSE d.status END,
    generation = d.generation + 1, queued_at = now(), heartbeat_at = NULL
FROM (
    SELECT w.id FROM documents w WHERE w.is_at_work AND w.heartbeat_at < now() - @after::interval
    ORDER BY w.heartbeat_at LIMIT @at_most FOR UPDATE SKIP LOCKED
) dead
WHERE d.id = dead.id
RETURNING d.id, d.generation, d.status;

-- name: Backlog :one
-- Work that nobody has, and for how long the oldest of it has been due. Bounded: it is asked at each scrape of the metrics.
SELECT count(*)::bigint AS waiting, coalesce(extract(epoch FROM now() - min(bounded.updated_at)), 0)::double precision AS oldest_seconds
FROM (SELECT d.updated_at FROM documents d WHERE d.is_waiting ORDER BY d.queued_at LIMIT @at_most) bounded;
