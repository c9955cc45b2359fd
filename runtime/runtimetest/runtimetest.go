// Package runtimetest gives tests real servers: a database, a bucket and a Redis of their own, and a proxy to break connections with.
// The servers are started by `make test`; a test that runs without them fails and says so.
package runtimetest

import (
	"context"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/telemetry"
)

// Env returns a variable that the test services set.
func Env(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run the tests with `make test`, which starts the servers", name)
	}
	return value
}

// Wait polls until done, and fails the test when that takes longer than within.
func Wait(t testing.TB, within time.Duration, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("waited %s in vain for: %s", within, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Log keeps what a program logs, for tests that look into it. It is shown when the test fails.
type Log struct {
	mutex sync.Mutex
	text  strings.Builder
}

// NewLog returns a log that is shown when t fails.
func NewLog(t testing.TB) *Log {
	l := &Log{}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(l.String())
		}
	})
	return l
}

// Write implements io.Writer.
func (l *Log) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

// String returns all that was logged.
func (l *Log) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// Logger returns a logger that writes into l.
func (l *Log) Logger() *slog.Logger {
	return slog.New(telemetry.LogHandler(slog.NewTextHandler(l, &slog.HandlerOptions{Level: slog.LevelDebug})))
}

// randomName is a name that nothing else has, of lower-case letters and digits, valid for databases and buckets.
func randomName() string {
	return "test-" + strings.ReplaceAll(document.NewID().String(), "-", "")[:16]
}

// cleanupContext is for clearing away, when the test's own context has ended.
func cleanupContext(t testing.TB) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Minute)
}
