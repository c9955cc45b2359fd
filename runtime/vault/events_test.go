package vault_test

import (
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

// TestSlowSubscriberIsReset takes nothing for as long as it can be kept for it.
func TestSlowSubscriberIsReset(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "a.txt", []byte("text"))
	slow := subscribe(t, app, anonymous)
	most := 0
	runtimetest.Wait(t, time.Minute, "what was kept for it to be dropped", func() bool {
		name := strings.Repeat("x", most+1)
		if _, err := app.Edit(t.Context(), anonymous, d.ID, vault.Edit{Name: &name}); err != nil {
			t.Fatal(err)
		}
		kept := len(slow.Events())
		most = max(most, kept)
		return kept < most
	})
	if first := <-slow.Events(); first[0].Kind != vault.EventReset {
		t.Fatalf("the first after %d batches is %+v", most, first)
	}
}

// TestEventsAreTheirOwners has another owner hear nothing.
func TestEventsAreTheirOwners(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	other := document.Actor{Owner: document.NewID()}
	exec(t, app, "INSERT INTO users (id, name) VALUES ($1, 'other')", other.Owner.String())
	mine, others := subscribe(t, app, anonymous), subscribe(t, app, other)
	d := upload(t, app.Vault, "a.txt", []byte("text"))
	if batch := <-mine.Events(); batch[0].ID != d.ID {
		t.Fatalf("got %+v", batch)
	}
	topic, err := app.CreateTopic(t.Context(), other, "Theirs", "", vault.DefaultColor)
	if err != nil || topic.ID.IsZero() {
		t.Fatal(err)
	}
	if batch := <-others.Events(); len(batch) != 1 || batch[0].Kind != vault.EventTopics {
		t.Fatalf("the first that the other hears is %+v", batch)
	}
}

// TestNobodyFollowsForNobody: the connection goes with the last subscriber, and comes with the next.
func TestNobodyFollowsForNobody(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	following := func() int64 {
		return rows(t, app, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%ChangesSince%' AND pid <> pg_backend_pid()")
	}
	for range 2 {
		one, two := subscribe(t, app, anonymous), subscribe(t, app, anonymous)
		runtimetest.Wait(t, 10*time.Second, "one to follow for both", func() bool { return following() == 1 })
		one.Close()
		two.Close()
		two.Close()
		runtimetest.Wait(t, 10*time.Second, "nobody to follow", func() bool { return following() == 0 })
	}
}

func TestOldChangesArePruned(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	upload(t, app.Vault, "a.txt", []byte("text"))
	exec(t, app, "UPDATE changes SET at = now() - interval '1 hour'")
	upload(t, app.Vault, "b.txt", []byte("another text"))
	sweep(t, app.Vault)
	if n := rows(t, app, "SELECT count(*) FROM changes"); n != 1 {
		t.Fatalf("%d changes are kept", n)
	}
}

func subscribe(t *testing.T, app *runtimetest.App, a document.Actor) *vault.Subscription {
	t.Helper()
	s, err := app.Subscribe(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
