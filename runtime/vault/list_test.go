package vault_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

// library is a vault with documents d0 to d9: size 10 to 100, created a minute apart, even ones ready, d1 and d2 filed under
// "Letters".
func library(t *testing.T) (*runtimetest.App, []document.Document) {
	t.Helper()
	app := runtimetest.NewApp(t)
	topic := createTopic(t, app.Vault, "Letters", "")
	documents := make([]document.Document, 10)
	for i := range documents {
		documents[i] = upload(t, app.Vault, fmt.Sprintf("d%d", i), letters(10*(i+1)))
		created := start.Add(time.Duration(i) * time.Minute)
		exec(t, app, "UPDATE documents SET created_at = $2 WHERE id = $1", documents[i].ID.String(), created)
		if i%2 == 0 {
			exec(t, app, "UPDATE documents SET status = 'ready' WHERE id = $1", documents[i].ID.String())
		}
	}
	for _, d := range documents[1:3] {
		exec(t, app, "INSERT INTO document_topics (document_id, topic_id, by_hand) VALUES ($1, $2, true)", d.ID.String(), topic.ID.String())
	}
	return app, documents
}

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestListFiltersAndSorts(t *testing.T) {
	t.Parallel()
	app, documents := library(t)
	if err := app.Delete(t.Context(), anonymous, documents[9].ID, false); err != nil {
		t.Fatal(err)
	}
	size := func(n int64) *int64 { return &n }
	for name, c := range map[string]struct {
		query vault.ListQuery
		want  string
		total int64
	}{
		"newest first":        {vault.ListQuery{}, "d8 d7 d6 d5 d4 d3 d2 d1 d0", 9},
		"oldest first":        {vault.ListQuery{Sort: vault.SortOldest, PerPage: 3}, "d0 d1 d2", 9},
		"by name":             {vault.ListQuery{Sort: vault.SortName, PerPage: 2}, "d0 d1", 9},
		"by name, down":       {vault.ListQuery{Sort: vault.SortNameDesc, PerPage: 2}, "d8 d7", 9},
		"by size":             {vault.ListQuery{Sort: vault.SortSize, PerPage: 2}, "d0 d1", 9},
		"by size, down":       {vault.ListQuery{Sort: vault.SortSizeDesc, PerPage: 2}, "d8 d7", 9},
		"second page":         {vault.ListQuery{PerPage: 4, Page: 2}, "d4 d3 d2 d1", 9},
		"beyond the last":     {vault.ListQuery{PerPage: 4, Page: 9}, "", 9},
		"a topic":             {vault.ListQuery{Topic: "lETTERS"}, "d2 d1", 2},
		"an unknown topic":    {vault.ListQuery{Topic: "none"}, "", 0},
		"untagged":            {vault.ListQuery{Untagged: true}, "d8 d7 d6 d5 d4 d3 d0", 7},
		"topic and untagged":  {vault.ListQuery{Topic: "Letters", Untagged: true}, "", 0},
		"status":              {vault.ListQuery{Status: document.StatusReady}, "d8 d6 d4 d2 d0", 5},
		"status and topic":    {vault.ListQuery{Status: document.StatusReady, Topic: "Letters"}, "d2", 1},
		"kind":                {vault.ListQuery{Kind: document.KindPDF}, "", 0},
		"after":               {vault.ListQuery{CreatedAfter: start.Add(6 * time.Minute)}, "d8 d7", 2},
		"before":              {vault.ListQuery{CreatedBefore: start.Add(2 * time.Minute)}, "d1 d0", 2},
		"sizes, inclusive":    {vault.ListQuery{MinSize: size(30), MaxSize: size(50)}, "d4 d3 d2", 3},
		"size zero is a size": {vault.ListQuery{MaxSize: size(0)}, "", 0},
		"the trash":           {vault.ListQuery{Trashed: true}, "d9", 1},
	} {
		t.Run(name, func(t *testing.T) {
			page, err := app.List(t.Context(), anonymous, c.query)
			if err != nil {
				t.Fatal(err)
			}
			if got := names(page.Documents); got != c.want || page.Total != c.total || !page.TotalIsExact {
				t.Fatalf("got %q of %d (exact %t), want %q of %d", got, page.Total, page.TotalIsExact, c.want, c.total)
			}
		})
	}
}

