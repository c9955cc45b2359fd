package controllers_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/docvault/docvault/api/v1alpha1"
	vaultclient "github.com/docvault/docvault/test/client"
)

// node runs what kwok does not: the programs themselves, with the environment that their pods would have, replaced one by one as their
// Deployments ask. The new one is ready before the old one goes.
type node struct {
	*installation
	vault   *v1alpha1.DocVault
	program string
	running map[string]*program // by component

	mu     sync.Mutex
	serves *program // which requests go to
}

// ServeHTTP is the vault's Service.
func (n *node) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n.mu.Lock()
	p := n.serves
	p.underWay.Add(1)
	n.mu.Unlock()
	defer p.underWay.Done()
	target := &url.URL{Scheme: "http", Host: p.addresses["api"]}
	(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }}).ServeHTTP(w, r)
}

// serve sends requests to another program from now on. It returns when the one before has no more to answer, as the pause before
// a pod's end is for.
func (n *node) serve(p *program) {
	n.mu.Lock()
	old := n.serves
	n.serves = p
	n.mu.Unlock()
	if old != nil {
		old.underWay.Wait()
	}
}

type program struct {
	cmd       *exec.Cmd
	hash      string // of the environment
	addresses map[string]string
	underWay  sync.WaitGroup // requests
}

func (i *installation) newNode(vault *v1alpha1.DocVault) *node {
	i.t.Helper()
	n := &node{installation: i, vault: vault, program: filepath.Join(i.t.TempDir(), "docvault"), running: map[string]*program{}}
	if out, err := exec.Command("go", "build", "-o", n.program, "../cmd/docvault").CombinedOutput(); err != nil {
		i.t.Fatalf("%v\n%s", err, out)
	}
	migrate := &corev1.Secret{}
	i.get(migrate, vault.Namespace, vault.Name+"-migrate")
	run := exec.Command(n.program, "migrate")
	for name, value := range migrate.Data {
		run.Env = append(run.Env, name+"="+string(value))
	}
	if out, err := run.CombinedOutput(); err != nil {
		i.t.Fatalf("migrate: %v\n%s", err, out)
	}
	i.t.Cleanup(func() {
		for _, p := range n.running {
			_ = p.cmd.Process.Kill()
			_ = p.cmd.Wait()
		}
	})
	return n
}

// roll replaces the programs whose environment is another one by now, and waits for the old ones to end.
func (n *node) roll() {
	n.t.Helper()
	for _, component := range []string{"worker", "api"} {
		d := &appsv1.Deployment{}
		n.get(d, n.vault.Namespace, n.vault.Name+"-"+component)
		old, hash := n.running[component], d.Spec.Template.Annotations[v1alpha1.AnnotationRuntimeSecret]
		if old != nil && old.hash == hash {
			continue
		}
		p := n.launch(component, n.environment(d))
		p.hash = hash
		n.running[component] = p
		if component == "api" {
			n.serve(p)
		}
		if old == nil {
			continue
		}
		if err := old.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			n.t.Fatal(err)
		}
		if err := old.cmd.Wait(); err != nil {
			n.t.Errorf("the old %s ended with %v", component, err)
		}
	}
}

// environment is what the kubelet would give a pod of a Deployment.
func (n *node) environment(d *appsv1.Deployment) map[string]string {
	n.t.Helper()
	environment := map[string]string{}
	container := d.Spec.Template.Spec.Containers[0]
	for _, from := range container.EnvFrom {
		if from.ConfigMapRef != nil {
			config := &corev1.ConfigMap{}
			n.get(config, d.Namespace, from.ConfigMapRef.Name)
			maps.Copy(environment, config.Data)
			continue
		}
		secret := &corev1.Secret{}
		n.get(secret, d.Namespace, from.SecretRef.Name)
		for name, value := range secret.Data {
			environment[name] = string(value)
		}
	}
	for _, e := range container.Env {
		environment[e.Name] = e.Value
	}
	redis := parseURL(n.t, environment["REDIS_URL"])
	var err error
	if redis.Host, err = n.redis.address(n.t.Context(), redis.Host); err != nil {
		n.t.Fatal(err)
	}
	environment["REDIS_URL"] = redis.String()
	environment["LISTEN_ADDR"], environment["METRICS_ADDR"] = "127.0.0.1:0", "127.0.0.1:0"
	environment["PATH"], environment["TMPDIR"] = os.Getenv("PATH"), n.t.TempDir()
	return environment
}

