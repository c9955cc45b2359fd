package store

import (
	"context"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/telemetry"
)

// tracer makes a span of each statement of what is being traced, under the name that sqlc gave it. Neither SQL nor arguments are in it.
type tracer struct{}

type endKey struct{}

// TraceQueryStart implements pgx.QueryTracer.
func (tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, start pgx.TraceQueryStartData) context.Context {
	if !telemetry.Recording(ctx) {
		return ctx
	}
	ctx, end := telemetry.Step(ctx, "postgres "+statementName(start.SQL))
	return context.WithValue(ctx, endKey{}, end)
}

// TraceQueryEnd implements pgx.QueryTracer.
func (tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, ended pgx.TraceQueryEndData) {
	if end, ok := ctx.Value(endKey{}).(func(error)); ok {
		end(tell(ended.Err))
	}
}

// statementName reads `-- name: AddObject :exec`; of SQL that does not begin like that, the first word.
func statementName(sql string) string {
	name, _, _ := strings.Cut(strings.TrimPrefix(sql, "-- name: "), " ")
	return name
}
