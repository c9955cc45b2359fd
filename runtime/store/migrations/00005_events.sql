-- +goose Up

-- Whoever writes waits until what is counted here is counted. In the order in which programs take them.
LOCK TABLE documents, topics, document_topics IN SHARE ROW EXCLUSIVE MODE;

-- How many documents there are in each state and their bytes, kept as counters are: a sum of slots.
CREATE TABLE document_stats (
    owner uuid NOT NULL,
    status text NOT NULL,
    trashed boolean NOT NULL,
    slot smallint NOT NULL,
    documents bigint NOT NULL,
    bytes bigint NOT NULL,
    PRIMARY KEY (owner, status, trashed, slot)
);

-- What changed in the last minute, for programs that follow it: they ask for what was not visible in their last snapshot. Not NOTIFY,
-- under which the commits of a whole server wait for one another. Unlogged: a crash breaks the followers' connections, and one that
-- connects anew takes it that it missed something.
CREATE UNLOGGED TABLE changes (
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    at timestamptz NOT NULL DEFAULT now(),
    owner uuid, -- null: everyone
    what text NOT NULL CHECK (what IN ('document', 'topics', 'reset')), -- reset: more than is told one by one
    document_id uuid,
    status text, classification_status text -- of a document that is no more, its last
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000);
CREATE INDEX changes_xid ON changes (xid);

-- Of the statistics alone: the condition is written so that no other query can be taken to mean it.
CREATE INDEX documents_pending ON documents (owner, updated_at) WHERE status || '' = 'pending' AND deleted_at IS NULL;

-- +goose StatementBegin
CREATE FUNCTION document_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO document_stats AS s (owner, status, trashed, slot, documents, bytes)
    VALUES (NEW.owner, NEW.status, NEW.deleted_at IS NOT NULL, pg_backend_pid() % 16, 1, NEW.size)
    ON CONFLICT (owner, status, trashed, slot) DO UPDATE
        SET documents = s.documents + excluded.documents, bytes = s.bytes + excluded.bytes;
    INSERT INTO changes (owner, what, document_id) VALUES (NEW.owner, 'document', NEW.id);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER document_inserted AFTER INSERT ON documents
    FOR EACH ROW EXECUTE FUNCTION document_inserted();

-- +goose StatementBegin
CREATE FUNCTION documents_updated() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told bigint;
BEGIN
    INSERT INTO document_stats AS s (owner, status, trashed, slot, documents, bytes)
    SELECT owner, status, trashed, pg_backend_pid() % 16, sum(documents), sum(bytes)
    FROM (
        SELECT owner, status, deleted_at IS NOT NULL AS trashed, -1 AS documents, -size AS bytes FROM before
        UNION ALL
        SELECT owner, status, deleted_at IS NOT NULL, 1, size FROM after
    ) both_sides
    GROUP BY owner, status, trashed HAVING sum(documents) <> 0 OR sum(bytes) <> 0
    ORDER BY owner, status, trashed
    ON CONFLICT (owner, status, trashed, slot) DO UPDATE
        SET documents = s.documents + excluded.documents, bytes = s.bytes + excluded.bytes;

    IF (SELECT count(*) FROM after) > 1000 THEN
        INSERT INTO changes (what) VALUES ('reset');
        RETURN NULL;
    END IF;
    -- Heartbeats and the like tell nobody anything.
    INSERT INTO changes (owner, what, document_id)
    SELECT owner, 'document', id FROM (
        SELECT id, owner, original_name, status, classification_status, deleted_at IS NULL FROM after
        EXCEPT
        SELECT id, owner, original_name, status, classification_status, deleted_at IS NULL FROM before
    ) changed;
    GET DIAGNOSTICS told = ROW_COUNT;
    IF told > 0 THEN
        INSERT INTO changes (owner, what)
        SELECT DISTINCT moved.owner, 'topics' FROM (
            SELECT id, owner, deleted_at IS NULL FROM after EXCEPT SELECT id, owner, deleted_at IS NULL FROM before
        ) moved JOIN document_topics f ON f.document_id = moved.id;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER documents_updated AFTER UPDATE ON documents
    REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION documents_updated();

-- +goose StatementBegin
CREATE FUNCTION documents_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO document_stats AS s (owner, status, trashed, slot, documents, bytes)
    SELECT owner, status, deleted_at IS NOT NULL, pg_backend_pid() % 16, -count(*), -sum(size)
    FROM before GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
    ON CONFLICT (owner, status, trashed, slot) DO UPDATE
        SET documents = s.documents + excluded.documents, bytes = s.bytes + excluded.bytes;

    IF (SELECT count(*) FROM before WHERE deleted_at IS NULL) > 1000 THEN
        INSERT INTO changes (what) VALUES ('reset');
    ELSE
        INSERT INTO changes (owner, what, document_id, status, classification_status)
        SELECT owner, 'document', id, status, classification_status FROM before WHERE deleted_at IS NULL;
    END IF;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER documents_deleted AFTER DELETE ON documents
    REFERENCING OLD TABLE AS before FOR EACH STATEMENT EXECUTE FUNCTION documents_deleted();

-- +goose StatementBegin
CREATE FUNCTION filings_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM changed) > 1000 THEN
        INSERT INTO changes (what) VALUES ('reset');
        RETURN NULL;
    END IF;
    INSERT INTO changes (owner, what, document_id)
    SELECT d.owner, w.what, CASE w.what WHEN 'document' THEN d.id END
    FROM (SELECT DISTINCT document_id FROM changed) c JOIN documents d ON d.id = c.document_id
    CROSS JOIN (VALUES ('document'), ('topics')) w (what)
    WHERE d.deleted_at IS NULL
    GROUP BY 1, 2, 3;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER filings_told AFTER INSERT ON document_topics
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION filings_changed();
CREATE TRIGGER unfilings_told AFTER DELETE ON document_topics
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION filings_changed();

-- +goose StatementBegin
CREATE FUNCTION topic_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (owner, what) VALUES (coalesce(NEW.owner, OLD.owner), 'topics');
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER topic_changed AFTER INSERT OR UPDATE OR DELETE ON topics
    FOR EACH ROW EXECUTE FUNCTION topic_changed();

INSERT INTO document_stats (owner, status, trashed, slot, documents, bytes)
SELECT owner, status, deleted_at IS NOT NULL, 0, count(*), sum(size) FROM documents GROUP BY 1, 2, 3;

UPDATE schema_state SET version = 5;
