package provision

import (
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// statements are SQL statements to execute in order. Utility statements take no parameters, so names and texts are quoted here.
type statements []string

func (s *statements) add(format string, args ...any) { *s = append(*s, fmt.Sprintf(format, args...)) }

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
