package store

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// SchemaVersion is the version of the last migration: what this program is written for.
const SchemaVersion = 4

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema to SchemaVersion, as the migration login. Others that do the same meanwhile wait for one another.
// A schema that is newer already stays as it is.
func Migrate(ctx context.Context, url string, log *slog.Logger) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return ErrBadURL
	}
	config.ConnectTimeout = connectTimeout
	db := stdlib.OpenDB(*config)
	defer db.Close()

	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return fmt.Errorf("open the migrations: %w", err)
	}
	// Tried every second for ten minutes: as long as a migration of a large vault may take another.
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 600))
	if err != nil {
		return fmt.Errorf("make the lock: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithSessionLocker(locker))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	applied, err := provider.Up(ctx)
	for _, m := range applied {
		log.Info("migrated", "migration", m.Source.Path, "duration", m.Duration.String())
	}
	if err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	log.Info("schema is up to date", "version", SchemaVersion, "applied", len(applied))
	return nil
}
