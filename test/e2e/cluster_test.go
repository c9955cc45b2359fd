//go:build e2e

// Package e2e is the black-box suite: a vault as a tenant sees it, on the real
// cluster that `hack/e2e` brings up. It knows the API, kubectl and nothing else.
package e2e

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/test/client"
)

// readyTimeout is generous: two cores start Redis, a Job, a worker and an API, for several vaults at once.
const readyTimeout = 5 * time.Minute

// vault is one DocVault in a namespace of its own that enforces the restricted Pod Security profile.
type vault struct {
	namespace, name string
}

func environment(t *testing.T, name string) string {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		t.Fatalf("%s is not set: run these tests by `make test-e2e`", name)
	}
	return value
}

// kubectl runs one command and returns what it prints; a failure ends the test with what it said.
func kubectl(t *testing.T, arguments ...string) string {
	t.Helper()
	output, err := tryKubectl(t.Context(), arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

func tryKubectl(ctx context.Context, arguments ...string) (string, error) {
	return run(exec.CommandContext(ctx, os.Getenv("KUBECTL"), arguments...))
}

func run(command *exec.Cmd) (string, error) {
	var output, complaint bytes.Buffer
	command.Stdout, command.Stderr = &output, &complaint
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(command.Args, " "), err, complaint.String())
	}
	return strings.TrimSpace(output.String()), nil
}

func apply(t *testing.T, manifest string) {
	t.Helper()
	command := exec.CommandContext(t.Context(), environment(t, "KUBECTL"), "apply", "-f", "-")
	command.Stdin = strings.NewReader(manifest)
	if _, err := run(command); err != nil {
		t.Fatal(err)
	}
}

// newVault applies a vault with this spec (YAML, one line) and waits until it is Ready. It is deleted with its data afterwards.
func newVault(t *testing.T, spec string) vault {
	t.Helper()
	environment(t, "KUBECONFIG")
	random := make([]byte, 4)
	if _, err := rand.Read(random); err != nil {
		t.Fatal(err)
	}
	v := vault{namespace: "e2e-" + hex.EncodeToString(random), name: "acme"}
	apply(t, fmt.Sprintf(`{apiVersion: v1, kind: Namespace,
		metadata: {name: %s, labels: {pod-security.kubernetes.io/enforce: restricted}}}`, v.namespace))
	t.Cleanup(func() { v.cleanUp(t) })
	v.apply(t, spec)
	return v
}

func (v vault) apply(t *testing.T, spec string) {
	t.Helper()
	apply(t, fmt.Sprintf("{apiVersion: docvault.io/v1alpha1, kind: DocVault, metadata: {name: %s, namespace: %s}, spec: %s}",
		v.name, v.namespace, spec))
	v.waitReady(t)
}

func (v vault) waitReady(t *testing.T) {
	t.Helper()
	_, err := tryKubectl(t.Context(), "-n", v.namespace, "wait", "docvault/"+v.name,
		"--for=condition=Ready", "--timeout="+readyTimeout.String())
	if err != nil {
		t.Fatalf("%v\n%s", err, v.describe())
	}
}

// describe says what is known of a vault that does not come up; its errors would only hide the first one.
func (v vault) describe() string {
	object, _ := tryKubectl(context.Background(), "-n", v.namespace, "describe", "docvault", v.name)
	others, _ := tryKubectl(context.Background(), "-n", v.namespace, "get", "pods,jobs,events")
	return object + "\n" + others
}

