-- name: EndSession :exec
INSERT INTO ended_sessions (hash, ends_at) VALUES (@hash, @ends_at) ON CONFLICT (hash) DO NOTHING;

-- name: SessionEnded :one
SELECT EXISTS (SELECT FROM ended_sessions WHERE hash = @hash)::boolean;

-- name: ForgetEndedSessions :exec
-- A day later, for clocks differ: it is by that of an API that the session ends by itself.
DELETE FROM ended_sessions WHERE ends_at < now() - interval '1 day';
