package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// SchemaVersion is the version of the last migration: what this program is written for.
const SchemaVersion = 9

//go:embed migrations/*.sql
var migrations embed.FS

// ErrTooOld says that the schema has gone on, and no longer serves this program.
var ErrTooOld = errors.New("it no longer serves this program, which is too old: run a newer one")

// Migrate brings the schema to SchemaVersion, as the migration login. Others that do the same meanwhile wait for one another.
// A schema that is newer already stays as it is. It returns the version that the schema is at. Errors: ErrBadURL, ErrTooOld.
func Migrate(ctx context.Context, url string, log *slog.Logger) (version int, err error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return 0, ErrBadURL
	}
	config.ConnectTimeout = connectTimeout
	db := stdlib.OpenDB(*config)
	defer db.Close()

	provider, err := newMigrator(db)
	if err != nil {
		return 0, err
	}
	applied, err := provider.Up(ctx)
	for _, m := range applied {
		log.Info("migrated", "migration", m.Source.Path, "duration", m.Duration.String())
	}
	if err != nil {
		return 0, fmt.Errorf("migrate: %w", err)
	}
	var oldest int
	if err := db.QueryRowContext(ctx, "SELECT version, oldest_supported FROM schema_state").Scan(&version, &oldest); err != nil {
		return 0, fmt.Errorf("read the schema's version: %w", err)
	}
	if err := compatible(version, oldest); err != nil {
		return 0, err
	}
	log.Info("schema is up to date", "schema_version", version, "applied", len(applied))
	return version, nil
}

// compatible tells whether this program can work with a schema.
func compatible(version, oldest int) error {
	switch {
	case version < SchemaVersion:
		return fmt.Errorf("the schema is at version %d, this program needs %d: run docvault migrate", version, SchemaVersion)
	case oldest > SchemaVersion:
		return fmt.Errorf("the schema is at version %d and supports programs from %d on, this one is of version %d: %w",
			version, oldest, SchemaVersion, ErrTooOld)
	}
	return nil
}

func newMigrator(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, fmt.Errorf("open the migrations: %w", err)
	}
	// Tried every second for ten minutes: as long as a migration of a large vault may take another.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600))
	if err != nil {
		return nil, fmt.Errorf("make the lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	return provider, nil
}
