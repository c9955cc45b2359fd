package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/test/client"
)

// traffic is what clients upload while something breaks, and what they were told of it.
type traffic struct {
	address func() string
	// hangUps: connections may break, because the API itself is what breaks.
	hangUps bool

	mutex  sync.Mutex
	stored map[string]string // text by id
	turned int               // away, with 503
	broken int
}

const uploaders = 6

func newTraffic(p *process) *traffic {
	return &traffic{stored: map[string]string{}, address: func() string { return p.addresses["api"] }}
}

// during uploads as long as what runs.
func (r *traffic) during(t *testing.T, what func()) {
	t.Helper()
	ended := make(chan struct{})
	var all sync.WaitGroup
	for range uploaders {
		all.Go(func() {
			for {
				select {
				case <-ended:
					return
				default:
					r.upload(t, "a text of its own: "+rand.Text())
				}
			}
		})
	}
	what()
	close(ended)
	all.Wait()
	t.Logf("%d stored, %d turned away, %d broken off", len(r.stored), r.turned, r.broken)
}

// upload sends one text. The only answers are that it is stored, and that something is away and when to try again.
func (r *traffic) upload(t *testing.T, text string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "traffic.txt")
	if err != nil {
		t.Error(err)
		return
	}
	_, _ = io.WriteString(part, text)
	_ = form.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+r.address()+"/api/documents/upload", &body)
	if err != nil {
		t.Error(err)
		return
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Authorization", "Bearer "+testToken)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		r.breaks(t, err)
		return
	}
	defer answer.Body.Close()
	var d client.Document
	err = json.NewDecoder(answer.Body).Decode(&d)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	switch {
	case answer.StatusCode == http.StatusOK && err == nil:
		r.stored[d.ID] = text
	case answer.StatusCode == http.StatusServiceUnavailable && answer.Header.Get("Retry-After") != "":
		r.turned++
	default:
		t.Errorf("answered %d, Retry-After %q, %v", answer.StatusCode, answer.Header.Get("Retry-After"), err)
	}
}

func (r *traffic) breaks(t *testing.T, err error) {
	t.Helper()
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.broken++
	if !r.hangUps {
		t.Errorf("no answer: %v", err)
	}
}

func (r *traffic) copy() map[string]string {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return maps.Clone(r.stored)
}

// storeMore waits until so many more texts are stored.
func (r *traffic) storeMore(t *testing.T, n int) {
	t.Helper()
	n += len(r.copy())
	runtimetest.Wait(t, time.Minute, "more to be stored", func() bool { return len(r.copy()) >= n })
}

// areTurnedAway waits until so many more uploads were turned away.
func (r *traffic) areTurnedAway(t *testing.T, n int) {
	t.Helper()
	count := func() int {
		r.mutex.Lock()
		defer r.mutex.Unlock()
		return r.turned
	}
	n += count()
	runtimetest.Wait(t, time.Minute, "uploads to be turned away", func() bool { return count() >= n })
}

// nothingLost waits until all is read, and checks that what was stored is there, once, as it was sent, and that bucket and rows agree.
func (r *traffic) nothingLost(t *testing.T, i installation) {
	t.Helper()
	runtimetest.Wait(t, 2*time.Minute, "every document to be read", func() bool {
		return rows(t, i, "SELECT count(*) FROM documents WHERE status <> 'ready'") == 0
	})
	vault := &client.Client{BaseURL: "http://" + r.address(), Token: testToken}
	if len(r.stored) == 0 {
		t.Error("nothing was stored at all")
	}
	if n := rows(t, i, "SELECT count(*) FROM documents"); n < len(r.stored) {
		t.Errorf("%d documents, and %d were stored", n, len(r.stored))
	}
	for id, text := range r.stored {
		if content, err := vault.Content(t.Context(), id); err != nil || string(content) != text {
			t.Fatalf("document %s: %q, %v", id, content, err)
		}
	}
	runtimetest.Wait(t, time.Minute, "bucket and rows to agree", func() bool {
		wrong := runtimetest.Inconsistencies(t, i.database, i.bucket)
		if len(wrong) > 0 {
			t.Log(strings.Join(wrong, "\n"))
		}
		return len(wrong) == 0
	})
}

// connections counts those of the vault's login.
func connections(t *testing.T, i installation) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), i.database.Admin)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	// Of the vault's own logins: not who asks here, who asked just before and is about to go, nor the server's own.
	err = conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND usename <> current_user", i.database.Name).Scan(&n)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// inUse reads from a program's metrics how many connections it has taken and not given back.
func inUse(t *testing.T, p *process) string {
	t.Helper()
	const name = `docvault_db_connections{state="in_use"} `
	_, rest, found := strings.Cut(fetch(t, "http://"+p.addresses["metrics"]+"/metrics"), name)
	if !found {
		t.Fatal("the metrics say nothing of the pool")
	}
	value, _, _ := strings.Cut(rest, "\n")
	return value
}

// noneLeaked waits until a program has given back all of its connections. The scrape itself takes one.
func noneLeaked(t *testing.T, programs ...*process) {
	t.Helper()
	for _, p := range programs {
		runtimetest.Wait(t, 30*time.Second, fmt.Sprintf("connections to be given back by %s", p.cmd.Args), func() bool {
			n := inUse(t, p)
			return n == "0" || n == "1"
		})
	}
}
