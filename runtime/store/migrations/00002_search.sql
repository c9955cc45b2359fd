-- +goose NO TRANSACTION
-- +goose Up

-- Old programs serve while this runs, so nothing here keeps a lock on their tables for longer than a moment: each statement is a
-- transaction of its own, and can be run again after one that failed. docs/decisions/search.md says why search is made so.

-- +goose StatementBegin
DO $$
BEGIN
    IF (SELECT count(*) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace
        WHERE n.nspname = 'extensions' AND e.extname IN ('pg_trgm', 'unaccent')) < 2 THEN
        RAISE EXCEPTION 'the extensions pg_trgm and unaccent are not in schema extensions: run docvault provision once more, then migrate again';
    END IF;
END
$$;
-- +goose StatementEnd

-- A configuration for each language that Postgres has a stemmer for, by its ISO 639-1 code, and search_simple for all others. Each
-- takes accents away first.
-- +goose StatementBegin
DO $$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT 'search_' || m.language AS name, c.cfgname AS original, d.dictname AS dictionary
        FROM (VALUES
            ('simple', 'simple'), ('ar', 'arabic'), ('hy', 'armenian'), ('eu', 'basque'), ('ca', 'catalan'), ('da', 'danish'),
            ('nl', 'dutch'), ('en', 'english'), ('fi', 'finnish'), ('fr', 'french'), ('de', 'german'), ('el', 'greek'), ('hi', 'hindi'),
            ('hu', 'hungarian'), ('id', 'indonesian'), ('ga', 'irish'), ('it', 'italian'), ('lt', 'lithuanian'), ('ne', 'nepali'),
            ('nb', 'norwegian'), ('nn', 'norwegian'), ('no', 'norwegian'), ('pt', 'portuguese'), ('ro', 'romanian'), ('ru', 'russian'),
            ('sr', 'serbian'), ('es', 'spanish'), ('sv', 'swedish'), ('ta', 'tamil'), ('tr', 'turkish'), ('yi', 'yiddish')
        ) m (language, original)
        JOIN pg_ts_config c ON c.cfgname = m.original AND c.cfgnamespace = 'pg_catalog'::regnamespace
        JOIN pg_ts_dict d ON d.dictnamespace = c.cfgnamespace AND d.dictname IN (m.original, m.original || '_stem')
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_ts_config WHERE cfgname = made.name AND cfgnamespace = 'public'::regnamespace);
        EXECUTE format('CREATE TEXT SEARCH CONFIGURATION public.%I (COPY = pg_catalog.%I)', made.name, made.original);
        EXECUTE format('ALTER TEXT SEARCH CONFIGURATION public.%I ALTER MAPPING FOR word, hword, hword_part WITH extensions.unaccent, %I',
            made.name, made.dictionary);
    END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_config(language text) RETURNS regconfig LANGUAGE sql STABLE AS $$
    SELECT ('public.search_' || language)::regconfig
$$;
-- +goose StatementEnd

