package vault_test

import (
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
	french = "Les chevaux de la ville sont élevés dans les écoles nationales, et nous avons décidé de les acheter à crédit."
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
	upload(t, app.Vault, "unread Übung.txt", []byte("nobody has read this"))
	trashed := readText(t, app, "trashed.txt", "quick and gone")
	check(t, app.Delete(t.Context(), anonymous, trashed.ID, false))
	const invoice = "Invoice_2024-03 (ACME).pdf"
	for q, want := range map[string]string{
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
		"national":          "cheval.txt",
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