func TestCursorsReachEverythingOnce(t *testing.T) {
	t.Parallel()
	app, documents := library(t)
	for _, sort := range []vault.Sort{vault.SortNewest, vault.SortOldest, vault.SortName, vault.SortNameDesc, vault.SortSize, vault.SortSizeDesc} {
		t.Run(string(sort), func(t *testing.T) {
			var seen []document.ID
			query := vault.ListQuery{Sort: sort, PerPage: 3}
			for {
				page, err := app.List(t.Context(), anonymous, query)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range page.Documents {
					seen = append(seen, d.ID)
				}
				if query.Cursor = page.NextCursor; query.Cursor == "" {
					break
				}
				// What the cursor points at goes and comes back: the next page begins where it would have.
				last := page.Documents[len(page.Documents)-1].ID
				if err := app.Delete(t.Context(), anonymous, last, false); err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _, _ = app.Restore(context.Background(), anonymous, last) })
			}
			if slices.SortFunc(seen, func(a, b document.ID) int { return slices.Compare(a[:], b[:]) }); len(slices.Compact(seen)) != len(documents) {
				t.Fatalf("saw %d documents, %d of them different", len(seen), len(slices.Compact(seen)))
			}
		})
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	nul := base64.RawURLEncoding.EncodeToString([]byte(`{"s":"name","i":"00000000-0000-4000-8000-000000000000","n":"a\u0000"}`))
	for _, c := range []struct {
		field string
		query vault.ListQuery
	}{
		{"sort", vault.ListQuery{Sort: "color"}},
		{"per_page", vault.ListQuery{PerPage: 101}},
		{"page", vault.ListQuery{PerPage: 100, Page: 101}},
		{"cursor", vault.ListQuery{Cursor: "x"}},
		{"cursor", vault.ListQuery{Cursor: nul, Sort: vault.SortName}},
	} {
		var invalid *document.InvalidError
		if _, err := app.List(t.Context(), anonymous, c.query); !errors.As(err, &invalid) || invalid.Field != c.field {
			t.Errorf("%+v: %v", c.query, err)
		}
	}
}

func TestTrashAndCounts(t *testing.T) {
	t.Parallel()
	app, documents := library(t)
	topics, err := app.Topics(t.Context(), anonymous)
	if err != nil {
		t.Fatal(err)
	}
	want := func(when string, total, inTopic int64) {
		t.Helper()
		page, err := app.List(t.Context(), anonymous, vault.ListQuery{PerPage: 1})
		if err != nil || page.Total != total || count(t, app.Vault, topics[0].ID) != inTopic {
			t.Fatalf("%s: total %d, in the topic %d, %v", when, page.Total, count(t, app.Vault, topics[0].ID), err)
		}
	}
	filed := documents[1].ID
	want("at first", 10, 2)
	check(t, app.Delete(t.Context(), anonymous, filed, false))
	want("in the trash", 9, 1)
	if _, err := app.Get(t.Context(), anonymous, filed); !errors.Is(err, document.ErrNotFound) {
		t.Fatalf("in the trash, but found: %v", err)
	}
	if err := app.Delete(t.Context(), anonymous, filed, false); !errors.Is(err, document.ErrNotFound) {
		t.Fatalf("deleted twice: %v", err)
	}
	if _, err := app.Restore(t.Context(), anonymous, filed); err != nil {
		t.Fatal(err)
	}
	want("restored", 10, 2)
	check(t, app.Delete(t.Context(), anonymous, filed, true))
	want("gone", 9, 1)
	check(t, app.Delete(t.Context(), anonymous, documents[2].ID, false))
	check(t, app.Delete(t.Context(), anonymous, documents[2].ID, true))
	want("gone from the trash", 8, 0)
	if _, err := app.Restore(t.Context(), anonymous, documents[2].ID); !errors.Is(err, document.ErrNotFound) {
		t.Fatalf("restored what is gone: %v", err)
	}
	if objects, _ := app.Bucket.Keys(t); len(objects) != 8 {
		t.Fatalf("%d objects for 8 documents", len(objects))
	}
	check(t, app.Delete(t.Context(), anonymous, documents[3].ID, false))
	exec(t, app, "UPDATE documents SET deleted_at = now() - interval '25 hours' WHERE deleted_at IS NOT NULL")
	runtimetest.Wait(t, 10*time.Second, "the trash to be emptied", func() bool {
		sweep(t, app.Vault)
		objects, _ := app.Bucket.Keys(t)
		return len(objects) == 7 && rows(t, app, "SELECT count(*) FROM objects") == 7
	})
}