-- Without markup, for texts are plain; and 2026-0417/B in its parts, which the parser would take for a number below zero and more.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_plain(words text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT regexp_replace(translate(words, '<>', '  '), '(?<=[0-9])[-/]|[-/](?=[0-9])', ' ', 'g')
$$;
-- +goose StatementEnd

-- What the parser gets to see, of documents and of queries: German with or without dots.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_text(language text, words text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE language
        WHEN 'de' THEN regexp_replace(search_plain(words), '(^|[^aeiouyq])([aou])e', '\1\2', 'gi')
        ELSE search_plain(words)
    END
$$;
-- +goose StatementEnd

-- The words of a name: the parser would take invoice.pdf for a host, and my_invoice-2 for whatever it likes.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_name(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT translate(name, '._-+,;:!?#&@=~^%$|/\*"''`()[]{}<>', repeat(' ', 40))
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_term(language text, words text) RETURNS tsquery LANGUAGE sql STABLE AS $$
    SELECT phraseto_tsquery(search_config(language), search_text(language, words))
        || CASE search_name(words) WHEN words THEN ''::tsquery
            ELSE phraseto_tsquery(search_config(language), search_text(language, search_name(words))) END
$$;
-- +goose StatementEnd

-- A word that may go on; nothing where the language passes over it.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_prefix(language text, word text) RETURNS tsquery LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN numnode(search_term(language, word)) = 0 THEN ''::tsquery
        ELSE (quote_literal(lower(extensions.unaccent(search_text(language, word)))) || ':*')::tsquery END
$$;
-- +goose StatementEnd

-- What a document is found by. Beside document_texts, so that old programs need not know of it, and with what most searches ask
-- about the document itself, so that they need not look there.
CREATE TABLE IF NOT EXISTS document_search (
    document_id uuid PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    owner uuid NOT NULL,
    created_at timestamptz NOT NULL,
    trashed boolean NOT NULL,
    language text NOT NULL, -- whose configuration made terms
    terms tsvector NOT NULL -- A: name, B: beginning of the text, D: the rest
);

-- How much of a text is indexed. Null: written by a program that does not say; then as much as by default.
ALTER TABLE document_texts ADD COLUMN IF NOT EXISTS indexed_characters integer;

-- The languages that terms may be in. They stay when their last document goes.
CREATE TABLE IF NOT EXISTS search_languages (language text PRIMARY KEY);

-- Words of names, for those who misspell them. They stay, too: what leads nowhere does no harm.
CREATE TABLE IF NOT EXISTS search_words (word text PRIMARY KEY);
CREATE INDEX IF NOT EXISTS search_words_similar ON search_words USING gin (word extensions.gin_trgm_ops);

-- A tsvector holds 1 MiB: of a text with too many different words less is indexed.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_terms(language text, name text, words text) RETURNS tsvector LANGUAGE plpgsql STABLE AS $$
DECLARE
    config regconfig := search_config(language);
    -- The beginning, to the end of a word.
    beginning integer := 250 + strpos(substr(words, 251, 200) || ' ', ' ');
    length integer := char_length(words);
    named tsvector;
BEGIN
    name := search_name(name);
    name := name || ' ' || regexp_replace(name, '([0-9]+)', ' \1 ', 'g'); -- scan0001 is a scan
    named := setweight(to_tsvector('public.search_simple', name) || to_tsvector(config, search_text(language, name)), 'A');
    LOOP
        BEGIN
            RETURN named
                || setweight(to_tsvector(config, search_text(language, left(words, least(beginning, length)))), 'B')
                || to_tsvector(config, search_text(language, substr(left(words, length), beginning + 1)));
        EXCEPTION WHEN program_limit_exceeded THEN
            length := length / 2;
        END;
    END LOOP;
END
$$;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_index(wanted uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO document_search AS s (document_id, owner, created_at, trashed, language, terms)
    SELECT d.id, d.owner, d.created_at, d.deleted_at IS NOT NULL, l.language,
        search_terms(l.language, d.original_name, coalesce(left(x.text, coalesce(x.indexed_characters, 524288)), ''))
    FROM documents d
    LEFT JOIN document_texts x ON x.document_id = d.id
    CROSS JOIN LATERAL (
        SELECT CASE WHEN EXISTS (
            SELECT FROM pg_ts_config c WHERE c.cfgname = 'search_' || d.language AND c.cfgnamespace = 'public'::regnamespace
        ) THEN d.language ELSE 'simple' END AS language
    ) l
    WHERE d.id = wanted
    ON CONFLICT (document_id) DO UPDATE SET
        created_at = excluded.created_at, trashed = excluded.trashed, language = excluded.language, terms = excluded.terms;

    INSERT INTO search_languages SELECT s.language FROM document_search s
    WHERE s.document_id = wanted AND NOT EXISTS (SELECT FROM search_languages l WHERE l.language = s.language)
    ON CONFLICT DO NOTHING;

    INSERT INTO search_words SELECT w.lexeme
    FROM documents d, unnest(to_tsvector('public.search_simple', search_name(d.original_name))) w
    WHERE d.id = wanted AND w.lexeme ~ '^[^0-9]{3,40}$' AND NOT EXISTS (SELECT FROM search_words k WHERE k.word = w.lexeme)
    ORDER BY w.lexeme
    ON CONFLICT DO NOTHING;
END
$$;
-- +goose StatementEnd

-- Before the triggers that call them: old programs write as soon as these are there.
GRANT EXECUTE ON FUNCTION search_config, search_plain, search_text, search_name, search_term, search_prefix, search_terms, search_index TO PUBLIC;

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_follows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'document_texts' THEN
        PERFORM search_index(NEW.document_id);
        RETURN NULL;
    END IF;
    IF TG_OP = 'UPDATE' AND NEW.original_name = OLD.original_name THEN
        UPDATE document_search SET trashed = NEW.deleted_at IS NOT NULL, created_at = NEW.created_at WHERE document_id = NEW.id;
        IF FOUND THEN
            RETURN NULL;
        END IF;
    END IF;
    PERFORM search_index(NEW.id);
    RETURN NULL;
END
$$;
-- +goose StatementEnd

-- Not of the language: the text follows it, in the same commit.
CREATE OR REPLACE TRIGGER search_document_added AFTER INSERT ON documents
    FOR EACH ROW EXECUTE FUNCTION search_follows();
CREATE OR REPLACE TRIGGER search_document_changed AFTER UPDATE OF original_name, deleted_at, created_at ON documents
    FOR EACH ROW WHEN (OLD.original_name <> NEW.original_name OR OLD.created_at <> NEW.created_at
        OR (OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL))
    EXECUTE FUNCTION search_follows();
CREATE OR REPLACE TRIGGER search_text_written AFTER INSERT OR UPDATE OF text ON document_texts
    FOR EACH ROW EXECUTE FUNCTION search_follows();

-- A topic's documents in the order of their creation, and documents without a topic: neither can be found by walking through all.
ALTER TABLE document_topics ADD COLUMN IF NOT EXISTS document_created_at timestamptz;
CREATE TABLE IF NOT EXISTS document_untagged (
    -- Every document without a topic is here. One with a topic may be: two changes at once that do not see each other leave it.
    document_id uuid PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    owner uuid NOT NULL,
    created_at timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS document_untagged_created ON document_untagged (owner, created_at, document_id);

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION filing_dated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.document_created_at := (SELECT d.created_at FROM documents d WHERE d.id = NEW.document_id);
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE OR REPLACE TRIGGER filing_dated BEFORE INSERT ON document_topics
    FOR EACH ROW EXECUTE FUNCTION filing_dated();

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION document_dated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO document_untagged (document_id, owner, created_at) VALUES (NEW.id, NEW.owner, NEW.created_at);
        RETURN NULL;
    END IF;
    UPDATE document_untagged SET created_at = NEW.created_at WHERE document_id = NEW.id;
    UPDATE document_topics SET document_created_at = NEW.created_at WHERE document_id = NEW.id;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE OR REPLACE TRIGGER document_dated_added AFTER INSERT ON documents
    FOR EACH ROW EXECUTE FUNCTION document_dated();
CREATE OR REPLACE TRIGGER document_dated_changed AFTER UPDATE OF created_at ON documents
    FOR EACH ROW WHEN (OLD.created_at <> NEW.created_at) EXECUTE FUNCTION document_dated();

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION filing_untagged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        DELETE FROM document_untagged u USING changed c WHERE u.document_id = c.document_id;
        RETURN NULL;
    END IF;
    -- One after the other, or two that take away the last two topics would each see the other's.
    PERFORM FROM documents d WHERE d.id IN (SELECT document_id FROM changed) ORDER BY d.id FOR NO KEY UPDATE;
    INSERT INTO document_untagged (document_id, owner, created_at)
    SELECT d.id, d.owner, d.created_at FROM documents d
    WHERE d.id IN (SELECT document_id FROM changed)
        AND NOT EXISTS (SELECT FROM document_topics f WHERE f.document_id = d.id)
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE OR REPLACE TRIGGER filing_untagged_added AFTER INSERT ON document_topics
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION filing_untagged();
CREATE OR REPLACE TRIGGER filing_untagged_removed AFTER DELETE ON document_topics
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION filing_untagged();

-- What was there before. One document a commit, held meanwhile against changes that would be missed: whoever changes it next finds
-- its row here. Each commit need not reach the disk by itself; the last one does.
-- +goose StatementBegin
DO $$
DECLARE
    last uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
    LOOP
        PERFORM set_config('synchronous_commit', 'off', true);
        SELECT d.id INTO last FROM documents d WHERE d.id > last ORDER BY d.id LIMIT 1 FOR SHARE;
        EXIT WHEN NOT FOUND;
        IF NOT EXISTS (SELECT FROM document_search s WHERE s.document_id = last) THEN
            PERFORM search_index(last);
        END IF;
        UPDATE document_topics f SET document_created_at = d.created_at FROM documents d
        WHERE d.id = last AND f.document_id = last AND f.document_created_at IS NULL;
        INSERT INTO document_untagged (document_id, owner, created_at)
        SELECT d.id, d.owner, d.created_at FROM documents d
        WHERE d.id = last AND NOT EXISTS (SELECT FROM document_topics f WHERE f.document_id = last)
        ON CONFLICT DO NOTHING;
        COMMIT;
    END LOOP;
END
$$;
-- +goose StatementEnd

-- Without a list of pending entries, which each search would have to read through.
DROP INDEX CONCURRENTLY IF EXISTS document_search_terms;
CREATE INDEX CONCURRENTLY document_search_terms ON document_search USING gin (terms) WITH (fastupdate = off);
DROP INDEX CONCURRENTLY IF EXISTS document_topics_created;
CREATE INDEX CONCURRENTLY document_topics_created ON document_topics (topic_id, document_created_at, document_id);
-- For what is rare among many.
DROP INDEX CONCURRENTLY IF EXISTS documents_kind;
CREATE INDEX CONCURRENTLY documents_kind ON documents (owner, kind, created_at, id) WHERE deleted_at IS NULL;
DROP INDEX CONCURRENTLY IF EXISTS documents_unready;
CREATE INDEX CONCURRENTLY documents_unready ON documents (owner, status, created_at, id)
    WHERE deleted_at IS NULL AND status <> 'ready';
ANALYZE document_search, document_topics, document_untagged;

UPDATE schema_state SET version = 2;
