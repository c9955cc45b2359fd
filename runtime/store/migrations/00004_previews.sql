-- +goose Up

-- Pictures of pages, made by workers when they are asked for. A row carries its work as a document's does; its object is kept under the
-- document's id in objects, so that it dies with the document's own.
CREATE TABLE previews (
    id uuid PRIMARY KEY,
    document_id uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
    page integer NOT NULL CHECK (page > 0),
    width integer NOT NULL CHECK (width > 0),
    source_id uuid NOT NULL, -- the object that it is a picture of: when the document has another, it is void
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'ready', 'none')),
    object_id uuid UNIQUE REFERENCES objects, -- once it is ready
    object_key text,
    size bigint,
    asked_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz, -- ready or none since

    generation bigint NOT NULL DEFAULT 1,
    attempts integer NOT NULL DEFAULT 0,
    faults integer NOT NULL DEFAULT 0,
    not_before timestamptz NOT NULL DEFAULT now(),
    queued_at timestamptz NOT NULL DEFAULT now(),
    heartbeat_at timestamptz,
    -- Of the sweeper's indexes alone, as with documents.
    is_at_work boolean NOT NULL GENERATED ALWAYS AS (heartbeat_at IS NOT NULL) STORED,
    is_waiting boolean NOT NULL GENERATED ALWAYS AS (heartbeat_at IS NULL AND state = 'pending') STORED,
    UNIQUE (document_id, page, width)
);
CREATE INDEX previews_waiting ON previews (queued_at) WHERE is_waiting;
CREATE INDEX previews_at_work ON previews (heartbeat_at) WHERE is_at_work;

UPDATE schema_state SET version = 4;
