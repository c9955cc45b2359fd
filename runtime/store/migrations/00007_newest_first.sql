-- +goose NO TRANSACTION
-- +goose Up

-- Old programs serve while this runs: each statement is a transaction of its own, and can be run again after one that failed.

-- What a search walks through from the newest on, where it finds much.
DROP INDEX CONCURRENTLY IF EXISTS document_search_created;
CREATE INDEX CONCURRENTLY document_search_created ON document_search (owner, created_at, document_id) WHERE NOT trashed;

-- Of the documents that are not filed, few among many.
DROP INDEX CONCURRENTLY IF EXISTS documents_unfiled;
CREATE INDEX CONCURRENTLY documents_unfiled ON documents (owner, classification_status, created_at, id)
    WHERE deleted_at IS NULL AND classification_status <> 'done';

UPDATE schema_state SET version = 7;
