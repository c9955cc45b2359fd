package vault

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"html"
	"slices"
	"strings"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// SortRelevance is the order of a search unless it asks for another: best first.
const SortRelevance Sort = "relevance"

const (
	// rankedDocuments is how many documents are ranked, the newest that a search finds. All others follow in the order of their
	// creation: to rank a word that three of four documents have would cost half a second for a million.
	rankedDocuments = 1_000
	// fewFound is how many documents a search must find for what is typed to count as meant. With less, similar names are looked for.
	fewFound = DefaultPerPage
)

// Match is how well a document fits a search, and where.
type Match struct {
	Score     float64 // above 0, at most 1
	Highlight string  // HTML: text, escaped, with <mark> around what was found
}

// search returns a page of what a query finds. Where that is nothing, the letters that a further word begins with are passed over.
func (v *Vault) search(ctx context.Context, q ListQuery, list store.List, after cursor) (Page, error) {
	page, found, err := v.readAs(ctx, q, list, after)
	if err != nil || found > 0 || q.Cursor != "" || store.Shortened(q.Search) == "" {
		return page, err
	}
	after.Shortened = true
	page, _, err = v.readAs(ctx, q, list, after)
	return page, err
}

// readAs returns a page of what a query finds, read as a cursor says, and how many documents there are, as found does.
func (v *Vault) readAs(ctx context.Context, q ListQuery, list store.List, after cursor) (page Page, found int, err error) {
	search, err := v.store.ReadSearch(ctx, q.Search, after.Reading)
	if err != nil {
		return Page{}, 0, fmt.Errorf("read the search: %w", err)
	}
	page, found, err = v.found(ctx, q, list, search, after)
	if err != nil || found >= fewFound || q.Cursor != "" {
		return page, found, err
	}
	similar, err := v.store.ReadSearch(ctx, q.Search, store.Reading{Similar: true, Shortened: after.Shortened})
	if err != nil {
		return Page{}, 0, fmt.Errorf("look for similar words: %w", err)
	}
	if similar.Similar {
		page, found, err = v.found(ctx, q, list, similar, after)
	}
	return page, found, err
}

// found returns a page, and how many documents a search finds, to just beyond store.MaxFound.
func (v *Vault) found(
	ctx context.Context, q ListQuery, list store.List, search store.Search, after cursor,
) (page Page, found int, err error) {
	if search.Empty() {
		return Page{Documents: []document.Document{}, Matches: []Match{}, TotalIsExact: true}, 0, nil
	}
	list.Search = &search
	if q.Sort == SortRelevance {
		page, found, err = v.relevant(ctx, list, after)
	} else {
		page, found, err = v.sorted(ctx, q, list)
	}
	if err != nil {
		return Page{}, 0, err
	}
	page.Total, page.TotalIsExact = int64(min(found, MaxDepth)), found <= MaxDepth
	page.Matches, err = v.matches(ctx, search, page.Documents)
	return page, found, err
}

// sorted is a page of a search in an order that has nothing to do with it.
func (v *Vault) sorted(ctx context.Context, q ListQuery, list store.List) (Page, int, error) {
	found, err := v.store.CountDocuments(ctx, list, store.MaxFound+1)
	if err != nil {
		return Page{}, 0, fmt.Errorf("count what is found: %w", err)
	}
	list.Common = found > store.MaxFound
	page, err := v.page(ctx, q, list)
	return page, int(found), err
}

// relevant is a page of a search by relevance: first the ranked documents, then the others, newest first.
func (v *Vault) relevant(ctx context.Context, list store.List, after cursor) (Page, int, error) {
	ranked, found, err := v.rank(ctx, list, after)
	if err != nil {
		return Page{}, 0, err
	}
	next := after.within(ranked)
	next.Reading = list.Search.Reading
	slices.SortFunc(ranked, byRelevance)
	ranked = after.beyond(ranked)

	wanted := list.Limit + 1 // one more than is shown, to know whether there is a next page
	best := ranked[min(list.Offset, len(ranked)):min(list.Offset+wanted, len(ranked))]
	page := Page{}
	if page.Documents, err = v.ranked(ctx, list, best); err != nil {
		return Page{}, 0, err
	}
	var others []sqlrows.Document
	if missing := wanted - len(best); missing > 0 && next.Oldest != nil {
		list.Common = found > store.MaxFound
		list.Column, list.Descending, list.Limit = store.ByCreation, true, missing
		list.Offset = max(list.Offset-len(ranked), 0)
		list.After = next.restAfter(after)
		if others, err = v.store.ListDocuments(ctx, list); err != nil {
			return Page{}, 0, fmt.Errorf("list documents: %w", err)
		}
	}
	documents, err := v.documents(ctx, others)
	page.Documents = append(page.Documents, documents...)
	if len(best)+len(others) == wanted {
		page.NextCursor = next.after(best, others).String()
		page.Documents = page.Documents[:min(wanted-1, len(page.Documents))]
	}
	return page, found, err
}

