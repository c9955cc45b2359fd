package vault_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

// readText uploads a text and lets it be read.
func readText(t *testing.T, app *runtimetest.App, name, text string) document.Document {
	t.Helper()
	d := upload(t, app.Vault, name, []byte(text))
	if outcome, err := app.Extract(t.Context(), d.ID, 1); err != nil || outcome != vault.Done {
		t.Fatalf("reading %s ended %q, %v", name, outcome, err)
	}
	return d
}

func search(t *testing.T, app *runtimetest.App, q vault.ListQuery) vault.Page {
	t.Helper()
	page, err := app.List(t.Context(), anonymous, q)
	if err != nil {
		t.Fatalf("search %q: %v", q.Search, err)
	}
	if len(page.Matches) != len(page.Documents) {
		t.Fatalf("%d matches of %d documents", len(page.Matches), len(page.Documents))
	}
	for _, m := range page.Matches {
		if m.Score <= 0 || m.Score > 1 {
			t.Errorf("the score is %v", m.Score)
		}
	}
	return page
}

const (
	german = "Die Übersicht über die Häuser und die Rechnungen der Gemeinde ist nicht vollständig, weil einige Verträge fehlen."
	french = "Les chevaux de la ville sont élevés dans les écoles municipales, et nous avons décidé de les acheter à crédit."
	letter = "The quick foxes were running across the fields while the farmers prepared their annual statements for the bank."
)

func TestSearchFinds(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	readText(t, app, "haus.txt", german)
	readText(t, app, "cheval.txt", french)
	readText(t, app, "letter.txt", letter)
	readText(t, app, "Invoice_2024-03 (ACME).pdf", "Total due: 17 euros")
	readText(t, app, "The Who.txt", "Songs")
	readText(t, app, "reference.txt", "Our reference is RE-2026/0417-B of that day.")
	upload(t, app.Vault, "unread Übung.txt", []byte("nobody has read this"))
	trashed := readText(t, app, "trashed.txt", "quick and gone")
	check(t, app.Delete(t.Context(), anonymous, trashed.ID, false))
	const invoice = "Invoice_2024-03 (ACME).pdf"
	for q, want := range map[string]string{
		"2026-0417":         "reference.txt",
		"0417":              "reference.txt",
		"2026/0417":         "reference.txt",
		"RE-2026":           "reference.txt",
		"foxes":             "letter.txt",
		"fox":               "letter.txt",
		"running statement": "letter.txt",
		"run bank":          "letter.txt",
		"FARMERS":           "letter.txt",
		"farm":              "letter.txt",
		"statem":            "letter.txt",
		"nothing like it":   "",
		"Übersicht":         "haus.txt",
		"ubersicht":         "haus.txt",
		"uebersicht":        "haus.txt",
		"UEBERSICHT":        "haus.txt",
		"Haus":              "haus.txt",
		"Rechnung Vertrag":  "haus.txt",
		"cheval école":      "cheval.txt",
		"ecole":             "cheval.txt",
		"municipal":         "cheval.txt",
		"acheté":            "cheval.txt",
		"invoice":           invoice,
		"invoice.pdf":       "",
		"invioce":           invoice,
		"INVIOCE":           invoice,
		"inv":               invoice,
		"acmee":             invoice,
		"2024":              invoice,
		"euro":              invoice,
		"total invoices":    invoice,
		"the who":           "The Who.txt",
		"ubung":             "unread Übung.txt",
		"Übung":             "unread Übung.txt",
		`"quick foxes"`:     "letter.txt",
		`"foxes quick"`:     "",
		"quick -foxes":      "",
		"quick -horses":     "letter.txt",
		"quick -fox":        "letter.txt"[:0],
		"foxes or chevaux":  "cheval.txt letter.txt",
		"zebra OR fox":      "letter.txt",
		"fox or or":         "letter.txt",
		"-fox":              "",
		"statem* bank":      "letter.txt",
		"fox* farm*":        "letter.txt",
		`"quick fox*" bank`: "letter.txt",
		`"fox* quick"`:      "",
		"quick -farm*":      "",
		"quick -horse*":     "letter.txt",
		"Invoi* 2024":       invoice,
		"* ** -* \"*\" fox": "letter.txt",
		"or":                "",
		"gone":              "",
	} {
		var got []string
		for _, d := range search(t, app, vault.ListQuery{Search: q, Sort: vault.SortName}).Documents {
			got = append(got, d.OriginalName)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s finds %q, want %q", q, got, want)
		}
	}
	if page := search(t, app, vault.ListQuery{Search: "gone", Trashed: true}); names(page.Documents) != "trashed.txt" {
		t.Errorf("in the trash it finds %q", names(page.Documents))
	}
}

