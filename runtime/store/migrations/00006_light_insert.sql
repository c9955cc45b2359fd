-- +goose Up

-- What follows a new document, in one function instead of five, and with less of search: what a text is found by is written when the text
-- is, with the words of the name once more. Until then the document is found by the words of its name as they are.

-- +goose StatementBegin
CREATE FUNCTION document_added() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    slot smallint := pg_backend_pid() % 16;
    words text := search_name(NEW.original_name);
BEGIN
    INSERT INTO document_untagged (document_id, owner, created_at) VALUES (NEW.id, NEW.owner, NEW.created_at);
    INSERT INTO document_search (document_id, owner, created_at, trashed, language, terms)
    VALUES (NEW.id, NEW.owner, NEW.created_at, NEW.deleted_at IS NOT NULL, 'simple', setweight(
        to_tsvector('public.search_simple', words || ' ' || regexp_replace(words, '([0-9]+)', ' \1 ', 'g')), 'A'));
    INSERT INTO changes (owner, what, document_id) VALUES (NEW.owner, 'document', NEW.id);
    -- Last, for others wait for these.
    IF NEW.deleted_at IS NULL THEN
        INSERT INTO counters AS c (owner, topic_id, slot, value)
        VALUES (NEW.owner, '00000000-0000-0000-0000-000000000000', slot, 1)
        ON CONFLICT ON CONSTRAINT counters_pkey DO UPDATE SET value = c.value + excluded.value;
    END IF;
    INSERT INTO document_stats AS s (owner, status, trashed, slot, documents, bytes)
    VALUES (NEW.owner, NEW.status, NEW.deleted_at IS NOT NULL, slot, 1, NEW.size)
    ON CONFLICT ON CONSTRAINT document_stats_pkey DO UPDATE
        SET documents = s.documents + excluded.documents, bytes = s.bytes + excluded.bytes;
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- A document that cannot be read gets no text, but is found by its name for good.
-- +goose StatementBegin
CREATE FUNCTION search_failed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM search_index(NEW.id);
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- Old programs write meanwhile. A trigger that is dropped would have to wait for whoever reads the table, and all others for it: one that
-- is never true costs next to nothing.
CREATE OR REPLACE TRIGGER document_added AFTER INSERT ON documents
    FOR EACH ROW EXECUTE FUNCTION document_added();
CREATE OR REPLACE TRIGGER document_dated_added AFTER INSERT ON documents
    FOR EACH ROW WHEN (false) EXECUTE FUNCTION document_dated();
CREATE OR REPLACE TRIGGER document_inserted AFTER INSERT ON documents
    FOR EACH ROW WHEN (false) EXECUTE FUNCTION document_inserted();
CREATE OR REPLACE TRIGGER search_document_added AFTER INSERT ON documents
    FOR EACH ROW WHEN (false) EXECUTE FUNCTION search_follows();
CREATE TRIGGER search_document_failed AFTER UPDATE OF status ON documents
    FOR EACH ROW WHEN (NEW.status = 'failed' AND OLD.status <> 'failed') EXECUTE FUNCTION search_failed();

UPDATE schema_state SET version = 6;
