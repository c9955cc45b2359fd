-- +goose Up

-- Sessions that were ended before their time. Nothing is kept of others: a cookie says by itself, signed, until when it is valid.
CREATE TABLE ended_sessions (
    hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
    ends_at timestamptz NOT NULL -- by itself; nobody needs to know of it any more then
);
CREATE INDEX ended_sessions_ends_at ON ended_sessions (ends_at);

UPDATE schema_state SET version = 9;
