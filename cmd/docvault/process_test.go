package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/runtimetest"
)

// program is the program itself, built for these tests.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "docvault-program-*")
	if err != nil {
		panic(err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program = filepath.Join(dir, "docvault")
	build := exec.Command("go", "build", "-ldflags", "-X main.version=v0.0.0-test", "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		panic(string(out))
	}
	return m.Run()
}

// installation is a vault's environment, on servers of its own.
type installation struct {
	environment map[string]string
	redis       *runtimetest.Redis
	database    runtimetest.Database
	bucket      runtimetest.Bucket
}

const (
	testToken     = "test-token-that-no-log-may-show"
	testSecretKey = "5ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2e75ec2"
)

func newInstallation(t testing.TB) installation {
	t.Helper()
	i := installation{redis: runtimetest.NewRedis(t), database: runtimetest.NewMigrated(t), bucket: runtimetest.NewBucket(t)}
	i.environment = map[string]string{
		config.DatabaseURL: i.database.App, config.RedisURL: i.redis.URL,
		config.MinioEndpoint: i.bucket.Config.Endpoint, config.MinioBucket: i.bucket.Config.Bucket,
		config.MinioAccessKey: i.bucket.Config.AccessKey, config.MinioSecretKey: i.bucket.Config.SecretKey,
		config.SecretKey: testSecretKey, config.APIToken: testToken,
		config.ListenAddr: "127.0.0.1:0", config.MetricsAddr: "127.0.0.1:0", config.LogLevel: "debug",
	}
	return i
}

// with returns the environment with one variable changed.
func (i installation) with(name, value string) installation {
	changed := installation{redis: i.redis, database: i.database, bucket: i.bucket, environment: map[string]string{name: value}}
	for n, v := range i.environment {
		if n != name {
			changed.environment[n] = v
		}
	}
	return changed
}

func (i installation) list() []string {
	list := []string{"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()}
	for name, value := range i.environment {
		list = append(list, name+"="+value)
	}
	return list
}

// process is a running program.
type process struct {
	cmd *exec.Cmd
	log *runtimetest.Log
	// addresses of its servers, by name: api, metrics.
	addresses map[string]string
}

// start starts a command and waits until its servers listen. It is killed when the test ends.
func (i installation) start(t testing.TB, command string, servers ...string) *process {
	t.Helper()
	return i.startWith(t, []string{command}, servers...)
}

func (i installation) startWith(t testing.TB, arguments []string, servers ...string) *process {
	t.Helper()
	p := &process{cmd: exec.Command(program, arguments...), log: runtimetest.NewLog(t), addresses: map[string]string{}}
	p.cmd.Env = i.list()
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	listening := make(chan [2]string, len(servers))
	go follow(out, p.log, listening)
	for range servers {
		select {
		case server := <-listening:
			p.addresses[server[0]] = server[1]
		case <-time.After(30 * time.Second):
			t.Fatalf("%s does not listen", arguments[0])
		}
	}
	return p
}

// follow copies a log, and tells of as many servers that listen as fit into listening.
func follow(out io.Reader, log io.Writer, listening chan<- [2]string) {
	lines := bufio.NewReader(out)
	for told := 0; told < cap(listening); {
		text, err := lines.ReadBytes('\n')
		_, _ = log.Write(text)
		if err != nil {
			return
		}
		var line struct{ Msg, Server, Address string }
		if json.Unmarshal(text, &line) == nil && line.Msg == "listening" {
			listening <- [2]string{line.Server, line.Address}
			told++
		}
	}
	_, _ = io.Copy(log, lines)
}

// stop ends a process as Kubernetes does, and returns its exit code.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return code(p.cmd.Wait())
}

// run runs a command to its end and returns its exit code and what it printed.
func (i installation) run(t *testing.T, arguments ...string) (exit int, out string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, arguments...)
	cmd.Env = i.list()
	printed, err := cmd.CombinedOutput()
	return code(err), string(printed)
}

func code(err error) int {
	var ended *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ended):
		return ended.ExitCode()
	}
	return -1
}

// secrets are what no log may show.
func (i installation) secrets() []string {
	secrets := []string{testToken, testSecretKey, i.environment[config.MinioSecretKey]}
	for _, name := range []string{config.DatabaseURL, config.DatabaseMigrateURL, config.RedisURL, config.PostgresAdminURL} {
		if _, rest, found := strings.Cut(i.environment[name], "://"); found {
			login, _, _ := strings.Cut(rest, "@")
			if _, password, found := strings.Cut(login, ":"); found && !strings.Contains(rest[:len(login)], "/") {
				secrets = append(secrets, password)
			}
		}
	}
	return secrets
}
