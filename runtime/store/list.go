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
	Classification              document.ClassificationStatus
	Kind                        document.Kind
	CreatedAfter, CreatedBefore time.Time
	MinSize, MaxSize            *int64
	Trashed                     bool
	Search                      *Search

	// Common says that a search finds more than MaxFound documents: then the list is walked in its order until enough are found.
	Common bool

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

// MaxFound is how many documents a search may find and still be sorted, or ranked, as a whole: 10,000, to which totals are exact,
// twice. Beyond, every fiftieth document of a million is found, and looking at one after the other is quicker.
const MaxFound = 20_000

// ListDocuments returns a page of rows.
func (s *Store) ListDocuments(ctx context.Context, l List) (documents []sqlrows.Document, err error) {
	var st statement
	from, terms := l.from(&st)
	direction, beyond := "ASC", ">"
	if l.Descending {
		direction, beyond = "DESC", "<"
	}
	column, id := l.sortedBy()
	if l.After != nil {
		terms = append(terms, fmt.Sprintf("(%s, %s) %s (%s, %s)", column, id, beyond, st.arg(l.After.Value), st.arg(l.After.ID)))
	}
	sql := fmt.Sprintf("%s WHERE %s ORDER BY %s %s, %s %s LIMIT %d OFFSET %d",
		from, strings.Join(terms, " AND "), column, direction, id, direction, l.Limit, l.Offset)
	err = s.listing(ctx, l, func(tx querier) error {
		rows, err := tx.Query(ctx, sql, st.planned()...)
		if err != nil {
			return err
		}
		documents, err = pgx.CollectRows(rows, pgx.RowToStructByPos[sqlrows.Document])
		return err
	})
	return documents, err
}

// DocumentsOf returns the rows of these documents that a list has, in any order.
func (s *Store) DocumentsOf(ctx context.Context, l List, ids []document.ID) ([]sqlrows.Document, error) {
	var st statement
	terms := append(List{Owner: l.Owner, Trashed: l.Trashed}.where(&st), fmt.Sprintf("d.id = ANY(%s::uuid[])", st.arg(ids)))
	rows, err := s.pool.Query(ctx, "SELECT "+documentColumns+" FROM documents d WHERE "+strings.Join(terms, " AND "), st.args...)
	if err != nil {
		return nil, tell(err)
	}
	documents, err := pgx.CollectRows(rows, pgx.RowToStructByPos[sqlrows.Document])
	return documents, tell(err)
}

// CountDocuments counts the rows of a list, to atMost. Of a search that finds more than ExactTotal it may say atMost without counting.
func (s *Store) CountDocuments(ctx context.Context, l List, atMost int) (total int64, err error) {
	if common, err := s.isCommon(ctx, l); err != nil || common {
		return int64(atMost), err
	}
	var st statement
	sql := fmt.Sprintf("SELECT count(*) FROM (%s) bounded", l.matching("1", atMost, &st))
	err = s.listing(ctx, l, func(tx querier) error {
		return tx.QueryRow(ctx, sql, st.planned()...).Scan(&total)
	})
	return total, err
}

type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// listing runs a statement whose best plan depends on its values: it is planned for them, each time. Of a
// search, the planner does not know that looking into a row costs more than the row, so it must not read all of them; and the
// index's answer shall stay exact, for which it needs a little memory.
func (s *Store) listing(ctx context.Context, l List, work func(querier) error) error {
	if l.Search == nil {
		return tell(work(s.pool))
	}
	return s.planning(ctx, "SELECT set_config('enable_seqscan', 'off', true), set_config('work_mem', '16MB', true)", work)
}

// planning runs work under settings of the planner.
func (s *Store) planning(ctx context.Context, settings string, work func(querier) error) error {
	return tell(pgx.BeginTxFunc(ctx, s.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, settings); err != nil {
			return err
		}
		return work(tx)
	}))
}

// sortedBy is the column and the id that a list is sorted by. The documents of a topic, and those without, are kept in the order of
// their creation.
func (l List) sortedBy() (column, id string) {
	switch {
	case l.byTopic():
		return "f.document_created_at", "f.document_id"
	case l.byUntagged():
		return "u.created_at", "u.document_id"
	}
	return "d." + string(l.Column), "d.id"
}

func (l List) byTopic() bool { return l.Column == ByCreation && l.Topic != nil && l.Search == nil }

func (l List) byUntagged() bool {
	return l.Column == ByCreation && l.Untagged && l.Topic == nil && l.Search == nil
}

