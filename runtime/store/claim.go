package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// ErrTaken says that a database bears another vault's mark.
var ErrTaken = errors.New("the database is another vault's")

// claimStatements are no migration: who looks whose a database is must not change it first.
const claimStatements = `
SELECT pg_advisory_xact_lock(hashtextextended('docvault:vault_mark', 0));
CREATE TABLE IF NOT EXISTS vault_mark (
    singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
    identity text NOT NULL
);`

// Claim marks a database that somebody brought as one vault's alone, as the migration login, or finds that it is so. A database
// without a mark is taken, with what is in it.
// Errors: ErrBadURL, ErrTaken.
func Claim(ctx context.Context, url, identity string) error {
	return asMigrator(ctx, url, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, claimStatements); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, "INSERT INTO vault_mark (identity) VALUES ($1) ON CONFLICT DO NOTHING", identity); err != nil {
			return err
		}
		var mark string
		if err := tx.QueryRow(ctx, "SELECT identity FROM vault_mark").Scan(&mark); err != nil {
			return err
		}
		if mark != identity {
			return ErrTaken
		}
		return nil
	})
}

// Furnish makes what the schema stands on in a database that somebody brought: elsewhere `docvault provision` has. Who owns the database
// may make all of it; what is there already needs no right at all.
// Errors: ErrBadURL.
func Furnish(ctx context.Context, url string) error {
	return asMigrator(ctx, url, func(tx pgx.Tx) error {
		_, err := tx.Exec(ctx, furnishStatements)
		return err
	})
}

const furnishStatements = `
DO $$
DECLARE
    name text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('docvault:vault_mark', 0));
    IF to_regnamespace('extensions') IS NULL THEN
        CREATE SCHEMA extensions;
    END IF;
    FOREACH name IN ARRAY ARRAY['pg_trgm', 'unaccent'] LOOP
        IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = name) THEN
            EXECUTE format('CREATE EXTENSION %I SCHEMA extensions', name);
        ELSIF NOT EXISTS (SELECT FROM pg_extension WHERE extname = name AND extnamespace = 'extensions'::regnamespace) THEN
            EXECUTE format('ALTER EXTENSION %I SET SCHEMA extensions', name);
        END IF;
    END LOOP;
END
$$`

// Grant gives the app login of a database that somebody brought what it needs of the schema: where `docvault provision` was not, no
// default privileges do.
// Errors: ErrBadURL.
func Grant(ctx context.Context, url, login string) error {
	name := pgx.Identifier{login}.Sanitize()
	return asMigrator(ctx, url, func(tx pgx.Tx) error {
		var tables, sequences string
		var sees bool
		if err := tx.QueryRow(ctx, ownTables, login).Scan(&tables, &sequences, &sees); err != nil {
			return err
		}
		grants := "GRANT SELECT, INSERT, UPDATE, DELETE ON " + tables + " TO " + name
		if !sees {
			grants += "; GRANT USAGE ON SCHEMA extensions TO " + name
		}
		_, err := tx.Exec(ctx, grants)
		if err != nil || sequences == "" {
			return err
		}
		_, err = tx.Exec(ctx, "GRANT USAGE ON SEQUENCE "+sequences+" TO "+name)
		return err
	})
}

// ownTables are what the migrations made, and not what an extension has put beside it.
const ownTables = `
SELECT coalesce(string_agg(format('%I.%I', nspname, relname), ', ') FILTER (WHERE relkind IN ('r', 'p')), ''),
    coalesce(string_agg(format('%I.%I', nspname, relname), ', ') FILTER (WHERE relkind = 'S'), ''),
    has_schema_privilege($1, 'extensions', 'USAGE')
FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
WHERE nspname = current_schema() AND pg_has_role(relowner, 'USAGE')`

func asMigrator(ctx context.Context, url string, do func(pgx.Tx) error) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return ErrBadURL
	}
	config.ConnectTimeout = connectTimeout
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return fmt.Errorf("connect: %w", tell(err))
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return pgx.BeginFunc(ctx, conn, do)
}