// rank returns what is to be ranked, in no order; nothing once a cursor is beyond it.
func (v *Vault) rank(ctx context.Context, list store.List, after cursor) (ranked []store.Found, found int, err error) {
	if after.Rest {
		n, err := v.store.CountDocuments(ctx, list, store.MaxFound+1)
		if err != nil {
			return nil, 0, fmt.Errorf("count what is found: %w", err)
		}
		return nil, int(n), nil
	}
	atMost := rankedDocuments
	if after.Oldest != nil {
		atMost *= 2 // documents of an earlier date may have come in the meantime: none of the others gives way
	}
	ranked, found, err = v.store.Newest(ctx, list, store.Window{Newest: after.Newest.position(), Oldest: after.Oldest.position()}, atMost)
	if err != nil {
		return nil, 0, fmt.Errorf("search: %w", err)
	}
	return ranked, found, nil
}

// ranked returns documents in the order in which they were found. One that went in the meantime is left out.
func (v *Vault) ranked(ctx context.Context, list store.List, found []store.Found) ([]document.Document, error) {
	place := make(map[document.ID]int, len(found))
	ids := make([]document.ID, len(found))
	for i, f := range found {
		ids[i], place[f.ID] = f.ID, i
	}
	rows, err := v.store.DocumentsOf(ctx, list, ids)
	if err != nil {
		return nil, fmt.Errorf("get the documents: %w", err)
	}
	documents, err := v.documents(ctx, rows)
	slices.SortFunc(documents, func(a, b document.Document) int { return place[a.ID] - place[b.ID] })
	return documents, err
}

// byRelevance puts the best first, of equals the newest.
func byRelevance(a, b store.Found) int {
	return cmp.Or(cmp.Compare(b.Score, a.Score), b.CreatedAt.Compare(a.CreatedAt), bytes.Compare(b.ID[:], a.ID[:]))
}

// matches returns what is to be said of documents that were found, in their order.
func (v *Vault) matches(ctx context.Context, search store.Search, documents []document.Document) ([]Match, error) {
	ids := make([]document.ID, len(documents))
	for i, d := range documents {
		ids[i] = d.ID
	}
	shown, err := v.store.Show(ctx, search, ids)
	if err != nil {
		return nil, fmt.Errorf("mark what was found: %w", err)
	}
	matches := make([]Match, len(documents))
	for i, d := range documents {
		s := shown[d.ID]
		matches[i] = Match{Score: float64(s.Score), Highlight: highlight(s, d.OriginalName)}
	}
	return matches, nil
}

// highlight prefers the text, where it has what was found; else the name; else it is the beginning of the text.
func highlight(s store.Shown, name string) string {
	marked := s.Headline
	if !strings.Contains(marked, store.MarkStart) && strings.Contains(s.Name, store.MarkStart) {
		marked = markedName(s.Name, name)
	}
	return marks.Replace(html.EscapeString(marked))
}

var (
	marks    = strings.NewReplacer(store.MarkStart, "<mark>", store.MarkEnd, "</mark>")
	unmarked = strings.NewReplacer(store.MarkStart, " ", store.MarkEnd, " ")
)

// markedName puts marks into a name where they stand in its words, which have the name's length.
func markedName(words, name string) string {
	characters := []rune(unmarked.Replace(name))
	var b strings.Builder
	for _, r := range words {
		switch {
		case string(r) == store.MarkStart, string(r) == store.MarkEnd:
			b.WriteRune(r)
		case len(characters) > 0:
			b.WriteRune(characters[0])
			characters = characters[1:]
		}
	}
	return b.String()
}