// from begins a statement for a list's rows, and returns the conditions that it leaves to its end.
func (l List) from(st *statement) (sql string, terms []string) {
	columns := "d." + strings.Join(strings.Fields(documentColumns), " d.")
	switch {
	case l.byTopic():
		terms = append(l.where(st), "f.topic_id = "+st.arg(*l.Topic))
		return fmt.Sprintf("SELECT %s FROM document_topics f JOIN documents d ON d.id = f.document_id", columns), terms
	case l.byUntagged():
		terms = append(l.where(st), "u.owner = "+st.arg(l.Owner))
		return fmt.Sprintf("SELECT %s FROM document_untagged u JOIN documents d ON d.id = u.document_id", columns), terms
	case l.Search == nil:
		return fmt.Sprintf("SELECT %s FROM documents d", columns), l.where(st)
	case l.Common:
		// OFFSET 0 keeps the planner from asking the index, which would give it too much.
		return fmt.Sprintf(`SELECT %s FROM documents d CROSS JOIN LATERAL
			(SELECT FROM document_search s WHERE s.document_id = d.id AND %s OFFSET 0) m`, columns, l.Search.matches(st)), l.where(st)
	}
	return fmt.Sprintf("WITH found AS MATERIALIZED (%s) SELECT %s FROM found f JOIN documents d ON d.id = f.document_id",
		l.matching("s.document_id", MaxFound, st), columns), []string{"true"}
}

// matching selects something of at most so many rows of a list, in no order.
func (l List) matching(what string, atMost int, st *statement) string {
	l.Column = "" // of the order alone
	from := "documents d"
	var terms []string
	switch {
	case l.Search == nil:
		terms = l.where(st)
	case l.asksSearchAlone():
		from = "document_search s"
		terms = []string{"s.owner = " + st.arg(l.Owner), fmt.Sprintf("s.trashed = %t", l.Trashed), l.Search.matches(st)}
	default:
		from = "document_search s JOIN documents d ON d.id = s.document_id"
		terms = append(l.where(st), l.Search.matches(st))
	}
	return fmt.Sprintf("SELECT %s FROM %s WHERE %s LIMIT %d", what, from, strings.Join(terms, " AND "), atMost)
}

// asksSearchAlone reports whether a list asks for nothing that document_search does not know.
func (l List) asksSearchAlone() bool {
	return l.Topic == nil && !l.Untagged && l.Status == "" && l.Classification == "" && l.Kind == "" &&
		l.MinSize == nil && l.MaxSize == nil && l.CreatedAfter.IsZero() && l.CreatedBefore.IsZero()
}

func (l List) where(st *statement) []string {
	terms := []string{"d.owner = " + st.arg(l.Owner)}
	and := func(term string, arg any) { terms = append(terms, fmt.Sprintf(term, st.arg(arg))) }
	if l.Trashed {
		terms = append(terms, "d.deleted_at IS NOT NULL")
	} else {
		terms = append(terms, "d.deleted_at IS NULL")
	}
	if l.Topic != nil && !l.byTopic() {
		and("EXISTS (SELECT FROM document_topics f WHERE f.topic_id = %s AND f.document_id = d.id)", *l.Topic)
	}
	if l.Untagged {
		terms = append(terms, "NOT EXISTS (SELECT FROM document_topics t WHERE t.document_id = d.id)")
		if !l.byUntagged() {
			terms = append(terms, "d.id IN (SELECT u.document_id FROM document_untagged u)")
		}
	}
	if l.Status != "" {
		and("d.status = %s", l.Status)
	}
	if l.Classification != "" {
		and("d.classification_status = %s", l.Classification)
	}
	if l.Kind != "" {
		and("d.kind = %s", l.Kind)
	}
	created := "d.created_at"
	if l.Column == ByCreation {
		created, _ = l.sortedBy()
	}
	if !l.CreatedAfter.IsZero() {
		and(created+" > %s", l.CreatedAfter)
	}
	if !l.CreatedBefore.IsZero() {
		and(created+" < %s", l.CreatedBefore)
	}
	if l.MinSize != nil {
		and("d.size >= %s", *l.MinSize)
	}
	if l.MaxSize != nil {
		and("d.size <= %s", *l.MaxSize)
	}
	return terms
}

// statement gathers the arguments of SQL that is put together.
type statement struct{ args []any }

// arg returns the placeholder of an argument.
func (st *statement) arg(value any) string {
	st.args = append(st.args, value)
	return fmt.Sprintf("$%d", len(st.args))
}

// planned is the arguments, and the wish that the statement be planned for them.
func (st *statement) planned() []any {
	return append([]any{pgx.QueryExecModeCacheDescribe}, st.args...)
}
