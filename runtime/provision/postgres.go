package provision

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5/pgxpool"
)

// PostgresServer says where a Postgres server is and who provisions on it. The admin need not be superuser: CREATEDB and
// CREATEROLE are enough.
type PostgresServer struct {
	Host           string
	Port           int
	User, Password string
	SSLMode        string // disable | require | verify-ca | verify-full; empty: require
	CA             []byte // PEM; empty: the system's roots
}

// Postgres is a server on which vaults are provisioned. It is safe for use by many goroutines.
type Postgres struct {
	pool *pgxpool.Pool
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
}

// Database is what a vault needs on a Postgres server.
type Database struct {
	Identity           string // the mark: COMMENT `docvault:<identity>` on the database and every role
	Name               string
	OwnerRole, AppRole string // NOLOGIN
	Logins             []Login
	ConnectionLimit    int // of each login; 0: none
}

// ParsePostgresURL reads a postgres:// (or postgresql+psycopg://) URL. Only sslmode is taken from its parameters: none that
// names a file of this machine.
func ParsePostgresURL(url string) (s PostgresServer, database string, err error) {
	return s, "", errors.ErrUnsupported
}

// OpenPostgres connects to a server as its admin.
func OpenPostgres(ctx context.Context, s PostgresServer) (*Postgres, error) {
	return nil, errors.ErrUnsupported
}

// Close ends all connections.
func (p *Postgres) Close() { p.pool.Close() }

// SystemIdentifier returns what tells this server's data from every other's.
func (p *Postgres) SystemIdentifier(ctx context.Context) (string, error) {
	return "", errors.ErrUnsupported
}

// EnsureDatabase makes everything of d that is missing and mends what differs; it writes nothing when all is as it should be.
// Errors: ErrForeign.
func (p *Postgres) EnsureDatabase(ctx context.Context, d Database) error {
	return errors.ErrUnsupported
}

// DropDatabase ends the sessions of d, drops its database, logins and roles. What is gone already is no error.
// Errors: ErrForeign.
func (p *Postgres) DropDatabase(ctx context.Context, d Database) error {
	return errors.ErrUnsupported
}
