package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/test/client"
)

// TestEventsAcrossReplicas follows at one API what is uploaded at another and read by a worker, and stops the first while it streams.
func TestEventsAcrossReplicas(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	here, there := i.start(t, "api", "api", "metrics"), i.start(t, "api", "api", "metrics")
	i.start(t, "worker", "metrics")
	lines := listen(t, here)
	vault := &client.Client{BaseURL: "http://" + there.addresses["api"], Token: testToken}
	if err := vault.EnsureTopic(t.Context(), client.Topic{Name: "Invoices", Description: "bills and payments, amounts due"}); err != nil {
		t.Fatal(err)
	}
	d, err := vault.Upload(t.Context(), "invoice.txt", []byte("INVOICE No. 7. Amount due: 480.00 EUR. Please pay this bill by bank transfer."))
	if err != nil {
		t.Fatal(err)
	}
	for told := false; !told; {
		line, open := next(t, lines)
		if !open {
			t.Fatal("the stream ended")
		}
		data, found := strings.CutPrefix(line, "data: ")
		var got client.Document
		if found && json.Unmarshal([]byte(data), &got) == nil && got.ID == d.ID {
			told = got.Status == "ready" && got.Classification.Status == "done" && len(got.Topics) == 1
		}
	}
	began := time.Now()
	if exit := here.stop(t); exit != 0 {
		t.Errorf("ended with %d at SIGTERM", exit)
	}
	// Requests that do not end are cut off after 25 s.
	if took := time.Since(began); took > 15*time.Second {
		t.Errorf("took %s to stop", took)
	}
	for open := true; open; {
		_, open = next(t, lines)
	}
}

// TestEventsOutliveTheServer ends every session of the database, as a restart does.
func TestEventsOutliveTheServer(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	api := i.start(t, "api", "api", "metrics")
	lines := listen(t, api)
	rows(t, i, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
	for line := ""; line != "event: reset"; {
		var open bool
		if line, open = next(t, lines); !open {
			t.Fatal("the stream ended")
		}
	}
	runtimetest.Wait(t, 30*time.Second, "a session that follows", func() bool {
		return rows(t, i, "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%ChangesSince%' AND pid <> pg_backend_pid()") == 1
	})
}

// listen opens a stream of events, and returns its lines once it stands.
func listen(t *testing.T, api *process) <-chan string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+api.addresses["api"]+"/api/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+testToken)
	answer, err := http.DefaultClient.Do(request) //nolint:bodyclose // what reads it closes it
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("status %d", answer.StatusCode)
	}
	lines := make(chan string, 1000)
	go func() {
		defer close(lines)
		defer answer.Body.Close()
		for text := bufio.NewScanner(answer.Body); text.Scan(); {
			lines <- text.Text()
		}
	}()
	return lines
}

func next(t *testing.T, lines <-chan string) (line string, open bool) {
	t.Helper()
	select {
	case line, open = <-lines:
		return line, open
	case <-time.After(time.Minute):
		t.Fatal("nothing comes")
		return "", false
	}
}
