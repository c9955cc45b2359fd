-- name: Topics :many
SELECT t.id, t.name, t.description, t.color, coalesce(sum(c.value), 0)::bigint AS doc_count
FROM topics t LEFT JOIN counters c ON c.owner = t.owner AND c.topic_id = t.id
WHERE t.owner = @owner
GROUP BY t.id ORDER BY lower(t.name);

-- name: Topic :one
SELECT t.id, t.name, t.description, t.color, coalesce(sum(c.value), 0)::bigint AS doc_count
FROM topics t LEFT JOIN counters c ON c.owner = t.owner AND c.topic_id = t.id
WHERE t.owner = @owner AND t.id = @id
GROUP BY t.id;

-- name: TopicsNamed :many
SELECT id, name FROM topics WHERE owner = @owner AND lower(name) IN (SELECT lower(n) FROM unnest(@names::text[]) n);

-- name: AddTopic :exec
INSERT INTO topics (id, user_id, name, description, color)
VALUES (@id, nullif(@owner::uuid, '00000000-0000-0000-0000-000000000000'), @name, @description, @color);

-- name: ChangeTopic :execrows
UPDATE topics SET
    name = coalesce(sqlc.narg(name)::text, name),
    description = coalesce(sqlc.narg(description)::text, description),
    color = coalesce(sqlc.narg(color)::text, color)
WHERE id = @id AND owner = @owner;

-- name: RemoveTopic :execrows
DELETE FROM topics WHERE id = @id AND owner = @owner;

-- name: TopicExamples :many
-- The first part of the newest documents that were filed by hand. The texts are fetched last, of those documents alone.
SELECT asked.id::uuid AS topic_id, left(x.text, @characters::integer)::text AS text
FROM unnest(@topics::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT f.document_id, d.created_at FROM document_topics f JOIN documents d ON d.id = f.document_id
    WHERE f.topic_id = asked.id AND f.by_hand AND d.deleted_at IS NULL AND d.id <> @but_not
    ORDER BY d.created_at DESC LIMIT @per_topic
) newest
JOIN document_texts x ON x.document_id = newest.document_id
ORDER BY asked.id, newest.created_at DESC;

-- name: TextStart :one
SELECT left(text, @characters::integer)::text AS text, (char_length(text) > @characters::integer)::boolean AS more
FROM document_texts WHERE document_id = @document_id;

-- name: Setting :one
SELECT value FROM settings WHERE owner = @owner AND name = @name;

-- name: SchemaState :one
SELECT version, oldest_supported FROM schema_state;
