-- +goose Up

-- quote_literal writes what holds a backslash as E'...', which is no lexeme; and no lexeme holds one.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_prefix(language text, word text) RETURNS tsquery LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN numnode(search_term(language, word)) = 0 THEN ''::tsquery
        ELSE (quote_literal(translate(lower(extensions.unaccent(search_text(language, word))), '\', ' ')) || ':*')::tsquery END
$$;
-- +goose StatementEnd

-- What is deleted for good is told of what was in the trash, too: there are those who look into it.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION documents_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO document_stats AS s (owner, status, trashed, slot, documents, bytes)
    SELECT owner, status, deleted_at IS NOT NULL, pg_backend_pid() % 16, -count(*), -sum(size)
    FROM before GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (owner, status, trashed, slot) DO UPDATE
        SET documents = s.documents + excluded.documents, bytes = s.bytes + excluded.bytes;

    IF (SELECT count(*) FROM before) > 1000 THEN
        INSERT INTO changes (what) VALUES ('reset');
    ELSE
        INSERT INTO changes (owner, what, document_id, status, classification_status)
        SELECT owner, 'document', id, status, classification_status FROM before;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

UPDATE schema_state SET version = 8;
