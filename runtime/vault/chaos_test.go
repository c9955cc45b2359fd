package vault_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	process "os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docvault/docvault/runtime/blob"
	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/extract"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/vault"
	"github.com/docvault/docvault/runtime/worker"
)

const (
	chaosCommand = "chaos"
	// chaosKills processes one after another; each lives long enough to have begun something of everything.
	chaosKills     = 12
	chaosProcesses = 3
)

// TestChaos kills processes that upload, delete, restore, file, work and sweep, at random moments. What one of them was told is stored, and
// nobody asked to delete, is there in the end; bucket and rows agree; and nothing is left of the rest. The timing is Quick, so that minutes
// of the real one are seconds here. DOCVAULT_CHAOS_SEED repeats a run, as far as processes can be repeated.
func TestChaos(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	seed := uint64(time.Now().UnixNano())
	if given, err := strconv.ParseUint(os.Getenv("DOCVAULT_CHAOS_SEED"), 10, 64); err == nil {
		seed = given
	}
	t.Logf("DOCVAULT_CHAOS_SEED=%d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	said := newSaid()
	var running []*process.Cmd
	for range chaosProcesses {
		running = append(running, startChaos(t, app, random.Uint64(), said))
	}
	for range chaosKills {
		said.more(t, 5+random.IntN(20))
		victim := random.IntN(len(running))
		kill(t, running[victim])
		running[victim] = startChaos(t, app, random.Uint64(), said)
	}
	for _, p := range running {
		kill(t, p)
	}
	settles(t, app)
	for id := range said.kept() {
		if _, err := app.Restore(t.Context(), anonymous, id); err != nil { // who put it into the trash may have been killed before it took it out
			t.Errorf("document %s was stored: %v", id, err)
		}
	}
	t.Logf("%d documents in the end, %d were stored and not deleted", rows(t, app, "SELECT count(*) FROM documents"), len(said.kept()))
}

// settles lets the sweeper and a worker of this process end what was left behind.
func settles(t *testing.T, app *runtimetest.App) {
	t.Helper()
	works(t, app)
	runtimetest.Wait(t, 2*time.Minute, "all work to be done, and nothing to be left over", func() bool {
		sweep(t, app.Vault)
		return rows(t, app, `SELECT (SELECT count(*) FROM documents WHERE status NOT IN ('ready', 'failed') OR classification_status = 'pending')
			+ (SELECT count(*) FROM objects WHERE state <> 'live')`) == 0
	})
	for _, wrong := range runtimetest.Inconsistencies(t, app.Database, app.Bucket) {
		t.Error(wrong)
	}
	if n := rows(t, app, "SELECT count(*) FROM documents WHERE status = 'failed'"); n > 0 {
		t.Errorf("%d documents failed", n)
	}
}

// works runs a worker until the test ends.
func works(t *testing.T, app *runtimetest.App) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	w := worker.New(app.Vault, app.Redis.Client, worker.Config{
		Queue: config.Queue, Concurrency: 4, Log: app.Log.Logger(), Metrics: prometheus.NewRegistry(),
	})
	var ended sync.WaitGroup
	ended.Go(func() {
		if err := w.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(ended.Wait)
	t.Cleanup(stop)
}

// said is what the processes said of what they did, before they did it (deleting) or after (stored).
type said struct {
	mutex  sync.Mutex
	lines  int
	stored map[document.ID]bool
}

func newSaid() *said { return &said{stored: map[document.ID]bool{}} }

// listener takes the lines of one process. It is its standard output itself, so that Wait waits for the last of them.
type listener struct {
	*said

	begun []byte // of a line
}

// Write implements io.Writer.
func (l *listener) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.begun = append(l.begun, p...)
	for {
		line, rest, whole := bytes.Cut(l.begun, []byte("\n"))
		if !whole {
			return len(p), nil
		}
		l.begun = rest
		l.take(string(line))
	}
}

func (s *said) take(line string) {
	what, text, _ := strings.Cut(line, " ")
	id, err := document.ParseID(text)
	if err != nil {
		return
	}
	s.lines++
	if what == "stored" {
		s.stored[id] = true
	} else {
		delete(s.stored, id)
	}
}

func (s *said) kept() map[document.ID]bool {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.stored
}

// more waits until so much more was said.
func (s *said) more(t *testing.T, n int) {
	t.Helper()
	count := func() int {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		return s.lines
	}
	n += count()
	runtimetest.Wait(t, time.Minute, "the processes to do more", func() bool { return count() >= n })
}

func startChaos(t *testing.T, app *runtimetest.App, seed uint64, said *said) *process.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := app.Bucket.Config
	cmd := process.Command(self, chaosCommand, strconv.FormatUint(seed, 10), app.Database.App, app.Redis.URL, b.Endpoint, b.Bucket, b.AccessKey, b.SecretKey)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Stderr = app.Log
	cmd.Stdout = &listener{said: said}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	return cmd
}

