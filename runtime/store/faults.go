package store

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/docvault/docvault/runtime/document"
)

// ErrBadURL says that a database URL cannot be read.
var ErrBadURL = errors.New("not a Postgres URL")

// tell gives an error of pgx its nature.
func tell(err error) error {
	var answer *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, context.Canceled), errors.Is(err, document.ErrStale), errors.Is(err, document.ErrNotFound),
		errors.Is(err, document.ErrUnavailable), errors.Is(err, document.ErrConflict):
		return err
	case errors.Is(err, pgx.ErrNoRows):
		return document.ErrNotFound
	case errors.As(err, &answer):
		return tellAnswer(answer)
	}
	// No answer at all: no connection, or it broke.
	return fmt.Errorf("%w: %w", document.ErrUnavailable, err)
}

func tellAnswer(answer *pgconn.PgError) error {
	switch class := answer.Code[:2]; {
	case answer.Code == "23505":
		return fmt.Errorf("%w: %w", document.ErrConflict, answer)
	// Connection exception, out of resources (disk, connections), shutting or starting up, logins changed under way, a
	// standby that cannot write, deadlock or serialization: all pass.
	case class == "08", class == "53", class == "57", class == "28", answer.Code == "25006", class == "40":
		return fmt.Errorf("%w: %w", document.ErrUnavailable, answer)
	}
	return answer
}

// staleIfNone is for fenced writes: no row means that a newer generation exists.
func staleIfNone(err error) error {
	if err = tell(err); errors.Is(err, document.ErrNotFound) {
		return document.ErrStale
	}
	return err
}

// statementTimeout bounds a statement outside of a transaction, with the wait for its connection: a server that hangs is away.
const statementTimeout = 30 * time.Second

// telling is a pool whose errors tell their nature, and which waits for no answer for ever.
type telling struct{ pool *pgxpool.Pool }

func (t telling) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	defer cancel()
	tag, err := t.pool.Exec(ctx, sql, args...)
	return tag, tell(err)
}

func (t telling) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	rows, err := t.pool.Query(ctx, sql, args...)
	if err != nil {
		cancel()
	}
	return tellingRows{rows, cancel}, tell(err)
}

func (t telling) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	ctx, cancel := context.WithTimeout(ctx, statementTimeout)
	return tellingRow{t.pool.QueryRow(ctx, sql, args...), cancel}
}

type tellingRows struct {
	pgx.Rows
	cancel context.CancelFunc
}

func (r tellingRows) Err() error { return tell(r.Rows.Err()) }

func (r tellingRows) Close() {
	r.Rows.Close()
	r.cancel()
}

type tellingRow struct {
	row    pgx.Row
	cancel context.CancelFunc
}

func (r tellingRow) Scan(dest ...any) error {
	defer r.cancel()
	return tell(r.row.Scan(dest...))
}

func namesPoolSize(text string) bool {
	u, err := url.Parse(text)
	return err == nil && strings.Contains(u.RawQuery, "pool_max_conns")
}
