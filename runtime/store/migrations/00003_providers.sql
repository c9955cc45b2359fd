-- +goose Up

-- What a provider asked for (Retry-After), or how long it is left alone after failing: shared by all workers.
CREATE TABLE provider_pauses (
    owner uuid NOT NULL,
    provider text NOT NULL,
    until timestamptz NOT NULL,
    failures integer NOT NULL, -- in a row
    reason text NOT NULL, -- in our words, of the last
    PRIMARY KEY (owner, provider)
);

-- Since when the filing of a document has been put off. It holds while documents.faults is above 0: whatever asks for the work anew
-- sets that to 0, and needs to know nothing of this table.
CREATE TABLE classification_delays (
    document_id uuid PRIMARY KEY REFERENCES documents ON DELETE CASCADE,
    since timestamptz NOT NULL
);

UPDATE schema_state SET version = 3;