// TestSearchAsOneTypes asks at each letter, as the page does: what is meant is there from the third letter on, in names from the first.
func TestSearchAsOneTypes(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	readText(t, app, "haus.txt", german)
	readText(t, app, "letter.txt", letter)
	readText(t, app, "reference.txt", "Our reference is RE-2026/0417-B of that day. Write to max.mustermann@example.com, who knows.")
	readText(t, app, "Invoice_2024-03 (ACME).pdf", "Total due: 17 euros")
	for _, c := range []struct {
		typed, found string
		from         int // letters
	}{
		{"quick foxes bank", "letter.txt", 3},
		{`"annual statements for the bank`, "letter.txt", 4},
		{`bank "across the fields"`, "letter.txt", 3},
		{"quick -horses", "letter.txt", 3},
		{"Übersicht der Häuser", "haus.txt", 3},
		{"uebersicht der haeuser", "haus.txt", 3},
		{`"Rechnungen der Gemeinde`, "haus.txt", 4},
		{"RE-2026/0417-B", "reference.txt", 1},
		{"2026-0417", "reference.txt", 3},
		{"max.mustermann@example.com", "reference.txt", 3},
		{"invoice_2024-03 acme", "Invoice_2024-03 (ACME).pdf", 1},
		{"total inv", "Invoice_2024-03 (ACME).pdf", 3},
	} {
		letters := []rune(c.typed)
		for n := c.from; n <= len(letters); n++ {
			typed := string(letters[:n])
			page := search(t, app, vault.ListQuery{Search: typed})
			if !slices.Contains(strings.Fields(names(page.Documents)), c.found) && names(page.Documents) != c.found {
				t.Errorf("%s finds %q", typed, names(page.Documents))
			}
		}
	}
	// What is typed to its end is meant as it is.
	for q, want := range map[string]string{
		"quick x": "letter.txt", "quick x ": "", `quick "x"`: "", "zebra x": "", "x": "", "quick -w": "letter.txt", "quick zebra": "",
		`"quick foxe`: "letter.txt", `"quick foxe"`: "letter.txt", `"quick farm`: "", `"were runn`: "", "2026-0418": "", "2026-18": "reference.txt",
	} {
		if page := search(t, app, vault.ListQuery{Search: q}); names(page.Documents) != want {
			t.Errorf("%s finds %q, want %q", q, names(page.Documents), want)
		}
	}
	// What was typed goes before what it may become, and both are marked.
	page := search(t, app, vault.ListQuery{Search: `"quick fox`})
	if page.Matches[0].Score < 0.5 || !strings.Contains(page.Matches[0].Highlight, "<mark>quick</mark> <mark>foxes</mark>") {
		t.Errorf("%+v", page.Matches[0])
	}
	page = search(t, app, vault.ListQuery{Search: `"across the fiel`})
	if page.Matches[0].Score >= 0.5 || !strings.Contains(page.Matches[0].Highlight, "<mark>fields</mark>") {
		t.Errorf("%+v", page.Matches[0])
	}
	if page = search(t, app, vault.ListQuery{Search: "fiel* bank"}); page.Matches[0].Score < 0.5 {
		t.Errorf("a star is not what was typed: %+v", page.Matches[0])
	}
}