func kill(t *testing.T, p *process.Cmd) {
	t.Helper()
	if err := p.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := p.Wait(); err == nil {
		t.Error("a process ended by itself")
	}
}

// runChaos is a process of the test: a vault that does everything at once, until it is killed.
func runChaos(args []string) int {
	seed, err := strconv.ParseUint(args[0], 10, 64)
	if err != nil {
		return 2
	}
	ctx := context.Background()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	database, err := store.Open(ctx, args[1])
	if err != nil {
		return 2
	}
	client, err := queue.Connect(args[2])
	if err != nil {
		return 2
	}
	blobs, err := blob.OpenS3(blob.Config{Endpoint: args[3], Region: "us-east-1", Bucket: args[4], AccessKey: args[5], SecretKey: args[6]})
	if err != nil {
		return 2
	}
	self, err := os.Executable()
	if err != nil {
		return 2
	}
	v := vault.New(vault.Parts{
		Store: database, Blobs: blobs, Queue: queue.New(client, config.Queue), Log: log,
		Extractor: extract.New(extract.Limits{}, self, ""), Factory: classify.NewFactory(classify.Limits{}, prometheus.NewRegistry()),
	}, vault.Rules{MaxUploadBytes: 1 << 30, TrashFor: 24 * time.Hour, Timing: runtimetest.Quick})
	w := worker.New(v, client, worker.Config{Queue: config.Queue, Concurrency: 2, Log: log, Metrics: prometheus.NewRegistry()})
	go func() { _ = w.Run(ctx) }()
	for i := range uint64(2) {
		go user{v, rand.New(rand.NewPCG(seed, i+1))}.does(ctx)
	}
	for {
		_ = v.SweepWork(ctx)
		_ = v.SweepStorage(ctx)
		time.Sleep(50 * time.Millisecond) // how often it sweeps
	}
}

// user uses a vault at random, and says so.
type user struct {
	vault  *vault.Vault
	random *rand.Rand
}

func (u user) does(ctx context.Context) {
	var mine []document.ID
	for {
		if len(mine) == 0 || u.random.IntN(2) == 0 {
			if id, err := u.uploads(ctx); err == nil {
				mine = append(mine, id)
			}
			continue
		}
		i := u.random.IntN(len(mine))
		switch id := mine[i]; u.random.IntN(4) {
		case 0:
			fmt.Println("deleting", id) // to the test
			_ = u.vault.Delete(ctx, anonymous, id, true)
			mine = append(mine[:i], mine[i+1:]...)
		case 1:
			_ = u.vault.Delete(ctx, anonymous, id, false)
			fallthrough
		case 2:
			_, _ = u.vault.Restore(ctx, anonymous, id)
		default:
			_ = u.vault.Classify(ctx, anonymous, id, nil)
		}
	}
}

// uploads sends small files and ones of several parts.
func (u user) uploads(ctx context.Context) (document.ID, error) {
	size := 1 + u.random.IntN(2000)
	if u.random.IntN(8) == 0 {
		size = 9 << 20
	}
	s, err := u.vault.Stage(ctx, anonymous, "chaos.txt", strings.NewReader(string(letters(size))))
	if err != nil {
		return document.ID{}, err
	}
	d, _, err := u.vault.Commit(ctx, anonymous, s, u.random.IntN(2) == 0)
	if err != nil {
		return document.ID{}, err
	}
	fmt.Println("stored", d.ID) // to the test
	return d.ID, nil
}