func TestTopics(t *testing.T) {
	t.Parallel()
	app, _ := library(t)
	tax := createTopic(t, app.Vault, "  Tax ", "what the state wants")
	if tax.Name != "Tax" || tax.Color != vault.DefaultColor {
		t.Fatalf("%+v", tax)
	}
	if _, err := app.CreateTopic(t.Context(), anonymous, "TAX", "", vault.DefaultColor); !errors.Is(err, document.ErrConflict) {
		t.Fatalf("the same name in capitals: %v", err)
	}
	taken, name, color := "letters", "Taxes", "#ABCDEF"
	if _, err := app.UpdateTopic(t.Context(), anonymous, tax.ID, vault.TopicPatch{Name: &taken}); !errors.Is(err, document.ErrConflict) {
		t.Fatalf("another's name: %v", err)
	}
	changed, err := app.UpdateTopic(t.Context(), anonymous, tax.ID, vault.TopicPatch{Name: &name, Color: &color})
	if err != nil || changed.Name != "Taxes" || changed.Color != "#abcdef" || changed.Description != "what the state wants" {
		t.Fatalf("%+v, %v", changed, err)
	}
	for _, bad := range []struct{ name, color string }{{"", ""}, {"   ", ""}, {string(letters(101)), ""}, {"a\nb", ""}, {"ok", "red"}} {
		var invalid *document.InvalidError
		if _, err := app.CreateTopic(t.Context(), anonymous, bad.name, "", bad.color); !errors.As(err, &invalid) {
			t.Errorf("%q, %q: %v", bad.name, bad.color, err)
		}
	}
	topics, err := app.Topics(t.Context(), anonymous)
	if err != nil || len(topics) != 2 || topics[0].Name != "Letters" || topics[0].DocCount != 2 {
		t.Fatalf("%+v, %v", topics, err)
	}
	check(t, app.DeleteTopic(t.Context(), anonymous, topics[0].ID))
	if page, err := app.List(t.Context(), anonymous, vault.ListQuery{Untagged: true}); err != nil || page.Total != 10 {
		t.Fatalf("its documents did not stay: %d, %v", page.Total, err)
	}
	if err := app.DeleteTopic(t.Context(), anonymous, topics[0].ID); !errors.Is(err, document.ErrNotFound) {
		t.Fatalf("deleted twice: %v", err)
	}
}

func TestUnknownTopicToClassifyAmong(t *testing.T) {
	t.Parallel()
	app, documents := library(t)
	var invalid *document.InvalidError
	if err := app.Classify(t.Context(), anonymous, documents[0].ID, []string{"Letters", "nope"}); !errors.As(err, &invalid) || invalid.Field != "topics" {
		t.Fatalf("got %v", err)
	}
	if err := app.Classify(t.Context(), anonymous, document.NewID(), nil); !errors.Is(err, document.ErrNotFound) {
		t.Fatalf("got %v", err)
	}
}

func TestOwnersSeeTheirOwn(t *testing.T) {
	t.Parallel()
	app, documents := library(t)
	other := document.Actor{Owner: document.NewID()}
	exec(t, app, "INSERT INTO users (id, name) VALUES ($1, 'other')", other.Owner.String())
	id := documents[0].ID
	for what, err := range map[string]error{
		"get":      second(app.Get(t.Context(), other, id)),
		"open":     second(app.Open(t.Context(), other, id)),
		"restore":  second(app.Restore(t.Context(), other, id)),
		"delete":   app.Delete(t.Context(), other, id, true),
		"classify": app.Classify(t.Context(), other, id, nil),
	} {
		if !errors.Is(err, document.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if page, err := app.List(t.Context(), other, vault.ListQuery{}); err != nil || page.Total != 0 || len(page.Documents) != 0 {
		t.Errorf("%+v, %v", page, err)
	}
}

func second[T any](_ T, err error) error { return err }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func names(documents []document.Document) string {
	var text string
	for i, d := range documents {
		if i > 0 {
			text += " "
		}
		text += d.OriginalName
	}
	return text
}
