package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/runtimetest"
)

// event is one event as a browser's program gets it.
type event struct {
	name string
	data struct {
		ID, Status     string
		Classification struct{ Status string }
		Topics         []string
		Deleted        bool
	}
}

// events opens a stream, and brings its events until the test ends.
func (a *app) events(t *testing.T, headers ...string) <-chan event {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url("/api/events"), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := a.client.Do(r) //nolint:bodyclose // what reads it closes it
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("X-Accel-Buffering") != "no" {
		t.Fatalf("%d, %v", response.StatusCode, response.Header)
	}
	events := make(chan event, 1000)
	go func() {
		defer close(events)
		defer func() { _ = response.Body.Close() }()
		var e event
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
			case "event":
				e = event{name: value}
			case "data":
				if err := json.Unmarshal([]byte(value), &e.data); err != nil {
					t.Error(err)
				}
				events <- e
			}
		}
	}()
	return events
}

// await waits for an event.
func await(t *testing.T, events <-chan event, what string, is func(event) bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	for {
		select {
		case e, open := <-events:
			switch {
			case !open:
				t.Fatalf("the stream ended before %s", what)
			case is(e):
				return
			}
		case <-deadline:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func named(name string) func(event) bool { return func(e event) bool { return e.name == name } }

func TestEvents(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	events := a.events(t)
	letters := a.topic(t, `{"name": "Letters"}`)
	await(t, events, "the new topic", named("topics"))
	d := a.stored(t, "a.txt", "a letter")
	is := func(more func(event) bool) func(event) bool {
		return func(e event) bool { return e.name == "document" && e.data.ID == d.ID && more(e) }
	}
	await(t, events, "the new document", is(func(e event) bool {
		return e.data.Status == "pending" && e.data.Classification.Status == "pending" && len(e.data.Topics) == 0 && !e.data.Deleted
	}))
	a.read(t, d.ID)
	await(t, events, "it to be read", is(func(e event) bool { return e.data.Status == "ready" }))
	path := "/api/documents/" + d.ID
	a.send(t, "PATCH", path, `{"topics": ["Letters"]}`).want(t, "file", 200, "")
	await(t, events, "it to be filed", is(func(e event) bool { return slices.Equal(e.data.Topics, []string{"Letters"}) }))
	await(t, events, "the count", named("topics"))
	a.send(t, "PATCH", path, `{"original_name": "b.txt"}`).want(t, "rename", 200, "")
	await(t, events, "the new name", is(func(event) bool { return true }))
	a.delete(t, path).want(t, "delete", 204, "")
	await(t, events, "it to go to the trash", is(func(e event) bool { return e.data.Deleted && e.data.Status == "ready" }))
	await(t, events, "the count", named("topics"))
	a.send(t, "POST", path+"/restore", "").want(t, "restore", 200, "")
	await(t, events, "it to come back", is(func(e event) bool { return !e.data.Deleted }))
	a.delete(t, path).want(t, "delete", 204, "")
	await(t, events, "it to go to the trash again", is(func(e event) bool { return e.data.Deleted }))
	await(t, events, "the count", named("topics"))
	a.delete(t, path+"?permanent=true").want(t, "remove", 204, "")
	await(t, events, "it to go from the trash", is(func(e event) bool { return e.data.Deleted && e.data.Status == "ready" }))
	a.send(t, "PATCH", "/api/topics/"+letters.ID, `{"name": "Post"}`).want(t, "rename the topic", 200, "")
	await(t, events, "the new name", named("topics"))
	a.delete(t, "/api/topics/"+letters.ID).want(t, "delete the topic", 204, "")
	await(t, events, "the topic to go", named("topics"))

	await(t, a.events(t, "Last-Event-ID", "whatever"), "one that comes back to be told", named("reset"))
}

func TestEventsAreOneADocument(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	d := a.stored(t, "a.txt", "a letter")
	events := a.events(t)
	path := "/api/documents/" + d.ID
	const changes = 50
	for i := range changes {
		a.send(t, "PATCH", path, `{"original_name": "`+strings.Repeat("x", i+1)+`"}`).want(t, "rename", 200, "")
	}
	a.delete(t, path).want(t, "delete", 204, "")
	told := 0
	await(t, events, "the last", func(e event) bool {
		told++
		return e.data.Deleted
	})
	if told > changes/2 {
		t.Errorf("%d events for %d changes", told, changes)
	}
}

func TestManyChangesAreAReset(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.stored(t, "a.txt", "a letter")
	events := a.events(t)
	a.exec(t, `WITH o AS (
			INSERT INTO objects (id, key, document_id, state) SELECT gen_random_uuid(), 'k' || n, gen_random_uuid(), 'live' FROM generate_series(1, 5000) n
			RETURNING *
		) INSERT INTO documents (id, object_id, object_key, original_name, mime_type, kind, size, sha256)
		SELECT document_id, id, key, 'a.txt', 'text/plain', 'text', 1, sha256(key::bytea) FROM o`)
	await(t, events, "the reset for the inserts", named("reset"))
	a.exec(t, "UPDATE documents SET deleted_at = now()")
	await(t, events, "the reset for the update", named("reset"))
}

// TestEventsOutliveTheDatabase breaks the connection that follows it.
func TestEventsOutliveTheDatabase(t *testing.T) {
	t.Parallel()
	parts := runtimetest.NewApp(t)
	direct, err := url.Parse(parts.Database.App)
	if err != nil {
		t.Fatal(err)
	}
	proxy := runtimetest.NewProxy(t, direct.Host)
	direct.Host = proxy.Addr
	parts.Store = runtimetest.OpenStore(t, direct.String())
	a := serve(t, parts)
	events, other := a.events(t), a.events(t)
	proxy.Refuse()
	a.get(t, "/api/stats").want(t, "stats without a database", 503, "unavailable")
	proxy.Resume()
	for _, stream := range []<-chan event{events, other} {
		await(t, stream, "to be told", named("reset"))
	}
	d := a.stored(t, "a.txt", "a letter")
	for _, stream := range []<-chan event{events, other} {
		await(t, stream, "the new document", func(e event) bool { return e.data.ID == d.ID })
	}
}

func TestEventsAreRefused(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	a.send(t, "POST", "/api/events", "").want(t, "another method", 405, "method_not_allowed")
	if got := fetch(t, a.client, http.MethodHead, a.url("/api/events"), nil); got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "text/event-stream" {
		t.Errorf("HEAD: %d, %v", got.StatusCode, got.Header)
	}
}

// exec changes the database past the vault.
func (a *app) exec(t *testing.T, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), a.Database.Admin)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
}
