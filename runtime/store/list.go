package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// List says which rows a page has. Zero values do not restrict.
type List struct {
	Owner                       document.ID
	Topic                       *document.ID
	Untagged                    bool
	Status                      document.Status
	Kind                        document.Kind
	CreatedAfter, CreatedBefore time.Time
	MinSize, MaxSize            *int64
	Trashed                     bool

	Column     Column
	Descending bool
	After      *Position // the row that the page follows
	Offset     int
	Limit      int
}

// Column is what a list is sorted by; ties are broken by the id.
type Column string

// The columns that lists can be sorted by: each has an index with owner and id.
const (
	ByCreation Column = "created_at"
	ByName     Column = `original_name COLLATE "C"`
	BySize     Column = "size"
)

// Position is where a row stands in the order of a list: the value in its sort column, and its id.
type Position struct {
	Value any
	ID    document.ID
}

// documentColumns are the fields of sqlrows.Document, in their order. By name, so that a program goes on when a newer one's migration
// adds a column.
const documentColumns = `id, user_id, owner, object_id, object_key, original_name, mime_type, kind, size, sha256, status, error_code,
	error_detail, page_count, language, text_truncated, classification_status, classification_among,
	classification_provider, classification_model, classification_prompt_hash, classification_input_tokens,
	classification_output_tokens, classification_truncated, classification_unknown_dropped, classification_error_code,
	classification_error_detail, generation, attempts, faults, not_before, queued_at, heartbeat_at, is_at_work,
	is_waiting, deleted_at, created_at, updated_at`

// ListDocuments returns a page of rows.
func (s *Store) ListDocuments(ctx context.Context, l List) ([]sqlrows.Document, error) {
	w := l.where()
	direction, beyond := "ASC", ">"
	if l.Descending {
		direction, beyond = "DESC", "<"
	}
	if l.After != nil {
		w.and(fmt.Sprintf("(%s, id) %s (?, ?)", l.Column, beyond), l.After.Value, l.After.ID)
	}
	sql := fmt.Sprintf("SELECT %s FROM documents d WHERE %s ORDER BY %s %s, id %s LIMIT %d OFFSET %d",
		documentColumns, w, l.Column, direction, direction, l.Limit, l.Offset)
	rows, err := s.pool.Query(ctx, sql, w.args...)
	if err != nil {
		return nil, tell(err)
	}
	documents, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sqlrows.Document])
	return documents, tell(err)
}

// CountDocuments counts the rows of a list, to atMost.
func (s *Store) CountDocuments(ctx context.Context, l List, atMost int) (total int64, err error) {
	w := l.where()
	sql := fmt.Sprintf("SELECT count(*) FROM (SELECT 1 FROM documents d WHERE %s LIMIT %d) bounded", w, atMost)
	err = s.pool.QueryRow(ctx, sql, w.args...).Scan(&total)
	return total, tell(err)
}

func (l List) where() *conditions {
	w := &conditions{}
	w.and("owner = ?", l.Owner)
	if l.Trashed {
		w.and("deleted_at IS NOT NULL")
	} else {
		w.and("deleted_at IS NULL")
	}
	if l.Topic != nil {
		w.and("EXISTS (SELECT FROM document_topics f WHERE f.topic_id = ? AND f.document_id = d.id)", *l.Topic)
	}
	if l.Untagged {
		w.and("NOT EXISTS (SELECT FROM document_topics f WHERE f.document_id = d.id)")
	}
	if l.Status != "" {
		w.and("status = ?", l.Status)
	}
	if l.Kind != "" {
		w.and("kind = ?", l.Kind)
	}
	if !l.CreatedAfter.IsZero() {
		w.and("created_at > ?", l.CreatedAfter)
	}
	if !l.CreatedBefore.IsZero() {
		w.and("created_at < ?", l.CreatedBefore)
	}
	if l.MinSize != nil {
		w.and("size >= ?", *l.MinSize)
	}
	if l.MaxSize != nil {
		w.and("size <= ?", *l.MaxSize)
	}
	return w
}

// conditions are combined by AND; each ? stands for its argument.
type conditions struct {
	terms []string
	args  []any
}

func (c *conditions) and(term string, args ...any) {
	for _, arg := range args {
		c.args = append(c.args, arg)
		term = strings.Replace(term, "?", fmt.Sprintf("$%d", len(c.args)), 1)
	}
	c.terms = append(c.terms, term)
}

func (c *conditions) String() string { return strings.Join(c.terms, " AND ") }