// TestShortenedSearchGoesOn to its end, whatever the order: the pages agree on what is passed over.
func TestShortenedSearchGoesOn(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	for n := range 9 {
		readText(t, app, fmt.Sprintf("%d.txt", n), fmt.Sprintf("heron number %d", n))
	}
	for _, sort := range []vault.Sort{vault.SortRelevance, vault.SortName, vault.SortNewest} {
		q, seen := vault.ListQuery{Search: "heron q", Sort: sort, PerPage: 4}, []string{}
		for range 3 {
			page := search(t, app, q)
			seen = append(seen, strings.Fields(names(page.Documents))...)
			if page.Total != 9 || !page.TotalIsExact {
				t.Errorf("%s: %d of %d", sort, len(page.Documents), page.Total)
			}
			q.Cursor = page.NextCursor
		}
		slices.Sort(seen)
		if len(slices.Compact(seen)) != 9 || q.Cursor != "" {
			t.Errorf("%s: pages have %q", sort, seen)
		}
	}
}

// TestSearchTakesAnyText but answers with what fits, or nothing.
func TestSearchTakesAnyText(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	readText(t, app, "haus.txt", german)
	readText(t, app, "letter.txt", letter)
	for _, q := range []string{
		" ", "'", `"`, `""`, `"""`, "\\", `\'`, "&", "|", "!", "!!", "<->", "( )", ":*", "a:*b", "-", "--", "- -", "or", "OR or", `-""`, "%", "_",
		"*", "a*", "***", "2026-ä*", `"vertrag ä*`, "quick x*", "abc-\u0301\u0301", "\u0301\u0301\u0301*", `"*`, `"a b*`, `-"a b*"`, "abc-", "abc-d", "abc'd", "abc.def*", `"last0word abc`, "last0word-last0word", "a\\bcd", `C:\temp`, `C:\Users\`, `\(foo`, `\d+(foo)`, `abc \!d`, "x∖:y", `"abc d\:e`, "(abc", `"x <-> 'abcd`,
		"foo:bar & | !baz", "'; DROP TABLE documents; --", "$1", "\u0001\u0002\u0003", "\u200b", "\ufffd", "🦊", "ﷺ", "ẞ", "İ", "é", "-é -è",
		strings.Repeat("a", 10_000), strings.Repeat("é", 10_000), strings.Repeat("ﷺ", 10_000), strings.Repeat("(", 10_000), strings.Repeat("-", 10_000),
		strings.Repeat("fox ", 2_500), strings.Repeat("fox or ", 2_500), strings.Repeat("-fox ", 2_500), strings.Repeat(`"`, 10_000),
		"a@b.c", "http://x.y/z?q=1&r=<b>", "<mark>", "&lt;", "/etc/passwd", "1.5e10", "-5", "2024-01-01", "C++", "日本語", "א ב",
	} {
		for _, sort := range []vault.Sort{vault.SortRelevance, vault.SortNewest} {
			search(t, app, vault.ListQuery{Search: q, Sort: sort})
		}
	}
	// Words beyond those that are read are passed over.
	if page := search(t, app, vault.ListQuery{Search: strings.Repeat("fox ", 40) + "zebra"}); names(page.Documents) != "letter.txt" {
		t.Errorf("forty words and one find %q", names(page.Documents))
	}
}

func TestHighlight(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	readText(t, app, "hostile.txt", "<script>alert('pwned')</script> <mark>not ours</mark> & <b onclick=x>kestrel</b> a < b")
	exec(t, app, `UPDATE document_texts SET text = E'\x02fox\x01 \x03' || text`) // what marks are made of
	readText(t, app, "haus.txt", german)
	readText(t, app, "long.txt", strings.Repeat("filler ", 50_000)+"osprey")
	readText(t, app, "reference.txt", "Our reference is RE-2026/0417-B of that day.")
	readText(t, app, `A <b>Report</b>_2024 "final".pdf`, "nothing of the kind")
	for q, want := range map[string][]string{
		"fox":       {"<mark>fox</mark>"},
		"kestrel":   {"<mark>kestrel</mark>", "alert(&#39;pwned&#39;)&lt;/script&gt; &lt;mark&gt;not ours&lt;/mark&gt; &amp; &lt;b onclick=x&gt;"},
		"script":    {"<mark>script</mark>&gt;alert("},
		"alert":     {"<mark>alert</mark>"},
		"mark":      {"&lt;<mark>mark</mark>&gt;not ours"},
		"ubersicht": {"<mark>Übersicht</mark>"},
		"haus":      {"<mark>Häuser</mark>"},
		"filler":    {"<mark>filler</mark> <mark>filler</mark>"},
		"2026-0417": {"RE-<mark>2026</mark>/<mark>0417</mark>-B"},
		"osprey":    {"filler filler"}, // beyond what is looked through
		"report":    {"A &lt;b&gt;<mark>Report</mark>&lt;/b&gt;_2024 &#34;final&#34;.pdf"},
		"raport":    {"<mark>Report</mark>"},
	} {
		page := search(t, app, vault.ListQuery{Search: q})
		if len(page.Documents) != 1 {
			t.Errorf("%s finds %q", q, names(page.Documents))
			continue
		}
		got := page.Matches[0].Highlight
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%s shows %q, which lacks %q", q, got, part)
			}
		}
		plain := strings.NewReplacer("<mark>", "", "</mark>", "").Replace(got)
		if strings.ContainsAny(plain, "<>\u0001\u0002\u0003") || strings.Count(got, "<mark>") != strings.Count(got, "</mark>") || len(got) > 2_000 {
			t.Errorf("%s shows %q", q, got)
		}
	}
}

