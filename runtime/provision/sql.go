package provision

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// statements are SQL statements to execute in order. Utility statements take no parameters, so names and texts are quoted here.
type statements []string

func (s *statements) add(format string, args ...any) { *s = append(*s, fmt.Sprintf(format, args...)) }

// mending collects statements, and says what they put right in words that hold no secret.
type mending struct {
	statements
	repaired []string
	pending  []string // what the statements will have repaired
	silent   bool     // all is made for the first time: nothing is repaired
}

func (m *mending) tell(format string, args ...any) {
	if !m.silent {
		m.pending = append(m.pending, fmt.Sprintf(format, args...))
	}
}

// send executes what was collected, all or none. What was not executed was not repaired.
func (m *mending) send(ctx context.Context, conn *pgx.Conn) error {
	if err := inTransaction(ctx, conn, m.statements); err != nil {
		return err
	}
	m.repaired = append(m.repaired, m.pending...)
	m.statements, m.pending = nil, nil
	return nil
}

func ident(name string) string { return pgx.Identifier{name}.Sanitize() }

func idents(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = ident(name)
	}
	return strings.Join(quoted, ", ")
}

// literal quotes a text for SQL with standard_conforming_strings on, the default since Postgres 9.1; E” covers it being off.
func literal(text string) string {
	text = strings.ReplaceAll(text, "\x00", "")
	text = strings.ReplaceAll(text, `\`, `\\`)
	return "E'" + strings.ReplaceAll(text, "'", "''") + "'"
}

func sameSet(have []string, want ...string) bool {
	slices.Sort(have)
	slices.Sort(want)
	return slices.Equal(have, want)
}