// launch starts a program and waits until it is ready.
func (n *node) launch(component string, environment map[string]string) *program {
	n.t.Helper()
	p := &program{cmd: exec.Command(n.program, component), addresses: map[string]string{}}
	for name, value := range environment {
		p.cmd.Env = append(p.cmd.Env, name+"="+value)
	}
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, err := p.cmd.StderrPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	wanted := map[string]int{"api": 2, "worker": 1}[component] // servers
	for len(p.addresses) < wanted && lines.Scan() {
		var line struct{ Msg, Server, Address string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
			p.addresses[line.Server] = line.Address
		}
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	eventually(n.t, patience, func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.addresses["metrics"]+"/readyz", http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(component + " is not ready: " + response.Status)
		}
		return nil
	})
	return p
}

// load uploads and lists without a pause until it is stopped, and counts.
type load struct {
	uploads, lists atomic.Int64
	failures       chan error
	stop           func()

	mu  sync.Mutex
	ids []string // of the documents, in order
}

func startLoad(t *testing.T, vault *vaultclient.Client) *load {
	l := &load{failures: make(chan error, 1000)}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	const clients = 3
	for c := range clients {
		go func() {
			defer func() { ended <- struct{}{} }()
			for n := 0; ctx.Err() == nil; n++ {
				l.round(vault, fmt.Sprintf("note-%d-%d.txt", c, n))
			}
		}()
	}
	l.stop = func() {
		cancel()
		for range clients {
			<-ended
		}
	}
	t.Cleanup(cancel)
	return l
}

// round has a context of its own: what was begun is waited for.
func (l *load) round(vault *vaultclient.Client, name string) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	document, err := vault.Upload(ctx, name, []byte("The note "+name))
	if err != nil {
		l.failures <- fmt.Errorf("upload: %w", err)
	} else {
		l.uploads.Add(1)
		l.mu.Lock()
		l.ids = append(l.ids, document.ID)
		l.mu.Unlock()
	}
	if _, err := vault.List(ctx, nil); err != nil {
		l.failures <- fmt.Errorf("list: %w", err)
	} else {
		l.lists.Add(1)
	}
}

// Uploads and lists go on without a pause while the credentials are rotated three times. No request fails, although the old credentials
// are refused after each time. Postgres, MinIO, Redis, API and worker are real; kwok plays the pods alone, so the test rolls the
// programs as the Deployments say, and lets the grace end when it has.
func TestNoRequestFailsWhileCredentialsRotate(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme", gracious(time.Hour))
	n := i.newNode(vault)
	n.roll()
	front := httptest.NewServer(n)
	t.Cleanup(front.Close)
	requests := &vaultclient.Client{BaseURL: front.URL, Token: string(i.ledger(vault).Data["token"])}
	l := startLoad(t, requests)
	for generation := int64(1); generation <= 3; generation++ {
		old := i.ledger(vault)
		i.ask(vault, v1alpha1.AnnotationRotate, fmt.Sprint(generation))
		i.awaitRotation(vault, generation, "grace")
		n.roll()
		i.passTime(vault)
		mustBeEnded(t, old)
		if key := keyAnswer(t, old); key != "InvalidAccessKeyId" {
			t.Errorf("the old key is answered with %q", key)
		}
		n.awaitMore(l, 50)
	}
	l.stop()
	close(l.failures)
	failed := 0
	for err := range l.failures {
		failed++
		t.Errorf("a request failed: %v", err)
	}
	t.Logf("three rotations: %d uploads and %d lists went through, %d failed", l.uploads.Load(), l.lists.Load(), failed)
	n.mustRead(requests, l.ids)
}

// mustRead makes sure that the worker reads on: the first of the documents that it has not come to is read.
func (n *node) mustRead(vault *vaultclient.Client, ids []string) {
	n.t.Helper()
	next := sort.Search(len(ids), func(k int) bool {
		document, err := vault.Get(n.t.Context(), ids[k])
		return err == nil && !document.Settled()
	})
	if next == len(ids) {
		n.t.Fatal("the worker had read everything before: this proves nothing")
	}
	ctx, cancel := context.WithTimeout(n.t.Context(), patience)
	defer cancel()
	if document, err := vault.WaitSettled(ctx, ids[next]); err != nil || document.Status != "ready" {
		n.t.Errorf("document %d of %d is %q (%v): the worker does not work", next, len(ids), document.Status, err)
	}
}

// awaitMore lets so many more uploads through.
func (n *node) awaitMore(l *load, uploads int64) {
	n.t.Helper()
	from := l.uploads.Load()
	eventually(n.t, patience, func(context.Context) error {
		if now := l.uploads.Load(); now < from+uploads {
			return fmt.Errorf("%d uploads, waiting for %d", now, from+uploads)
		}
		return nil
	})
}
