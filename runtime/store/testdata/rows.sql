-- A vault with something of everything, as a program of version 1 writes it: the schema of each later version takes it too.
INSERT INTO topics (id, name, description, color) VALUES
    ('00000000-0000-4000-8000-0000000000a1', 'Invoices', 'bills', '#6366f1'),
    ('00000000-0000-4000-8000-0000000000a2', 'Letters', '', '#00ff00');
INSERT INTO settings (name, value) VALUES ('classification', '{"active_provider": "builtin"}');
INSERT INTO objects (id, key, document_id, state, heartbeat_at) VALUES
    ('00000000-0000-4000-8000-0000000000b1', 'o/1/a.txt', '00000000-0000-4000-8000-0000000000d1', 'live', now()),
    ('00000000-0000-4000-8000-0000000000b2', 'o/2/b.pdf', '00000000-0000-4000-8000-0000000000d2', 'live', now()),
    ('00000000-0000-4000-8000-0000000000b3', 'o/3/c.txt', '00000000-0000-4000-8000-0000000000d3', 'live', now()),
    ('00000000-0000-4000-8000-0000000000b4', 'o/4/d.txt', '00000000-0000-4000-8000-0000000000d4', 'live', now()),
    ('00000000-0000-4000-8000-0000000000b5', 'o/5/e.txt', '00000000-0000-4000-8000-0000000000d5', 'live', now()),
    ('00000000-0000-4000-8000-0000000000b6', 'o/6/f.txt', '00000000-0000-4000-8000-0000000000d6', 'writing', now() - interval '1 hour'),
    ('00000000-0000-4000-8000-0000000000b7', 'o/7/g.txt', '00000000-0000-4000-8000-0000000000d7', 'dying', now());
-- Filed; failed; waiting; with a worker that died; in the trash.
INSERT INTO documents (id, object_id, object_key, original_name, mime_type, kind, size, sha256, status, error_code, error_detail,
    page_count, language, classification_status, classification_provider, generation, attempts, queued_at, heartbeat_at, deleted_at)
VALUES
    ('00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000b1', 'o/1/a.txt', 'a.txt', 'text/plain', 'text', 1,
     sha256('a'), 'ready', NULL, NULL, 1, 'en', 'done', 'builtin', 3, 0, now(), NULL, NULL),
    ('00000000-0000-4000-8000-0000000000d2', '00000000-0000-4000-8000-0000000000b2', 'o/2/b.pdf', 'b.pdf', 'application/pdf', 'pdf', 2,
     sha256('b'), 'failed', 'malformed', 'The file makes its reader fail.', 0, '', 'skipped', '', 2, 0, now(), NULL, NULL),
    ('00000000-0000-4000-8000-0000000000d3', '00000000-0000-4000-8000-0000000000b3', 'o/3/c.txt', 'c.txt', 'text/plain', 'text', 3,
     sha256('c'), 'pending', NULL, NULL, 0, '', 'pending', '', 1, 0, now() - interval '1 hour', NULL, NULL),
    ('00000000-0000-4000-8000-0000000000d4', '00000000-0000-4000-8000-0000000000b4', 'o/4/d.txt', 'd.txt', 'text/plain', 'text', 4,
     sha256('d'), 'processing', NULL, NULL, 0, '', 'none', '', 1, 1, now(), now() - interval '1 hour', NULL),
    ('00000000-0000-4000-8000-0000000000d5', '00000000-0000-4000-8000-0000000000b5', 'o/5/e.txt', 'e.txt', 'text/plain', 'text', 5,
     sha256('e'), 'ready', NULL, NULL, 1, 'de', 'none', '', 2, 0, now(), NULL, now() - interval '1 day');
INSERT INTO document_texts (document_id, text) VALUES
    ('00000000-0000-4000-8000-0000000000d1', 'amount due'), ('00000000-0000-4000-8000-0000000000d5', 'Brief');
INSERT INTO document_topics (document_id, topic_id, by_hand, confidence) VALUES
    ('00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000a1', false, 0.75),
    ('00000000-0000-4000-8000-0000000000d1', '00000000-0000-4000-8000-0000000000a2', true, 1);
