package vault_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

func TestRenamed(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("text"))
	name := "Letter.pdf"
	renamed, err := app.Edit(t.Context(), anonymous, d.ID, vault.Edit{Name: &name})
	if err != nil || renamed.OriginalName != name || !renamed.UpdatedAt.After(d.UpdatedAt) || renamed.MIMEType != d.MIMEType {
		t.Fatalf("%+v, %v", renamed, err)
	}
	same, err := app.Edit(t.Context(), anonymous, d.ID, vault.Edit{})
	if err != nil || same.OriginalName != name || !same.UpdatedAt.Equal(renamed.UpdatedAt) {
		t.Fatalf("nothing was asked for, and it is %+v, %v", same, err)
	}
	check(t, app.Delete(t.Context(), anonymous, d.ID, false))
	if _, err := app.Edit(t.Context(), anonymous, d.ID, vault.Edit{Name: &name}); !errors.Is(err, document.ErrNotFound) {
		t.Fatalf("in the trash: %v", err)
	}
}

func TestFiledByHand(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	invoices := createTopic(t, app.Vault, "Invoices", "bills and payments, amounts due")
	tax := createTopic(t, app.Vault, "Tax", "")
	d := upload(t, app.Vault, "invoice.txt", []byte(invoice))
	finish(t, app.Vault, app, d.ID)
	file := func(names ...string) document.Document {
		t.Helper()
		d, err := app.Edit(t.Context(), anonymous, d.ID, vault.Edit{Topics: append([]string{}, names...)})
		if err != nil || !slices.Equal(d.Topics, names) {
			t.Fatalf("filed under %v: %v, %v", names, d.Topics, err)
		}
		return d
	}
	// What automatic filing chose becomes by hand when it is named, and has no confidence any more.
	if d := file("Invoices", "Tax"); len(d.Classification.Confidence) != 0 {
		t.Fatalf("confidence %v", d.Classification.Confidence)
	}
	if _, err := app.Edit(t.Context(), anonymous, d.ID, vault.Edit{Topics: []string{"TAX", "nope"}}); !unknown(err, "topics") {
		t.Fatalf("an unknown topic: %v", err)
	}
	if err := app.Classify(t.Context(), anonymous, d.ID, []string{"tax"}); err != nil {
		t.Fatal(err)
	}
	finish(t, app.Vault, app, d.ID)
	if got := get(t, app.Vault, d.ID).Topics; !slices.Equal(got, []string{"Invoices", "Tax"}) {
		t.Fatalf("automatic filing left %v", got)
	}
	file("Tax")
	if count(t, app.Vault, invoices.ID) != 0 || count(t, app.Vault, tax.ID) != 1 {
		t.Fatal("the counts are wrong")
	}
	file()
	recount(t, app)
}

func TestReprocessed(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	createTopic(t, app.Vault, "Invoices", "bills and payments, amounts due")
	d := upload(t, app.Vault, "invoice.txt", []byte(invoice))
	finish(t, app.Vault, app, d.ID)
	exec(t, app, "UPDATE document_texts SET text = 'of before'")
	again := func() document.Document {
		t.Helper()
		d, err := app.Reprocess(t.Context(), anonymous, d.ID)
		if err != nil || d.Status != document.StatusPending || d.Classification.Status != document.ClassificationPending || d.Error != nil {
			t.Fatalf("%+v, %v", d, err)
		}
		return d
	}
	if d := again(); len(d.Topics) != 1 {
		t.Fatalf("the topics went before there are others: %v", d.Topics)
	}
	if text, _, err := app.Text(t.Context(), anonymous, d.ID, 0); text != "of before" || err != nil {
		t.Fatalf("%q, %v", text, err)
	}
	late, ended := begin(t.Context(), t, app, d.ID, runtimetest.Quick)
	again() // while it is read
	close(late.open)
	if r := <-ended; r.outcome != vault.Overtaken {
		t.Fatalf("the late worker ended as %+v", r)
	}
	exec(t, app, "UPDATE documents SET status = 'failed', error_code = 'malformed', error_detail = 'x', classification_status = 'skipped', heartbeat_at = NULL")
	again()
	finish(t, app.Vault, app, d.ID)
	if text, _, err := app.Text(t.Context(), anonymous, d.ID, 0); text != invoice || err != nil {
		t.Fatalf("%q, %v", text, err)
	}
	check(t, app.Delete(t.Context(), anonymous, d.ID, false))
	if _, err := app.Reprocess(t.Context(), anonymous, d.ID); !errors.Is(err, document.ErrNotFound) {
		t.Fatalf("in the trash: %v", err)
	}
}

func unknown(err error, field string) bool {
	var invalid *document.InvalidError
	return errors.As(err, &invalid) && invalid.Field == field
}

// recount holds what is kept as documents change against what is there.
func recount(t *testing.T, app *runtimetest.App) {
	t.Helper()
	for what, sql := range map[string]string{
		"documents of topics": `SELECT count(*) FROM topics t WHERE
			(SELECT coalesce(sum(value), 0) FROM counters c WHERE c.topic_id = t.id) <>
			(SELECT count(*) FROM document_topics f JOIN documents d ON d.id = f.document_id WHERE f.topic_id = t.id AND d.deleted_at IS NULL)`,
		"all documents": `SELECT count(*) WHERE
			(SELECT coalesce(sum(value), 0) FROM counters WHERE topic_id = '00000000-0000-0000-0000-000000000000') <>
			(SELECT count(*) FROM documents WHERE deleted_at IS NULL)`,
		"states": `SELECT count(*) FROM (
				SELECT owner, status, trashed, sum(documents) AS documents, sum(bytes) AS bytes FROM document_stats GROUP BY 1, 2, 3
			) kept FULL JOIN (
				SELECT owner, status, deleted_at IS NOT NULL AS trashed, count(*) AS documents, sum(size) AS bytes FROM documents GROUP BY 1, 2, 3
			) counted USING (owner, status, trashed)
			WHERE coalesce(kept.documents, 0) <> coalesce(counted.documents, 0) OR coalesce(kept.bytes, 0) <> coalesce(counted.bytes, 0)`,
	} {
		if n := rows(t, app, sql); n != 0 {
			t.Errorf("%s: %d counts are wrong", what, n)
		}
	}
}
