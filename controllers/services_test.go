package controllers_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// need returns a variable that the test services give.
func need(t testing.TB, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run the tests with `make test`, which starts what they need", name)
	}
	return value
}

func parseURL(t testing.TB, text string) *url.URL {
	t.Helper()
	u, err := url.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// unique returns a name that no other test, nor another run of this one, uses.
func unique(prefix string) string {
	random := make([]byte, 5)
	rand.Read(random)
	return prefix + "-" + strings.ToLower(base32.StdEncoding.EncodeToString(random))
}

// eventually tries check until it returns nil, and fails the test with its last error after the time given.
func eventually(t testing.TB, within time.Duration, check func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	// Whoever polls takes the processor from those that are waited for: the longer it takes, the less often.
	for pause, last := 50*time.Millisecond, error(nil); ; pause = min(pause*5/4, 300*time.Millisecond) {
		err := check(ctx)
		if err == nil {
			return
		}
		if !errors.Is(err, context.DeadlineExceeded) {
			last = err
		}
		select {
		case <-ctx.Done():
			t.Fatal(fmt.Errorf("after %s: %w", within, last))
		case <-time.After(pause):
		}
	}
}

// logBuffer keeps what an operator logs, for the tests that look for secrets in it.
type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
