package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

const (
	// DefaultPerPage is how many documents a page of a list holds when nothing is asked for.
	DefaultPerPage = 20
	// MaxPerPage is how many it may hold.
	MaxPerPage = 100
	// MaxDepth is how far pages by number reach, and how far totals are exact. Cursors reach everything.
	MaxDepth = store.ExactTotal
)

// Sort is the order of a list.
type Sort string

// The orders of a list; the empty Sort is SortNewest, of a search SortRelevance.
const (
	SortNewest   Sort = "-created_at"
	SortOldest   Sort = "created_at"
	SortName     Sort = "name"
	SortNameDesc Sort = "-name"
	SortSize     Sort = "size"
	SortSizeDesc Sort = "-size"
)

// columns says how each order is made.
var columns = map[Sort]struct {
	column     store.Column
	descending bool
}{
	SortNewest: {store.ByCreation, true}, SortOldest: {store.ByCreation, false},
	SortName: {store.ByName, false}, SortNameDesc: {store.ByName, true},
	SortSize: {store.BySize, false}, SortSizeDesc: {store.BySize, true},
}

// ListQuery says which documents are wanted, all conditions combined by and. Zero values do not restrict.
type ListQuery struct {
	Topic                       string // name, without regard to case
	Untagged                    bool
	Status                      document.Status
	Classification              document.ClassificationStatus
	Kind                        document.Kind
	CreatedAfter, CreatedBefore time.Time // exclusive
	MinSize, MaxSize            *int64    // bytes, inclusive
	Trashed                     bool      // the trash instead of the vault
	Search                      string    // any text; without a word in it, it finds nothing. Empty: all documents
	Sort                        Sort      // SortRelevance with Search alone
	PerPage                     int       // 1 to 100; 0: 20
	Page                        int       // from 1, page times per-page at most 10,000; 0: 1, or the cursor's
	Cursor                      string
}

// Page is one page of a list.
type Page struct {
	Documents    []document.Document
	Matches      []Match // of a search alone: one for each document
	Total        int64   // counted to 10,000
	TotalIsExact bool
	NextCursor   string // empty on the last page
}

// List returns a page of documents, without their text. An unknown topic gives an empty page.
// Errors: *document.InvalidError.
func (v *Vault) List(ctx context.Context, a document.Actor, q ListQuery) (Page, error) {
	list, after, err := q.rows(a)
	if err != nil {
		return Page{}, err
	}
	if q.Topic != "" {
		named, err := v.store.TopicsNamed(ctx, sqlrows.TopicsNamedParams{Owner: a.Owner, Names: []string{q.Topic}})
		if err != nil {
			return Page{}, fmt.Errorf("look for the topic: %w", err)
		}
		if len(named) == 0 {
			return Page{Documents: []document.Document{}, TotalIsExact: true}, nil
		}
		list.Topic = &named[0].ID
	}
	if q.Search != "" {
		return v.search(ctx, q, list, after)
	}
	page, err := v.page(ctx, q, list)
	if err != nil {
		return Page{}, err
	}
	page.Total, err = v.total(ctx, list)
	if page.Total > MaxDepth {
		page.Total = MaxDepth
	} else {
		page.TotalIsExact = true
	}
	return page, err
}

// page asks for one row more than it shows, to know whether there is a next page.
func (v *Vault) page(ctx context.Context, q ListQuery, list store.List) (Page, error) {
	shown := list.Limit
	list.Limit++
	rows, err := v.store.ListDocuments(ctx, list)
	if err != nil {
		return Page{}, fmt.Errorf("list documents: %w", err)
	}
	var page Page
	if len(rows) > shown {
		rows = rows[:shown]
		page.NextCursor = cursorAfter(q, list, rows[shown-1]).String()
	}
	page.Documents, err = v.documents(ctx, rows)
	return page, err
}

// total reads a counter where there is one for the query, else it counts, to just beyond what is exact.
func (v *Vault) total(ctx context.Context, list store.List) (int64, error) {
	counted := store.List{Owner: list.Owner, Topic: list.Topic}
	unfiltered := list
	unfiltered.Column, unfiltered.Descending, unfiltered.After, unfiltered.Offset, unfiltered.Limit = "", false, nil, 0, 0
	if unfiltered == counted {
		var topic document.ID // the nil UUID: all documents
		if list.Topic != nil {
			topic = *list.Topic
		}
		return v.store.CountOf(ctx, sqlrows.CountOfParams{Owner: list.Owner, TopicID: topic})
	}
	return v.store.CountDocuments(ctx, list, MaxDepth+1)
}

// rows checks a query and says which rows it means, but for the topic and the search.
func (q *ListQuery) rows(a document.Actor) (store.List, cursor, error) {
	if q.Sort == "" {
		q.Sort = SortNewest
		if q.Search != "" {
			q.Sort = SortRelevance
		}
	}
	if q.PerPage == 0 {
		q.PerPage = DefaultPerPage
	}
	if err := q.check(); err != nil {
		return store.List{}, cursor{}, err
	}
	order := columns[q.Sort]
	list := store.List{
		Owner: a.Owner, Untagged: q.Untagged, Status: q.Status, Classification: q.Classification, Kind: q.Kind,
		CreatedAfter: q.CreatedAfter, CreatedBefore: q.CreatedBefore,
		MinSize: q.MinSize, MaxSize: q.MaxSize, Trashed: q.Trashed, Column: order.column, Descending: order.descending, Limit: q.PerPage,
	}
	if q.Cursor == "" {
		list.Offset = max(q.Page-1, 0) * q.PerPage
		return list, cursor{Query: hashOf(q.Search)}, nil
	}
	after, err := readCursor(q.Cursor, q.Sort, q.Search)
	if err == nil && q.Sort != SortRelevance {
		list.After = after.position()
	}
	return list, after, err
}

func (q *ListQuery) check() error {
	_, known := columns[q.Sort]
	switch {
	case q.Sort == SortRelevance && q.Search == "":
		return &document.InvalidError{Field: "sort", Detail: "can be relevance for searches alone: give q, too"}
	case !known && q.Sort != SortRelevance:
		return &document.InvalidError{Field: "sort", Detail: "is one of -created_at, created_at, name, -name, size, -size, relevance"}
	case q.PerPage < 1 || q.PerPage > MaxPerPage:
		return &document.InvalidError{Field: "per_page", Detail: "is 1 to 100"}
	case q.Page < 0 || q.Page > MaxDepth/q.PerPage:
		return &document.InvalidError{
			Field: "page", Detail: "is at least 1, and page times per_page at most 10,000; use cursor to go further",
		}
	case q.Page > 0 && q.Cursor != "":
		return &document.InvalidError{Field: "cursor", Detail: "cannot be combined with page"}
	}
	return nil
}
