package vault

import (
	"encoding/base64"
	"encoding/json"
	"hash/fnv"
	"slices"
	"strings"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// cursor says after which document a page begins. It holds the sort value itself, so that it stays good when that document goes.
type cursor struct {
	Sort    Sort        `json:"s"`
	ID      document.ID `json:"i"`
	Created time.Time   `json:"c,omitzero"`
	Name    string      `json:"n,omitempty"`
	Size    int64       `json:"z,omitempty"`

	// Of searches.
	store.Reading

	Query uint64  `json:"q,omitempty"` // what is searched for, hashed
	Score float32 `json:"r,omitempty"`
	// By relevance: between which documents are those that are ranked. Oldest only where the others follow.
	Newest *moment `json:"w,omitempty"`
	Oldest *moment `json:"o,omitempty"`
	Rest   bool    `json:"e,omitempty"` // the cursor is among the others
}

// moment is a place in the order of creation.
type moment struct {
	Created time.Time   `json:"c"`
	ID      document.ID `json:"i"`
}

func (m *moment) position() *store.Position {
	if m == nil {
		return nil
	}
	return &store.Position{Value: m.Created, ID: m.ID}
}

func cursorAfter(q ListQuery, list store.List, last sqlrows.Document) cursor {
	c := cursor{Sort: q.Sort, ID: last.ID, Query: hashOf(q.Search)}
	if list.Search != nil {
		c.Reading = list.Search.Reading
	}
	switch list.Column {
	case store.ByCreation:
		c.Created = last.CreatedAt
	case store.ByName:
		c.Name = last.OriginalName
	case store.BySize:
		c.Size = last.Size
	}
	return c
}

// within returns the cursor that the pages of a search by relevance have in common: the first page decides what is ranked.
func (c cursor) within(ranked []store.Found) cursor {
	next := cursor{Sort: SortRelevance, Query: c.Query, Newest: c.Newest, Oldest: c.Oldest}
	if c.Newest != nil || len(ranked) == 0 {
		return next
	}
	byCreation := func(a, b store.Found) int {
		return byRelevance(store.Found{CreatedAt: b.CreatedAt, ID: b.ID}, store.Found{CreatedAt: a.CreatedAt, ID: a.ID})
	}
	newest, oldest := slices.MaxFunc(ranked, byCreation), slices.MinFunc(ranked, byCreation)
	next.Newest = &moment{newest.CreatedAt, newest.ID}
	if len(ranked) == rankedDocuments {
		next.Oldest = &moment{oldest.CreatedAt, oldest.ID}
	}
	return next
}

// beyond leaves out of what is ranked, best first, what a cursor has passed.
func (c cursor) beyond(ranked []store.Found) []store.Found {
	if c.ID.IsZero() {
		return ranked
	}
	passed := store.Found{ID: c.ID, CreatedAt: c.Created, Score: c.Score}
	first := slices.IndexFunc(ranked, func(f store.Found) bool { return byRelevance(f, passed) > 0 })
	if first < 0 {
		return nil
	}
	return ranked[first:]
}

// restAfter is where those begin that are not ranked.
func (c cursor) restAfter(after cursor) *store.Position {
	if after.Rest {
		return after.position()
	}
	return c.Oldest.position()
}

// after moves a cursor behind a page of ranked and other documents, of which the last is the first of the next page.
func (c cursor) after(best []store.Found, others []sqlrows.Document) cursor {
	switch {
	case len(others) > 1:
		last := others[len(others)-2]
		c.Rest, c.Created, c.ID = true, last.CreatedAt, last.ID
		return c
	case len(others) == 0:
		best = best[:len(best)-1]
	}
	last := best[len(best)-1]
	c.Created, c.ID, c.Score = last.CreatedAt, last.ID, last.Score
	return c
}

func (c cursor) String() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err) // strings, numbers and times always marshal
	}
	return base64.RawURLEncoding.EncodeToString(text)
}

// hashOf is 0 of no search.
func hashOf(search string) uint64 {
	if search == "" {
		return 0
	}
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(search)) // cannot fail
	return hash.Sum64()
}

func readCursor(text string, sort Sort, search string) (cursor, error) {
	var c cursor
	plain, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(plain, &c)
	}
	if err != nil || c.Sort != sort || strings.ContainsRune(c.Name, 0) { // a name that Postgres could not even compare
		return cursor{}, &document.InvalidError{Field: "cursor", Detail: "must be the next_cursor of a page of the same list and sort"}
	}
	if c.Query != hashOf(search) {
		return cursor{}, &document.InvalidError{Field: "cursor", Detail: "is of another search: q must stay the same from page to page"}
	}
	return c, nil
}

// position is where a cursor stands in the order of a column.
func (c cursor) position() *store.Position {
	switch columns[c.Sort].column {
	case store.ByName:
		return &store.Position{Value: c.Name, ID: c.ID}
	case store.BySize:
		return &store.Position{Value: c.Size, ID: c.ID}
	}
	return &store.Position{Value: c.Created, ID: c.ID}
}