func TestSearchRanks(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	text := func(words string) string {
		return words + strings.Repeat(" and other things that matter little to the reader of it", 20)
	}
	readText(t, app, "end.txt", strings.Repeat("It is about other things that matter little to the reader. ", 20)+"The falcon.")
	readText(t, app, "falcons.txt", text("It is about birds"))
	readText(t, app, "beginning.txt", text("The falcon"))
	readText(t, app, "falconry.txt", text("It is about falconry"))
	page := search(t, app, vault.ListQuery{Search: "falcon"})
	if got := names(page.Documents); got != "falcons.txt beginning.txt end.txt falconry.txt" {
		t.Errorf("the order is %q, %+v", got, page.Matches)
	}
	if page.Matches[2].Score < 0.5 || page.Matches[3].Score >= 0.5 {
		t.Errorf("the words themselves do not go before what goes on from them: %+v", page.Matches)
	}
}

// TestSearchFollows what happens to a document.
func TestSearchFollows(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := readText(t, app, "one.txt", "about a heron")
	finds := func(when, q string, trashed bool, want int) {
		t.Helper()
		if page := search(t, app, vault.ListQuery{Search: q, Trashed: trashed}); len(page.Documents) != want {
			t.Errorf("%s, %s finds %q", when, q, names(page.Documents))
		}
	}
	exec(t, app, "UPDATE documents SET original_name = 'cormorant.txt' WHERE id = $1", d.ID.String())
	finds("renamed", "cormorant heron", false, 1)
	finds("renamed", "one", false, 0)
	check(t, app.Delete(t.Context(), anonymous, d.ID, false))
	finds("trashed", "heron", false, 0)
	finds("trashed", "heron", true, 1)
	if _, err := app.Restore(t.Context(), anonymous, d.ID); err != nil {
		t.Fatal(err)
	}
	finds("restored", "heron", false, 1)
	check(t, app.Delete(t.Context(), anonymous, d.ID, true))
	finds("gone", "heron", false, 0)
	if n := rows(t, app, "SELECT count(*) FROM document_search"); n != 0 {
		t.Errorf("%d rows are left", n)
	}
}

// TestOnlyTheBeginningIsIndexed of a text that is longer than the setting says.
func TestOnlyTheBeginningIsIndexed(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	app.Rules.MaxIndexedBytes = 100
	app.Vault = app.Another(t)
	readText(t, app, "a.txt", "pelican "+strings.Repeat("é", 40)+" "+strings.Repeat("words ", 20)+"egret")
	for q, want := range map[string]int{"pelican": 1, "egret": 0} {
		if page := search(t, app, vault.ListQuery{Search: q}); len(page.Documents) != want {
			t.Errorf("%s finds %d documents", q, len(page.Documents))
		}
	}
	exec(t, app, "UPDATE documents SET original_name = 'b.txt'")
	if page := search(t, app, vault.ListQuery{Search: "egret"}); len(page.Documents) != 0 {
		t.Error("a new name had all of the text indexed")
	}
}

