package runtimetest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// nobody is whom Postgres runs as when the test is root, whom it refuses.
const nobody = 65534

// Postgres is a server of the test's own, which it may stop and start. Its data outlives that.
type Postgres struct {
	URL     string // of its superuser
	port    string
	dir     string
	process *exec.Cmd
}

// NewPostgres starts a server; it ends with the test, and its data go.
func NewPostgres(t testing.TB) *Postgres {
	t.Helper()
	dir, err := os.MkdirTemp("", "docvault-postgres-*") //nolint:usetesting // t.TempDir is below a directory that nobody else may enter
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		if err := os.Chown(dir, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	port := strconv.Itoa(freePort(t))
	p := &Postgres{URL: "postgres://postgres@127.0.0.1:" + port + "/postgres?sslmode=disable", port: port, dir: filepath.Join(dir, "data")}
	initdb := p.command(t, "initdb", "-D", p.dir, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	p.Start(t)
	t.Cleanup(func() { p.Stop(t) })
	return p
}

func (p *Postgres) command(t testing.TB, name string, args ...string) *exec.Cmd {
	t.Helper()
	//nolint:noctx // the server outlives the test's context, which ends before the cleanups
	cmd := exec.Command(filepath.Join(Env(t, "TEST_POSTGRES_BIN_17"), name), args...)
	cmd.Dir = filepath.Dir(p.dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT}
	if os.Getuid() == 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: nobody, Gid: nobody}
	}
	return cmd
}

// Start starts the server and waits for it.
func (p *Postgres) Start(t testing.TB) {
	t.Helper()
	p.process = p.command(t, "postgres", "-D", p.dir, "-p", p.port, "-c", "listen_addresses=127.0.0.1",
		"-c", "unix_socket_directories=", "-c", "fsync=off")
	if err := p.process.Start(); err != nil {
		t.Fatal(err)
	}
	Wait(t, 20*time.Second, "Postgres to answer", func() bool {
		conn, err := pgx.Connect(t.Context(), p.URL)
		if err != nil {
			return false
		}
		return conn.Close(t.Context()) == nil
	})
}

// Stop ends the server as a restart does: what is under way is broken off.
func (p *Postgres) Stop(t testing.TB) {
	t.Helper()
	if p.process == nil {
		return
	}
	if err := p.process.Process.Signal(syscall.SIGINT); err != nil {
		t.Errorf("stop Postgres: %v", err)
	}
	_ = p.process.Wait()
	p.process = nil
}

// NewMigrated provisions a database on this server, with the schema in it. It goes with the server.
func (p *Postgres) NewMigrated(t testing.TB) Database {
	t.Helper()
	return migrated(t, newDatabase(t, p.URL))
}
