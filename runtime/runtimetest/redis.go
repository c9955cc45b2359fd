package runtimetest

import (
	"context"
	"net"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/docvault/docvault/runtime/queue"
)

// What go-redis says of its own accord of the servers that tests kill is of no use.
func init() { redis.SetLogger(silence{}) }

type silence struct{}

// Printf implements go-redis' logger.
func (silence) Printf(context.Context, string, ...any) {}

// Redis is a server of the test's own, which it may empty, stop and start. It keeps nothing on disk.
type Redis struct {
	URL     string
	Client  redis.UniversalClient
	port    string
	dir     string
	process *exec.Cmd
}

// NewRedis starts a server; it ends with the test.
func NewRedis(t testing.TB) *Redis {
	t.Helper()
	port := strconv.Itoa(freePort(t))
	r := &Redis{URL: "redis://127.0.0.1:" + port + "/0", port: port, dir: t.TempDir()}
	client, err := queue.Connect(r.URL)
	if err != nil {
		t.Fatal(err)
	}
	r.Client = client
	r.Start(t)
	t.Cleanup(func() {
		_ = client.Close()
		r.Kill(t)
	})
	return r
}

// Start starts the server and waits for it.
func (r *Redis) Start(t testing.TB) {
	t.Helper()
	r.process = exec.Command(Env(t, "TEST_REDIS_SERVER"), //nolint:noctx // it outlives the test's context, which ends before the cleanups
		"--bind", "127.0.0.1", "--port", r.port, "--dir", r.dir, "--save", "", "--appendonly", "no")
	r.process.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	r.process.Stderr = os.Stderr
	if err := r.process.Start(); err != nil {
		t.Fatal(err)
	}
	Wait(t, 10*time.Second, "Redis to answer", func() bool { return r.Client.Ping(t.Context()).Err() == nil })
}

// Kill ends the server with all that it holds.
func (r *Redis) Kill(t testing.TB) {
	t.Helper()
	if r.process == nil {
		return
	}
	if err := r.process.Process.Kill(); err != nil {
		t.Errorf("kill Redis: %v", err)
	}
	_ = r.process.Wait()
	r.process = nil
}

// freePort asks the system for a port that nobody listens on.
func freePort(t testing.TB) int {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port
}
