package controllers_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/redis/go-redis/v9"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/docvault/docvault/api/v1alpha1"
)

// redises runs the Redis servers that kwok does not: a real one for each vault that is asked for, with the arguments of its StatefulSet
// and the list of users in its Secret, started again when the StatefulSet's template asks for that. It is how the operator dials.
type redises struct {
	t       testing.TB
	kube    client.Client
	effects *effects

	mu      sync.Mutex
	servers map[string]*redisServer // by host
	away    bool
}

type redisServer struct {
	address, data string
	restarted     string // the annotation that it was started with
	process       *exec.Cmd
}

func newRedises(t testing.TB, kube client.Client, e *effects) *redises {
	r := &redises{t: t, kube: kube, effects: e, servers: map[string]*redisServer{}}
	t.Cleanup(func() {
		for _, s := range r.servers {
			_ = s.process.Process.Kill()
			_ = s.process.Wait()
		}
	})
	return r
}

func (r *redises) setAway(away bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.away = away
}

// dial connects the operator to the Redis of an address like acme-redis.tenant.svc:6379.
func (r *redises) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if r.effects.isCut() {
		return nil, errCutOff
	}
	r.mu.Lock()
	away := r.away
	r.mu.Unlock()
	if away {
		return nil, errors.New("connection refused")
	}
	at, err := r.address(ctx, address)
	if err != nil {
		return nil, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, network, at)
	return &redisConn{Conn: conn, effects: r.effects}, err
}

// address returns where a vault's Redis listens, and starts it when it should run and does not, or should have been restarted.
func (r *redises) address(ctx context.Context, service string) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	host, _, _ := strings.Cut(service, ":")
	parts := strings.Split(host, ".")
	key := client.ObjectKey{Namespace: parts[1], Name: parts[0]}
	set, users := &appsv1.StatefulSet{}, &corev1.Secret{}
	if err := errors.Join(r.kube.Get(ctx, key, set), r.kube.Get(ctx, key, users)); err != nil {
		return "", err
	}
	restarted := set.Spec.Template.Annotations[v1alpha1.AnnotationRestarted]
	s := r.servers[host]
	if s != nil && s.restarted == restarted {
		return s.address, nil
	}
	if s == nil {
		s = &redisServer{data: r.t.TempDir()}
	} else {
		_ = s.process.Process.Kill()
		_ = s.process.Wait()
	}
	s.restarted = restarted
	r.servers[host] = s
	err := r.launch(ctx, s, set.Spec.Template.Spec.Containers[0].Args, users.Data["users.acl"])
	return s.address, err
}

func (r *redises) launch(ctx context.Context, s *redisServer, arguments []string, users []byte) error {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.address = listener.Addr().String()
	_ = listener.Close()
	_, port, _ := net.SplitHostPort(s.address)
	file := filepath.Join(s.data, "users.acl")
	if err := os.WriteFile(file, users, 0o600); err != nil {
		return err
	}
	arguments = slices.Clone(arguments)
	arguments[slices.Index(arguments, "--dir")+1] = s.data
	arguments[slices.Index(arguments, "--aclfile")+1] = file
	s.process = exec.Command(os.Getenv("TEST_REDIS_SERVER"), append(arguments, "--port", port, "--bind", "127.0.0.1")...)
	if err := s.process.Start(); err != nil {
		return err
	}
	for ctx.Err() == nil {
		probe := redis.NewClient(&redis.Options{Addr: s.address, Username: "probe", Password: "none", MaxRetries: -1})
		err := probe.Ping(ctx).Err()
		_ = probe.Close()
		if err == nil {
			return nil
		}
	}
	return ctx.Err()
}

// startOld starts a vault's Redis with a list of users from before there was one who changes them.
func (r *redises) startOld(vault *v1alpha1.DocVault) {
	r.t.Helper()
	ctx := r.t.Context()
	set, users := &appsv1.StatefulSet{}, &corev1.Secret{}
	key := client.ObjectKey{Namespace: vault.Namespace, Name: vault.Name + "-redis"}
	if err := errors.Join(r.kube.Get(ctx, key, set), r.kube.Get(ctx, key, users)); err != nil {
		r.t.Fatal(err)
	}
	old := regexp.MustCompile(`(?m)^user operator .*\n`).ReplaceAll(users.Data["users.acl"], nil)
	s := &redisServer{data: r.t.TempDir()}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.servers[vault.Name+"-redis."+vault.Namespace+".svc"] = s
	if err := r.launch(ctx, s, set.Spec.Template.Spec.Containers[0].Args, old); err != nil {
		r.t.Fatal(err)
	}
}

// redisConn notes the changes of users that the operator makes.
type redisConn struct {
	net.Conn
	effects *effects
	pending string // a change that was sent and not answered yet
}

func (c *redisConn) Write(p []byte) (int, error) {
	if c.effects.isCut() {
		return 0, errCutOff
	}
	for _, change := range []string{"setuser", "deluser"} {
		if bytes.Contains(bytes.ToLower(p), []byte(change)) {
			c.pending = change
		}
	}
	return c.Conn.Write(p)
}

func (c *redisConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if c.pending != "" && err == nil {
		change := c.pending
		c.pending = ""
		if c.effects.note("redis acl "+change, func() {}) {
			return 0, errCutOff
		}
	}
	return n, err
}

// redisOf connects to a vault's Redis with what its runtime Secret says.
func (i *installation) redisOf(vault *v1alpha1.DocVault) *redis.Client {
	i.t.Helper()
	runtime := &corev1.Secret{}
	i.get(runtime, vault.Namespace, vault.Name+"-runtime")
	options, err := redis.ParseURL(string(runtime.Data["REDIS_URL"]))
	if err != nil {
		i.t.Fatal(err)
	}
	if options.Addr, err = i.redis.address(i.t.Context(), options.Addr); err != nil {
		i.t.Fatal(err)
	}
	options.MaxRetries = -1
	c := redis.NewClient(options)
	i.t.Cleanup(func() { _ = c.Close() })
	return c
}
