package provision

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// maxAdminConnections bounds what provisioning takes of a server's connections, whatever the number of vaults. A pass holds one
// of these, and opens one more at a time to look inside the vault's database or to try a login.
const maxAdminConnections = 8

// lockWait is how long a vault's lock is waited for.
const lockWait = 5 * time.Second

// hangs is after how long without a word the server ends the session of one who has a vault's lock. Of a machine that hangs, or was cut
// off, it would else hear nothing for hours.
const hangs = 30 * time.Second

// besides bounds each statement on another connection while that session waits: connecting, looking and changing are over before it ends.
const besides = 8 * time.Second

// Postgres is a server on which vaults are provisioned. It is safe for use by many goroutines.
type Postgres struct {
	server PostgresServer
	pool   *pgxpool.Pool // to adminDatabase, as the admin
}

// LoginRole is what a login may do.
type LoginRole string

// Migrate acts as the owner of the schema; App reads and writes rows.
const (
	Migrate LoginRole = "migrate"
	App     LoginRole = "app"
)

// Login is a Postgres role that may log in.
type Login struct {
	Name, Password string
	Role           LoginRole
	// New says that the login had not been made before: making it is no repair.
	New bool
}

// Database is what a vault needs on a Postgres server.
type Database struct {
	Identity           string // the mark: COMMENT `docvault:<identity>` on the database and on every role
	Name               string
	OwnerRole, AppRole string // NOLOGIN
	Logins             []Login
	ConnectionLimit    int // of each login; 0: none
	// Made says that the database had been made before: it is not made again.
	Made bool
}

// OpenPostgres connects to a server as its admin.
func OpenPostgres(ctx context.Context, s PostgresServer) (*Postgres, error) {
	conn, err := s.connConfig(adminDatabase)
	if err != nil {
		return nil, err
	}
	// pgxpool wants a configuration of its own making: the text sets nothing, the parsed connection replaces all.
	config, err := pgxpool.ParseConfig(neutralDSN)
	if err != nil {
		return nil, fmt.Errorf("configure the pool: %w", err)
	}
	config.ConnConfig = conn
	config.MaxConns = maxAdminConnections
	config.MaxConnIdleTime = time.Minute
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open Postgres: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("log in as the admin: %w", err)
	}
	return &Postgres{server: s, pool: pool}, nil
}

// Close ends all connections.
func (p *Postgres) Close() { p.pool.Close() }

// SystemIdentifier returns what tells this server's data from every other's: initdb draws it.
func (p *Postgres) SystemIdentifier(ctx context.Context) (string, error) {
	var id int64
	err := p.pool.QueryRow(ctx, "SELECT system_identifier FROM pg_control_system()").Scan(&id)
	if err != nil {
		return "", fmt.Errorf("read the system identifier: %w", err)
	}
	return fmt.Sprint(id), nil
}

// Capacity returns how many connections the server takes of all who are no superusers.
func (p *Postgres) Capacity(ctx context.Context) (int, error) {
	var n int
	err := p.pool.QueryRow(ctx,
		"SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int").Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("read the server's capacity: %w", err)
	}
	return n, nil
}

// locked runs work while no other provisioner works on the same identity. The lock ends with the connection, so a provisioner
// that died holds it no longer than the server needs to notice.
func (p *Postgres) locked(ctx context.Context, identity string, work func(admin *pgx.Conn) error) error {
	conn, err := p.pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("connect as the admin: %w", err)
	}
	defer conn.Release()
	if err := lock(ctx, conn.Conn(), identity); err != nil {
		return fmt.Errorf("lock the vault: %w", err)
	}
	defer func() {
		// Without the lock's end the connection must not go back to the pool.
		var s statements
		s.add("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", literal(mark(identity)))
		s.add("RESET idle_session_timeout")
		if err := inTransaction(context.WithoutCancel(ctx), conn.Conn(), s); err != nil {
			_ = conn.Conn().Close(context.WithoutCancel(ctx))
		}
	}()
	return work(conn.Conn())
}

// lock waits a while for a vault's lock. Whoever may log in to the server can hold it, the vault's own pods included: it must not
// keep a provisioner for good.
// Errors: ErrBusy.
func lock(ctx context.Context, conn *pgx.Conn, identity string) error {
	var s statements
	s.add("SET lock_timeout = %d", lockWait.Milliseconds())
	s.add("SELECT pg_advisory_lock(hashtextextended(%s, 0))", literal(mark(identity)))
	s.add("RESET lock_timeout")
	s.add("SET idle_session_timeout = %d", hangs.Milliseconds())
	err := inTransaction(ctx, conn, s)
	if hasCode(err, codeLockNotAvailable) {
		return ErrBusy
	}
	return err
}

// connect opens a connection of its own, to another database or as another login.
func (p *Postgres) connect(ctx context.Context, user, password, database string) (*pgx.Conn, error) {
	s := p.server
	s.User, s.Password = user, password
	config, err := s.connConfig(database)
	if err != nil {
		return nil, err
	}
	config.RuntimeParams["statement_timeout"] = fmt.Sprint(besides.Milliseconds())
	conn, err := pgx.ConnectConfig(ctx, config)
	return conn, ConnectCause(err)
}

// inTransaction executes the statements, all or none, in one round trip: Postgres makes a transaction of what comes in one message.
func inTransaction(ctx context.Context, conn *pgx.Conn, s statements) error {
	if len(s) == 0 {
		return nil
	}
	_, err := conn.Exec(ctx, strings.Join(s, ";\n"), pgx.QueryExecModeSimpleProtocol)
	return err
}

// mark is what stands in the comment of whatever belongs to a vault.
func mark(identity string) string { return "docvault:" + identity }
