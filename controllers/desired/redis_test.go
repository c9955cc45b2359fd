package desired_test

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/docvault/docvault/controllers/desired"
)

// startRedis starts a server as the StatefulSet does, but for directories and port, and returns its port once the
// StatefulSet's own probe succeeds.
func startRedis(t *testing.T, in desired.Input) string {
	t.Helper()
	server := os.Getenv("TEST_REDIS_SERVER")
	if server == "" {
		t.Fatal("TEST_REDIS_SERVER is not set: run the tests with `make test`, which starts what they need")
	}
	data, acl, port := t.TempDir(), filepath.Join(t.TempDir(), "users.acl"), freePort(t)
	if err := os.WriteFile(acl, desired.RedisSecret(in).Data["users.acl"], 0o600); err != nil {
		t.Fatal(err)
	}
	container := desired.RedisStatefulSet(in).Spec.Template.Spec.Containers[0]
	args := slices.Clone(container.Args)
	args[slices.Index(args, "--dir")+1] = data
	args[slices.Index(args, "--aclfile")+1] = acl
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, server, append(args, "--port", port, "--bind", "127.0.0.1")...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
	})
	probe := container.ReadinessProbe.Exec.Command
	cli := filepath.Join(filepath.Dir(server), probe[0])
	await(t, func() error {
		return exec.Command(cli, append([]string{"-p", port}, probe[1:]...)...).Run()
	})
	return port
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
}

func await(t *testing.T, check func() error) {
	t.Helper()
	deadline := time.After(20 * time.Second)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			t.Fatal(err)
		case <-tick.C:
		}
	}
}

func redisClient(t *testing.T, port, user, password string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: "127.0.0.1:" + port, Username: user, Password: password})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestWhoMayUseRedis(t *testing.T) {
	t.Parallel()
	port := startRedis(t, everything())
	cases := map[string]struct {
		user, password string
		command        []any
		refusal        string
	}{
		"nobody":               {"", "", []any{"GET", "x"}, "NOAUTH"},
		"the default user":     {"default", "", []any{"PING"}, "NOAUTH"},
		"a wrong password":     {"docvault_a", "wrong", []any{"PING"}, "WRONGPASS"},
		"the probe, reading":   {"probe", "none", []any{"GET", "x"}, "NOPERM"},
		"the probe, telling":   {"probe", "none", []any{"PUBLISH", "x", "y"}, "NOPERM"},
		"the vault":            {"docvault_a", "redis-password", []any{"SET", "x", "y"}, ""},
		"the vault's old user": {"docvault_b", "old-redis-password", []any{"SET", "x", "y"}, ""},
		"the vault, settings":  {"docvault_a", "redis-password", []any{"CONFIG", "SET", "dir", "/tmp"}, "NOPERM"},
		"the vault, users":     {"docvault_a", "redis-password", []any{"ACL", "SETUSER", "evil", "on", "nopass", "+@all"}, "NOPERM"},
		"the operator, users":  {"operator", "redis-admin-password", []any{"ACL", "SETUSER", "docvault_c", "on", "#" + strings.Repeat("0", 64)}, ""},
		"the operator, data":   {"operator", "redis-admin-password", []any{"GET", "x"}, "NOPERM"},
		"the operator, config": {"operator", "redis-admin-password", []any{"CONFIG", "SET", "dir", "/tmp"}, "NOPERM"},
		"the vault, modules":   {"docvault_a", "redis-password", []any{"MODULE", "LOAD", "/tmp/x.so"}, "not allowed"},
		"the vault, replicas":  {"docvault_a", "redis-password", []any{"REPLICAOF", "evil.example", "6379"}, "NOPERM"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := redisClient(t, port, tc.user, tc.password).Do(t.Context(), tc.command...).Err()
			if tc.refusal == "" && err != nil {
				t.Fatal(err)
			}
			if tc.refusal != "" && (err == nil || !strings.Contains(err.Error(), tc.refusal)) {
				t.Fatalf("got %v, wanted %s", err, tc.refusal)
			}
		})
	}
}

// asynq asks for more than it documents: scripts, publish and subscribe, INFO.
func TestTasksGoThroughRedisAsTheVaultsUser(t *testing.T) {
	t.Parallel()
	client := redisClient(t, startRedis(t, minimal()), "docvault_a", "redis-password")
	done := make(chan string, 1)
	server := asynq.NewServerFromRedisClient(client, asynq.Config{Queues: map[string]int{"documents": 1}, LogLevel: asynq.FatalLevel})
	mux := asynq.NewServeMux()
	mux.HandleFunc("read", func(_ context.Context, task *asynq.Task) error {
		done <- string(task.Payload())
		return nil
	})
	if err := server.Start(mux); err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	task := asynq.NewTask("read", []byte("a document"))
	if _, err := asynq.NewClientFromRedisClient(client).EnqueueContext(t.Context(), task,
		asynq.Queue("documents"), asynq.TaskID("1"), asynq.Retention(time.Minute)); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-done:
		if got != "a document" {
			t.Fatalf("got %q", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no task arrived within 20 s")
	}
	inspector := asynq.NewInspectorFromRedisClient(client)
	await(t, func() error { _, err := inspector.GetQueueInfo("documents"); return err })
	if _, err := inspector.Servers(); err != nil {
		t.Fatal(err)
	}
	if err := inspector.CancelProcessing("1"); err != nil {
		t.Fatal(err)
	}
}