// cleanUp has a context of its own: the test's has ended.
func (v vault) cleanUp(t *testing.T) {
	if t.Failed() {
		t.Log(v.describe())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if _, err := tryKubectl(ctx, "-n", v.namespace, "patch", "docvault", v.name, "--type=merge",
		"-p", `{"spec":{"deletionPolicy":"Delete"}}`); err == nil {
		_, err = tryKubectl(ctx, "-n", v.namespace, "delete", "docvault", v.name, "--timeout=90s")
		if err != nil {
			t.Errorf("delete the vault: %v", err)
		}
	}
	if _, err := tryKubectl(ctx, "delete", "namespace", v.namespace, "--wait=false"); err != nil {
		t.Errorf("delete the namespace: %v", err)
	}
}

func (v vault) delete(t *testing.T) {
	t.Helper()
	kubectl(t, "-n", v.namespace, "delete", "docvault", v.name, "--timeout=120s")
}

// field returns one field of the vault's object, by JSONPath.
func (v vault) field(t *testing.T, path string) string {
	t.Helper()
	value := kubectl(t, "-n", v.namespace, "get", "docvault", v.name, "-o", "jsonpath={"+path+"}")
	if value == "" {
		t.Fatalf("the vault has no %s", path)
	}
	return value
}

func (v vault) token(t *testing.T) string {
	t.Helper()
	encoded := kubectl(t, "-n", v.namespace, "get", "secret", v.name+"-access", "-o", "jsonpath={.data.token}")
	token, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		t.Fatal(err)
	}
	return string(token)
}

var forwarded = regexp.MustCompile(`127\.0\.0\.1:\d+`)

// connect reaches the vault through its Service, on a port that kubectl chooses.
func (v vault) connect(t *testing.T) *client.Client {
	t.Helper()
	command := exec.CommandContext(t.Context(), environment(t, "KUBECTL"), "-n", v.namespace, "port-forward", "service/"+v.name+"-api", ":80")
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() })
	line := make([]byte, 256)
	n, err := output.Read(line)
	address := forwarded.FindString(string(line[:n]))
	if address == "" {
		t.Fatalf("kubectl port-forward printed %q (%v)", line[:n], err)
	}
	return &client.Client{BaseURL: "http://" + address, Token: v.token(t)}
}

// pod returns the name of the one pod of a component that is not on its way out.
func (v vault) pod(t *testing.T, component string) string {
	t.Helper()
	names := kubectl(t, "-n", v.namespace, "get", "pods", "--field-selector=status.phase=Running",
		"-l", "app.kubernetes.io/instance="+v.name+",app.kubernetes.io/component="+component,
		"-o", `go-template={{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}}{{"\n"}}{{end}}{{end}}`)
	name, _, _ := strings.Cut(names, "\n")
	if name == "" {
		t.Fatalf("no %s pod runs", component)
	}
	return name
}

func (v vault) scaleWorkers(t *testing.T, replicas int) {
	t.Helper()
	kubectl(t, "-n", v.namespace, "scale", "docvault", v.name, fmt.Sprintf("--replicas=%d", replicas))
}

// process is a program in one pod, found so that killing it takes no time.
type process struct {
	node, podUID, program string
}

// process waits for a component's pod and finds the program that runs in it.
func (v vault) process(t *testing.T, component, program string) process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), readyTimeout)
	defer cancel()
	selector := "app.kubernetes.io/instance=" + v.name + ",app.kubernetes.io/component=" + component
	// A Deployment's pods may not be there yet: kubectl waits for the first one to be made, too.
	for _, condition := range []string{"--for=create", "--for=jsonpath={.status.phase}=Running"} {
		if _, err := tryKubectl(ctx, "-n", v.namespace, "wait", condition, "pod", "-l", selector, "--timeout="+readyTimeout.String()); err != nil {
			t.Fatal(err)
		}
	}
	uid := kubectl(t, "-n", v.namespace, "get", "pod", v.pod(t, component), "-o", "jsonpath={.metadata.uid}")
	return process{node: environment(t, "DOCVAULT_NODE"), podUID: strings.ReplaceAll(uid, "-", "_"), program: program}
}

// kill sends SIGKILL from outside: from within, a container's process 1 cannot be killed.
func (p process) kill(t *testing.T) {
	t.Helper()
	script := `killed=0
for process in $(pgrep -x "$1"); do
  if tr - _ <"/proc/$process/cgroup" | grep -q "$2"; then kill -9 "$process" && killed=1; fi
done
[ $killed = 1 ]`
	if _, err := run(exec.CommandContext(t.Context(), "docker", "exec", p.node, "bash", "-c", script, "kill", p.program, p.podUID)); err != nil {
		t.Fatal(err)
	}
}
