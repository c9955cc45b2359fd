// Package store keeps a vault's rows in Postgres: the schema (migrations/), the queries (queries/, compiled by sqlc into sqlrows)
// and the few writes that take more than one statement.
//
// Every error that comes out of it tells its nature: document.ErrNotFound where a row that was asked for is not there,
// document.ErrConflict where a unique name is taken, document.ErrUnavailable where Postgres does not answer.
package store

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

const (
	// defaultConnections bounds a pool whose URL does not (pool_max_conns).
	defaultConnections = 10
	connectTimeout     = 5 * time.Second
	// txTimeout is many times what writing the longest text takes: beyond, the server hangs.
	txTimeout = time.Minute
	// silentFor is how long a server's machine may leave what was sent, or a probe of an idle connection, without any answer.
	silentFor = 15 * time.Second
	// tcpUserTimeout is Linux' TCP_USER_TIMEOUT, which package syscall lacks.
	tcpUserTimeout = 0x12
	// deadlockTries is how often a transaction is tried that others stand in the way of. Postgres ends one of them after a second.
	deadlockTries = 3
	// giveWayFor is enough for those that were waited for to wake up and go first.
	giveWayFor = 50 * time.Millisecond
)

// Store is a vault's database, as its app login sees it. It is safe for use by many goroutines.
type Store struct {
	*sqlrows.Queries
	pool *pgxpool.Pool
}

// Open returns a store. It connects when it is first used, so that a program starts while Postgres is away.
// Errors of the URL do not quote it: it holds a password.
func Open(ctx context.Context, url string) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, ErrBadURL
	}
	if !namesPoolSize(url) {
		config.MaxConns = defaultConnections
	}
	config.ConnConfig.ConnectTimeout = connectTimeout
	config.ConnConfig.DialFunc = (&net.Dialer{Control: boundSilence}).DialContext
	config.ConnConfig.Tracer = tracer{}
	config.MaxConnIdleTime = 5 * time.Minute
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open the pool: %w", err)
	}
	return &Store{Queries: sqlrows.New(telling{pool}), pool: pool}, nil
}

// boundSilence has a connection break when its other end goes without a word, as with a machine that loses its power. Without,
// Linux tries for 15 minutes.
func boundSilence(_, _ string, conn syscall.RawConn) error {
	var set error
	err := conn.Control(func(fd uintptr) {
		set = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(silentFor.Milliseconds()))
	})
	return errors.Join(err, set)
}

// Close ends all connections.
func (s *Store) Close() { s.pool.Close() }

// Ping tells whether Postgres answers.
func (s *Store) Ping(ctx context.Context) error { return tell(s.pool.Ping(ctx)) }

// Compatible tells whether this program can work with the schema that is there.
func (s *Store) Compatible(ctx context.Context) error {
	state, err := s.SchemaState(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	return compatible(int(state.Version), int(state.OldestSupported))
}

// inTx runs work in one transaction, within txTimeout.
func (s *Store) inTx(ctx context.Context, work func(q *sqlrows.Queries) error) error {
	ctx, cancel := context.WithTimeout(ctx, txTimeout)
	defer cancel()
	return tell(pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error { return work(s.Queries.WithTx(tx)) }))
}

// inTxAgain is inTx for work on several rows, which may meet that of others in another order: it begins anew when it must give way.
func (s *Store) inTxAgain(ctx context.Context, work func(q *sqlrows.Queries) error) error {
	for try := 1; ; try++ {
		err := s.inTx(ctx, work)
		if try == deadlockTries || !mustGiveWay(err) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(giveWayFor):
		}
	}
}

// again is inTxAgain for a single query.
func again[P, R any](
	ctx context.Context, s *Store, query func(*sqlrows.Queries, context.Context, P) (R, error), p P,
) (answer R, err error) {
	err = s.inTxAgain(ctx, func(q *sqlrows.Queries) error {
		answer, err = query(q, ctx, p)
		return err
	})
	return answer, err
}

func mustGiveWay(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && answer.Code == "40P01"
}

// Read is what a worker read of a document.
type Read struct {
	Text      string
	Indexed   int // characters of the text that search gets
	PageCount int
	Truncated bool
	Language  string
}

// FinishExtract writes what was read. classify tells whether filing is due now, under the generation next.
// Errors: document.ErrStale.
func (s *Store) FinishExtract(ctx context.Context, id document.ID, generation int64, r Read) (next int64, classify bool, err error) {
	err = s.inTx(ctx, func(q *sqlrows.Queries) error {
		row, err := q.FinishExtract(ctx, sqlrows.FinishExtractParams{
			ID: id, Generation: generation, PageCount: int32(r.PageCount), //nolint:gosec // limited by extract.Limits.MaxPages
			Language: r.Language, TextTruncated: r.Truncated, HasText: r.Text != "",
		})
		if err != nil {
			return staleIfNone(err)
		}
		next, classify = row.Generation, row.Classify
		return q.KeepText(ctx, sqlrows.KeepTextParams{
			DocumentID: id, Text: r.Text, IndexedCharacters: int32(r.Indexed), //nolint:gosec // limited by extract.Limits.MaxTextBytes
		})
	})
	return next, classify, err
}

// Filed is what a provider chose for a document.
type Filed struct {
	sqlrows.FinishClassifyParams
	Topics      []document.ID
	Confidences []float32 // of Topics, in their order
}

// errTopicsChanged has a document judged anew.
var errTopicsChanged = fmt.Errorf("%w: a topic went while the document was judged", document.ErrUnavailable)

// FinishClassify replaces what automatic filing chose before. Errors: document.ErrStale; document.ErrUnavailable when a chosen topic went
// meanwhile: it may have been merged into one that the provider would choose now.
func (s *Store) FinishClassify(ctx context.Context, f Filed) error {
	return s.inTxAgain(ctx, func(q *sqlrows.Queries) error {
		written, err := q.FinishClassify(ctx, f.FinishClassifyParams)
		if err != nil {
			return err
		}
		if written == 0 {
			return document.ErrStale
		}
		there, err := q.LockChosen(ctx, f.Topics)
		if err != nil {
			return err
		}
		if len(there) < len(f.Topics) {
			return errTopicsChanged
		}
		if err := q.UnfileAutomatic(ctx, f.ID); err != nil {
			return err
		}
		return q.FileAutomatic(ctx, sqlrows.FileAutomaticParams{DocumentID: f.ID, Topics: f.Topics, Confidences: f.Confidences})
	})
}

// ChangeSetting replaces a setting by what change makes of it; {} where there is none yet. Whoever changes it at the same time waits.
// then runs in the same transaction.
func (s *Store) ChangeSetting(
	ctx context.Context, owner document.ID, name string, change func(value []byte) ([]byte, error), then func(*sqlrows.Queries) error,
) error {
	return s.inTx(ctx, func(q *sqlrows.Queries) error {
		if err := q.AddSetting(ctx, sqlrows.AddSettingParams{Owner: owner, Name: name}); err != nil {
			return err
		}
		value, err := q.LockSetting(ctx, sqlrows.LockSettingParams{Owner: owner, Name: name})
		if err != nil {
			return err
		}
		if value, err = change(value); err != nil {
			return err
		}
		if err := q.ReplaceSetting(ctx, sqlrows.ReplaceSettingParams{Owner: owner, Name: name, Value: value}); err != nil {
			return err
		}
		return then(q)
	})
}