// TestUntagged follows filings that come and go.
func TestUntagged(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("text"))
	red, blue := createTopic(t, app.Vault, "Red", ""), createTopic(t, app.Vault, "Blue", "")
	untagged := func(when string, want int) {
		t.Helper()
		for _, sort := range []vault.Sort{vault.SortNewest, vault.SortName} {
			page, err := app.List(t.Context(), anonymous, vault.ListQuery{Untagged: true, Sort: sort})
			if err != nil || len(page.Documents) != want || page.Total != int64(want) {
				t.Fatalf("%s, by %s: %d of %d, %v", when, sort, len(page.Documents), page.Total, err)
			}
		}
	}
	file := func(topic document.Topic) {
		exec(t, app, "INSERT INTO document_topics (document_id, topic_id, by_hand) VALUES ($1, $2, true)", d.ID.String(), topic.ID.String())
	}
	untagged("new", 1)
	file(red)
	untagged("filed", 0)
	file(blue)
	check(t, app.DeleteTopic(t.Context(), anonymous, red.ID))
	untagged("filed under one still", 0)
	check(t, app.DeleteTopic(t.Context(), anonymous, blue.ID))
	untagged("its topics are gone", 1)
	file(createTopic(t, app.Vault, "Green", ""))
	check(t, app.Delete(t.Context(), anonymous, d.ID, true))
	untagged("gone", 0)
}

// TestSearchForWhatIsCommon finds more than can be sorted: the order is walked instead.
func TestSearchForWhatIsCommon(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	// Past the triggers: all at once.
	exec(t, app, `SET session_replication_role = replica;
		INSERT INTO objects (id, key, document_id, state) SELECT md5(i::text)::uuid, i::text, md5(i::text)::uuid, 'live' FROM generate_series(1, 20500) i;
		INSERT INTO documents (id, object_id, object_key, original_name, mime_type, kind, size, sha256, status, created_at)
		SELECT id, id, key, lpad(key, 5, '0'), 'text/plain', 'text', 1, sha256(key::bytea), 'ready', timestamptz '2026-01-01' + key::int * interval '1 minute' FROM objects;
		INSERT INTO document_search SELECT id, owner, created_at, false, 'simple', to_tsvector('simple', 'anchor') FROM documents`)
	for sort, want := range map[vault.Sort]func(n int) string{
		vault.SortRelevance: func(n int) string { return fmt.Sprintf("%05d", 20500-n) },
		vault.SortName:      func(n int) string { return fmt.Sprintf("%05d", n+1) },
	} {
		q, n := vault.ListQuery{Search: "anchor", Sort: sort, PerPage: 100}, 0
		for range 12 { // beyond the thousand that are ranked
			page := search(t, app, q)
			if page.Total != 10_000 || page.TotalIsExact || len(page.Documents) != 100 {
				t.Fatalf("%s: %d documents of %d, exact %t", sort, len(page.Documents), page.Total, page.TotalIsExact)
			}
			for _, d := range page.Documents {
				if d.OriginalName != want(n) {
					t.Fatalf("%s: %s at place %d, want %s", sort, d.OriginalName, n, want(n))
				}
				n++
			}
			q.Cursor = page.NextCursor
		}
		q.Cursor, q.Page = "", 100
		if page := search(t, app, q); page.Documents[99].OriginalName != want(9_999) {
			t.Errorf("%s: the last of page 100 is %s", sort, page.Documents[99].OriginalName)
		}
	}
	// All the newest are found, and yet the total is small enough to be known.
	for left, exact := range map[int]bool{12_000: false, 9_000: true} {
		exec(t, app, fmt.Sprintf("UPDATE document_search SET terms = CASE WHEN created_at > timestamptz '2026-01-01' + %d * interval '1 minute' "+
			"THEN 'anchor'::tsvector ELSE '' END", 20_500-left))
		page := search(t, app, vault.ListQuery{Search: "anchor"})
		if page.Total != int64(min(left, 10_000)) || page.TotalIsExact != exact || page.Documents[0].OriginalName != "20500" {
			t.Errorf("of %d: %d, exact %t, first %s", left, page.Total, page.TotalIsExact, page.Documents[0].OriginalName)
		}
	}
}
