package vault_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/runtimetest"
)

// rows asks the database past the vault, for a number.
func rows(t *testing.T, app *runtimetest.App, sql string, args ...any) (n int64) {
	t.Helper()
	past(t, app, func(ctx context.Context, conn *pgx.Conn) error { return conn.QueryRow(ctx, sql, args...).Scan(&n) })
	return n
}

// value asks the database past the vault, for a text.
func value(t *testing.T, app *runtimetest.App, sql string, args ...any) (text string) {
	t.Helper()
	past(t, app, func(ctx context.Context, conn *pgx.Conn) error { return conn.QueryRow(ctx, sql, args...).Scan(&text) })
	return text
}

// exec changes the database past the vault.
func exec(t *testing.T, app *runtimetest.App, sql string, args ...any) {
	t.Helper()
	past(t, app, func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, sql, args...)
		return err
	})
}

func past(t *testing.T, app *runtimetest.App, do func(context.Context, *pgx.Conn) error) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), app.Database.Admin)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := do(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
}
