-- +goose Up

-- What this schema is, and which programs may use it: a program knows the schema it was built for, and works while
-- oldest_supported <= that <= version. Migrations expand first; a later one contracts and raises oldest_supported.
CREATE TABLE schema_state (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    version integer NOT NULL,
    oldest_supported integer NOT NULL
);
INSERT INTO schema_state (version, oldest_supported) VALUES (1, 1);

CREATE TABLE users (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE settings (
    user_id uuid REFERENCES users ON DELETE CASCADE,
    owner uuid NOT NULL GENERATED ALWAYS AS (coalesce(user_id, '00000000-0000-0000-0000-000000000000')) STORED,
    name text NOT NULL,
    value jsonb NOT NULL,
    PRIMARY KEY (owner, name)
);

-- Every object in the store has a row here before its first byte is sent.
CREATE TABLE objects (
    id uuid PRIMARY KEY,
    key text NOT NULL UNIQUE,
    document_id uuid NOT NULL, -- which it belongs to, or will; no reference, because it comes first
    state text NOT NULL DEFAULT 'writing' CHECK (state IN ('writing', 'live', 'dying')),
    heartbeat_at timestamptz NOT NULL DEFAULT now(), -- of who writes it
    deleted_at timestamptz, -- first deletion; another follows, because a late write may land after it
    tried_at timestamptz, -- to delete it, last; who takes it up to delete it says so first
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Of the sweeper's indexes alone: if these asked for the state itself, the planner would take them, which it believes to be
    -- empty, to find single objects too, and read through all that was ever in them.
    is_writing boolean NOT NULL GENERATED ALWAYS AS (state = 'writing') STORED,
    is_dying boolean NOT NULL GENERATED ALWAYS AS (state = 'dying') STORED
);
CREATE INDEX objects_document ON objects (document_id);
CREATE INDEX objects_writing ON objects (heartbeat_at) WHERE is_writing;
CREATE INDEX objects_dying ON objects (tried_at NULLS FIRST) WHERE is_dying;

CREATE TABLE documents (
    id uuid PRIMARY KEY,
    user_id uuid REFERENCES users ON DELETE CASCADE,
    -- The nil UUID where there is no user, so that an index serves both with one condition.
    owner uuid NOT NULL GENERATED ALWAYS AS (coalesce(user_id, '00000000-0000-0000-0000-000000000000')) STORED,
    object_id uuid NOT NULL UNIQUE REFERENCES objects,
    object_key text NOT NULL,
    original_name text NOT NULL CHECK (octet_length(original_name) BETWEEN 1 AND 255),
    mime_type text NOT NULL,
    kind text NOT NULL,
    size bigint NOT NULL CHECK (size > 0),
    sha256 bytea NOT NULL CHECK (octet_length(sha256) = 32),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'processing', 'ready', 'failed')),
    error_code text,
    error_detail text,
    page_count integer NOT NULL DEFAULT 0,
    language text NOT NULL DEFAULT '',
    text_truncated boolean NOT NULL DEFAULT false,

    classification_status text NOT NULL DEFAULT 'none'
        CHECK (classification_status IN ('none', 'pending', 'done', 'failed', 'skipped')),
    classification_among uuid[], -- topics that the choice is restricted to; null: all
    classification_provider text NOT NULL DEFAULT '',
    classification_model text NOT NULL DEFAULT '',
    classification_prompt_hash text NOT NULL DEFAULT '',
    classification_input_tokens integer NOT NULL DEFAULT 0,
    classification_output_tokens integer NOT NULL DEFAULT 0,
    classification_truncated boolean NOT NULL DEFAULT false,
    classification_unknown_dropped integer NOT NULL DEFAULT 0,
    classification_error_code text,
    classification_error_detail text,

    -- The work on it. Redis only says that there may be work; these say what is due.
    generation bigint NOT NULL DEFAULT 1, -- writes of a worker are fenced on it
    attempts integer NOT NULL DEFAULT 0, -- begun, and ended neither by a result nor because something was away: deaths
    faults integer NOT NULL DEFAULT 0, -- passing faults in a row
    not_before timestamptz NOT NULL DEFAULT now(),
    queued_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz, -- of the worker that has it; null: nobody
    -- Of the sweeper's indexes alone, as with objects.
    is_at_work boolean NOT NULL GENERATED ALWAYS AS (heartbeat_at IS NOT NULL) STORED,
    is_waiting boolean NOT NULL GENERATED ALWAYS AS (
        heartbeat_at IS NULL AND (status = 'pending' OR (status = 'ready' AND classification_status = 'pending'))
    ) STORED,

    deleted_at timestamptz, -- into the trash
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT documents_content UNIQUE (owner, sha256)
);
CREATE INDEX documents_created ON documents (owner, created_at, id) WHERE deleted_at IS NULL;
CREATE INDEX documents_name ON documents (owner, original_name COLLATE "C", id) WHERE deleted_at IS NULL;
CREATE INDEX documents_size ON documents (owner, size, id) WHERE deleted_at IS NULL;
CREATE INDEX documents_trash ON documents (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX documents_user ON documents (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX documents_waiting ON documents (queued_at) WHERE is_waiting;
CREATE INDEX documents_at_work ON documents (heartbeat_at) WHERE is_at_work;

-- Apart from documents: lists never touch text.
CREATE TABLE document_texts (
    document_id uuid PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    text text NOT NULL
);

CREATE TABLE topics (
    id uuid PRIMARY KEY,
    user_id uuid REFERENCES users ON DELETE CASCADE,
    owner uuid NOT NULL GENERATED ALWAYS AS (coalesce(user_id, '00000000-0000-0000-0000-000000000000')) STORED,
    name text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    description text NOT NULL,
    color text NOT NULL CHECK (color ~ '^#[0-9a-f]{6}$'),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX topics_name ON topics (owner, lower(name));

CREATE TABLE document_topics (
    document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
    topic_id uuid NOT NULL REFERENCES topics ON DELETE CASCADE,
    by_hand boolean NOT NULL, -- automatic filing leaves these alone
    confidence real NOT NULL DEFAULT 1 CHECK (confidence BETWEEN 0 AND 1),
    PRIMARY KEY (document_id, topic_id)
);
CREATE INDEX document_topics_topic ON document_topics (topic_id, document_id);

-- Counts are kept, not counted: count(*) of a million rows takes 40 ms. A count is the sum of its slots, so that
-- sixteen connections can count at once without waiting for one another's commit.
CREATE TABLE counters (
    owner uuid NOT NULL,
    topic_id uuid NOT NULL, -- the nil UUID: all documents of the owner
    slot smallint NOT NULL,
    value bigint NOT NULL,
    PRIMARY KEY (owner, topic_id, slot)
);

-- +goose StatementBegin
CREATE FUNCTION document_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO counters (owner, topic_id, slot, value)
        VALUES (NEW.owner, '00000000-0000-0000-0000-000000000000', pg_backend_pid() % 16, 1)
        ON CONFLICT (owner, topic_id, slot) DO UPDATE SET value = counters.value + excluded.value;
        RETURN NEW;
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO counters (owner, topic_id, slot, value)
        SELECT NEW.owner, t.id, pg_backend_pid() % 16, CASE WHEN NEW.deleted_at IS NULL THEN 1 ELSE -1 END
        FROM (
            SELECT '00000000-0000-0000-0000-000000000000'::uuid AS id
            UNION ALL SELECT topic_id FROM document_topics WHERE document_id = NEW.id
            ORDER BY id
        ) t
        ON CONFLICT (owner, topic_id, slot) DO UPDATE SET value = counters.value + excluded.value;
        RETURN NEW;
    END IF;
    -- While the document can still be seen: filing_counted looks at it.
    DELETE FROM document_topics WHERE document_id = OLD.id;
    IF OLD.deleted_at IS NULL THEN
        INSERT INTO counters (owner, topic_id, slot, value)
        VALUES (OLD.owner, '00000000-0000-0000-0000-000000000000', pg_backend_pid() % 16, -1)
        ON CONFLICT (owner, topic_id, slot) DO UPDATE SET value = counters.value + excluded.value;
    END IF;
    RETURN OLD;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER document_added AFTER INSERT ON documents
    FOR EACH ROW WHEN (NEW.deleted_at IS NULL) EXECUTE FUNCTION document_counted();
CREATE TRIGGER document_trashed AFTER UPDATE OF deleted_at ON documents
    FOR EACH ROW WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)) EXECUTE FUNCTION document_counted();
CREATE TRIGGER document_removed BEFORE DELETE ON documents
    FOR EACH ROW EXECUTE FUNCTION document_counted();

-- +goose StatementBegin
CREATE FUNCTION filing_counted() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    change bigint := CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END;
BEGIN
    INSERT INTO counters (owner, topic_id, slot, value)
    SELECT d.owner, c.topic_id, pg_backend_pid() % 16, count(*) * change
    FROM changed c JOIN documents d ON d.id = c.document_id
    WHERE d.deleted_at IS NULL
    GROUP BY d.owner, c.topic_id ORDER BY c.topic_id
    ON CONFLICT (owner, topic_id, slot) DO UPDATE SET value = counters.value + excluded.value;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER filing_added AFTER INSERT ON document_topics
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION filing_counted();
CREATE TRIGGER filing_removed AFTER DELETE ON document_topics
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION filing_counted();

-- +goose StatementBegin
CREATE FUNCTION topic_uncounted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM document_topics WHERE topic_id = OLD.id;
    DELETE FROM counters WHERE owner = OLD.owner AND topic_id = OLD.id;
    RETURN OLD;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER topic_removed BEFORE DELETE ON topics
    FOR EACH ROW EXECUTE FUNCTION topic_uncounted();
