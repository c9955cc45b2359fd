package provision

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"
)

// sessionEndMillis is how long a terminated session has to go.
const sessionEndMillis = 5000

// DropDatabase ends the sessions of d, drops its database and every role that bears its mark, logins of earlier rotations
// included. What is gone already is no error.
// Errors: ErrForeign, before anything is touched.
func (p *Postgres) DropDatabase(ctx context.Context, d Database) error {
	if err := d.validate(); err != nil {
		return err
	}
	return p.locked(ctx, d.Identity, func(admin *pgx.Conn) error {
		seen, err := observeServer(ctx, admin, d)
		if err != nil {
			return err
		}
		if err := seen.foreign(d); err != nil {
			return err
		}
		roles, err := markedRoles(ctx, admin, d.Identity)
		if err != nil {
			return err
		}
		if err := endSessions(ctx, admin, seen, roles); err != nil {
			return fmt.Errorf("end sessions: %w", err)
		}
		// Not WITH (FORCE): it refuses an admin without superuser while autovacuum is at work. DROP alone sends autovacuum away.
		for name := range seen.databases {
			if _, err := admin.Exec(ctx, "DROP DATABASE IF EXISTS "+ident(name)); err != nil {
				return fmt.Errorf("drop database: %w", err)
			}
		}
		if err := p.dropStrays(ctx, admin, roles); err != nil {
			return err
		}
		return dropRoles(ctx, admin, roles)
	})
}

// markedRoles returns the roles that bear the identity.
func markedRoles(ctx context.Context, admin *pgx.Conn, identity string) ([]string, error) {
	rows, err := admin.Query(ctx, `
		SELECT r.rolname::text FROM pg_shdescription c JOIN pg_roles r ON r.oid = c.objoid
		 WHERE c.classoid = 'pg_authid'::regclass AND c.description = $1 ORDER BY 1`, mark(identity))
	if err != nil {
		return nil, fmt.Errorf("find the roles: %w", err)
	}
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("find the roles: %w", err)
	}
	return roles, nil
}

// endSessions lets nobody in any more, then ends who is in: the vault's logins anywhere, and whoever else is in its database. An
// admin that is not superuser may end sessions of roles that it is a member of.
func endSessions(ctx context.Context, admin *pgx.Conn, seen server, roles []string) error {
	var s statements
	for _, name := range roles {
		s.add("ALTER ROLE %s NOLOGIN", ident(name))
		if !seen.superuser {
			s.add("GRANT %s TO CURRENT_USER%s", ident(name), inheriting(seen.version))
		}
	}
	for name, x := range seen.databases {
		if x.Connect { // one whose drop was cut off is closed already, and can be altered no more
			s.add("ALTER DATABASE %s ALLOW_CONNECTIONS false", ident(name))
		}
	}
	if err := inTransaction(ctx, admin, s); err != nil {
		return err
	}
	_, err := admin.Exec(ctx, `
		SELECT pg_terminate_backend(pid, $3) FROM pg_stat_activity
		 WHERE backend_type = 'client backend' AND (usename = ANY ($1) OR datname = ANY ($2)) AND pg_has_role(usesysid, 'USAGE')`,
		roles, slices.Collect(maps.Keys(seen.databases)), int64(sessionEndMillis))
	return err
}

// dropStrays drops what the roles made in databases that are not theirs but let everyone in, as `postgres` does: a role that owns
// anything anywhere cannot be dropped.
func (p *Postgres) dropStrays(ctx context.Context, admin *pgx.Conn, roles []string) error {
	rows, err := admin.Query(ctx, `
		SELECT DISTINCT d.datname::text FROM pg_shdepend s
		  JOIN pg_roles r ON r.oid = s.refobjid AND s.refclassid = 'pg_authid'::regclass
		  JOIN pg_database d ON d.oid = s.dbid
		 WHERE r.rolname = ANY ($1) AND d.datallowconn`, roles)
	if err != nil {
		return fmt.Errorf("find what else the roles own: %w", err)
	}
	databases, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("find what else the roles own: %w", err)
	}
	for _, name := range databases {
		if err := p.dropOwned(ctx, name, roles); err != nil {
			return fmt.Errorf("drop what the roles own in %q: %w", name, err)
		}
	}
	return nil
}

func (p *Postgres) dropOwned(ctx context.Context, database string, roles []string) error {
	conn, err := p.connect(ctx, p.server.User, p.server.Password, database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, "DROP OWNED BY "+idents(roles))
	return err
}

func dropRoles(ctx context.Context, admin *pgx.Conn, roles []string) error {
	if len(roles) == 0 {
		return nil
	}
	if _, err := admin.Exec(ctx, "DROP ROLE "+idents(roles)); err != nil {
		return fmt.Errorf("drop roles: %w", err)
	}
	return nil
}
