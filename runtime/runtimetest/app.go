package runtimetest

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docvault/docvault/runtime/blob"
	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/extract"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/seal"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/vault"
)

// App is a vault on real servers, with what it stands on at hand.
type App struct {
	*vault.Vault

	Database Database
	Bucket   Bucket
	Redis    *Redis
	Store    *store.Store
	Blobs    blob.Store
	Queue    *queue.Queue
	Log      *Log
	Rules    vault.Rules
	Keys     *seal.Keys
}

// Quick is a timing that notices within a second or two what takes a minute outside of tests.
var Quick = vault.Timing{
	Heartbeat: 100 * time.Millisecond, DeadAfter: time.Second, WaitsAfter: 200 * time.Millisecond,
	StaleObject: time.Second, LateWrite: 200 * time.Millisecond,
}

// NewApp returns a vault with a database, a bucket and a Redis of its own. Tests whose vault reads documents call Child first in
// their TestMain.
func NewApp(t testing.TB) *App {
	t.Helper()
	a := &App{
		Database: NewMigrated(t), Bucket: NewBucket(t), Redis: NewRedis(t), Log: NewLog(t),
		Rules: vault.Rules{MaxUploadBytes: 1 << 30, TrashFor: 24 * time.Hour, Timing: Quick},
	}
	a.Keys = NewKeys(t, "a")
	a.Store = OpenStore(t, a.Database.App)
	a.Blobs = a.Bucket.Open(t)
	a.Queue = queue.New(a.Redis.Client, config.Queue)
	a.Vault = a.Another(t)
	return a
}

// NewKeys returns the keys that a SECRET_KEY gives, and those before it, each made of one repeated text.
func NewKeys(t testing.TB, current string, previous ...string) *seal.Keys {
	t.Helper()
	secrets := make([][]byte, len(previous))
	for i, p := range previous {
		secrets[i] = bytes.Repeat([]byte(p), 32)
	}
	keys, err := seal.NewKeys(vault.KeyPurpose, bytes.Repeat([]byte(current), 32), secrets...)
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// ProxyStore has what is opened from now on reach the object store through a proxy.
func (a *App) ProxyStore(t testing.TB) *Proxy {
	t.Helper()
	proxy := NewProxy(t, a.Bucket.Config.Endpoint)
	a.Bucket.Config.Endpoint = proxy.Addr
	a.Blobs = a.Bucket.Open(t)
	return proxy
}

// Another returns one more vault on the same parts: another process, but for the process. Change a's parts and rules first to have
// it differ.
func (a *App) Another(t testing.TB) *vault.Vault {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ocr, err := extract.FindTesseract(t.Context(), []string{config.DefaultOCRLanguages})
	if err != nil {
		t.Fatal(err)
	}
	return vault.New(vault.Parts{
		Store: a.Store, Blobs: a.Blobs, Queue: a.Queue, Log: a.Log.Logger(),
		Extractor: extract.New(extract.Limits{}, self, compiled()).WithOCR(ocr),
		Factory:   classify.NewFactory(classify.Limits{}, prometheus.NewRegistry()), Keys: a.Keys,
	}, a.Rules)
}

// Child makes a test's program the child that reads documents, when it was started as one; then it does not return.
func Child() {
	if len(os.Args) > 1 && os.Args[1] == extract.ChildCommand {
		os.Exit(extract.RunChild())
	}
}

// compiled is where compiled code is kept from test to test: compiling anew would cost each program 4 s.
func compiled() string { return os.TempDir() + "/docvault-test-compiled" }
