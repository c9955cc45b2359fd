//go:build e2e

package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/docvault/docvault/test/client"
)

// Uploads and lists go on without a pause while the credentials rotate, on request and after a leak. None fails in the first, although the old login
// is gone after it; after a leak the token is another one, so the count ends before.
func TestRotationFailsNoRequest(t *testing.T) {
	t.Parallel()
	v := newVault(t, "{rotation: {gracePeriod: 5s}}")
	vault := v.nodePort(t)
	old := v.appLogin(t)
	l := startLoad(vault)
	l.await(t, 20)
	kubectl(t, "-n", v.namespace, "annotate", "docvault", v.name, "docvault.io/rotate=1")
	v.awaitRotated(t, "1", old)
	l.await(t, 20)
	failures := l.stop()
	if len(failures) > 0 {
		t.Errorf("%d requests failed, the first: %v", len(failures), failures[0])
	}
	t.Logf("%d requests went through while the credentials rotated, %d failed", l.done.Load(), len(failures))
	settled(t, vault, upload(t, vault, "after.txt", []byte("a note that the worker reads with the new credentials")).ID)

	leaked, token := v.appLogin(t), v.token(t)
	kubectl(t, "-n", v.namespace, "annotate", "docvault", v.name, "docvault.io/rotate-now=1")
	v.awaitRotated(t, "2", leaked)
	v.waitReady(t)
	vault.Token = v.token(t)
	if vault.Token == token {
		t.Error("the access token is still the leaked one")
	}
	settled(t, vault, upload(t, vault, "later.txt", []byte("a note after the leak")).ID)
}

// nodePort reaches the vault's API from outside of the cluster, as a load balancer does: port-forward holds on to one pod, and
// a connection that is kept open to one that ends.
func (v vault) nodePort(t *testing.T) *client.Client {
	t.Helper()
	apply(t, fmt.Sprintf(`{apiVersion: v1, kind: Service, metadata: {name: outside, namespace: %s}, spec: {type: NodePort,
		selector: {app.kubernetes.io/name: docvault, app.kubernetes.io/instance: %s, app.kubernetes.io/component: api},
		ports: [{port: 80, targetPort: http}]}}`, v.namespace, v.name))
	port := kubectl(t, "-n", v.namespace, "get", "service", "outside", "-o", "jsonpath={.spec.ports[0].nodePort}")
	address, err := run(exec.CommandContext(t.Context(), "docker", "inspect", "-f",
		"{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", environment(t, "DOCVAULT_NODE")))
	if err != nil {
		t.Fatal(err)
	}
	vault := &client.Client{
		BaseURL: "http://" + address + ":" + port, Token: v.token(t),
		HTTP: &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute},
	}
	// Until the node knows of the new port it refuses connections.
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		_, err := vault.List(ctx, nil)
		if err == nil {
			return vault
		}
		select {
		case <-ctx.Done():
			t.Fatalf("the vault is not reached through its node: %v", err)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// appLogin returns the Postgres login that the pods have.
func (v vault) appLogin(t *testing.T) string {
	t.Helper()
	encoded := kubectl(t, "-n", v.namespace, "get", "secret", v.name+"-runtime", "-o", "jsonpath={.data.DATABASE_URL}")
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(string(text))
	if err != nil {
		t.Fatal("the DATABASE_URL in the runtime Secret is no URL")
	}
	return u.User.Username()
}

// awaitRotated waits until a rotation has come to its end: it is counted, and the old login is gone.
func (v vault) awaitRotated(t *testing.T, generation, old string) {
	t.Helper()
	_, err := tryKubectl(t.Context(), "-n", v.namespace, "wait", "docvault/"+v.name,
		"--for=jsonpath={.status.rotation.generation}="+generation, "--timeout="+readyTimeout.String())
	if err != nil {
		t.Fatalf("%v\n%s", err, v.describe())
	}
	ctx, cancel := context.WithTimeout(t.Context(), readyTimeout)
	defer cancel()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for query(t, "SELECT count(*) FROM pg_roles WHERE rolname = '"+old+"'") != "0" {
		select {
		case <-ctx.Done():
			t.Fatalf("login %s is still there\n%s", old, v.describe())
		case <-tick.C:
		}
	}
}

// load uploads and lists without a pause, and counts.
type load struct {
	done atomic.Int64
	stop func() (failures []error)
}

func startLoad(vault *client.Client) *load {
	l := &load{}
	ended := make(chan struct{})
	var mu sync.Mutex
	var failures []error
	var workers sync.WaitGroup
	count := func(err error) {
		l.done.Add(1)
		if err != nil {
			mu.Lock()
			defer mu.Unlock()
			failures = append(failures, err)
		}
	}
	for c := range 2 {
		workers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-ended:
					return
				default:
				}
				name := fmt.Sprintf("note-%d-%d.txt", c, n)
				_, err := vault.Upload(context.Background(), name, []byte("The note "+name))
				count(err)
				_, err = vault.List(context.Background(), nil)
				count(err)
			}
		})
	}
	l.stop = func() []error {
		close(ended)
		workers.Wait()
		return failures
	}
	return l
}

// await lets so many more requests come to their end.
func (l *load) await(t *testing.T, more int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for until := l.done.Load() + more; l.done.Load() < until; {
		select {
		case <-ctx.Done():
			t.Fatal("requests take too long")
		case <-tick.C:
		}
	}
}
