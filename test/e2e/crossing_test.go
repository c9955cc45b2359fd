//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// Whoever is in a pod of one vault, with every Secret that the vault has, gets at nothing of another's, nor of the operator's: each
// attempt is refused, by what should refuse it. Each of the two vaults is the other's control: what one is refused the other gets, from
// a pod like it and with the same program.
func TestNoVaultReachesAnother(t *testing.T) {
	t.Parallel()
	program := buildCrossing(t)
	vaults := []vault{newVault(t, "{}"), newVault(t, "{}")}
	documents := make([]string, len(vaults))
	intruders := make([]intruder, len(vaults))
	for i, v := range vaults {
		api := v.connect(t)
		documents[i] = settled(t, api, upload(t, api, "note.txt", []byte("a note of "+v.namespace)).ID).ID
		intruders[i] = v.intrude(t, program)
	}
	intruders[0].mustReachOwn(t) // and leave there what the other then goes for
	intruders[1].mustReachOwn(t)
	intruders[0].mustNotReach(t, intruders[1])
	intruders[1].mustNotReach(t, intruders[0])
	for i, v := range vaults {
		intruders[i].mustReachOwn(t) // and find it as it was left
		content, err := v.connect(t).Content(t.Context(), documents[i])
		if err != nil || string(content) != "a note of "+v.namespace {
			t.Errorf("the document is %q after the other's attempts (%v)", content, err)
		}
	}
}

// buildCrossing builds test/crossing for the node, without C, so that it runs in any image.
func buildCrossing(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "crossing")
	build := exec.CommandContext(t.Context(), "go", "build", "-ldflags=-s -w", "-o", program, "../crossing")
	build.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0")
	if _, err := run(build); err != nil {
		t.Fatal(err)
	}
	return program
}

// intruder is a pod like those of a vault, with the program in it, and what is known of the vault.
type intruder struct {
	vault vault
	known map[string]any
}

// intrude runs a pod in the vault's namespace that is to Kubernetes a worker of the vault (its labels, so its network policies), has
// all of its Secrets and ConfigMaps as environment, the migration's too, and the token of a service account, which no pod of a vault has.
func (v vault) intrude(t *testing.T, program string) intruder {
	t.Helper()
	var worker struct {
		Metadata struct{ Labels map[string]string }
		Spec     struct{ Containers []struct{ Image string } }
	}
	read := kubectl(t, "-n", v.namespace, "get", "pod", v.pod(t, "worker"), "-o", "json")
	if err := json.Unmarshal([]byte(read), &worker); err != nil {
		t.Fatal(err)
	}
	delete(worker.Metadata.Labels, "pod-template-hash") // or a ReplicaSet would take it for one too many
	v.run(t, map[string]any{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": map[string]any{"name": "intruder", "namespace": v.namespace, "labels": worker.Metadata.Labels},
		"spec": map[string]any{
			"terminationGracePeriodSeconds": 1,
			"securityContext":               map[string]any{"runAsNonRoot": true, "seccompProfile": map[string]any{"type": "RuntimeDefault"}},
			"volumes":                       []any{map[string]any{"name": "tmp", "emptyDir": map[string]any{}}},
			"containers": []any{map[string]any{
				"name": "intruder", "image": worker.Spec.Containers[0].Image, "imagePullPolicy": "IfNotPresent",
				"command": []string{"sleep", "infinity"}, "envFrom": v.environment(t),
				"volumeMounts":    []any{map[string]any{"name": "tmp", "mountPath": "/tmp"}},
				"securityContext": map[string]any{"allowPrivilegeEscalation": false, "capabilities": map[string]any{"drop": []string{"ALL"}}},
			}},
		},
	})
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	copying := v.inIntruder(t, "sh", "-c", "cat >/tmp/crossing && chmod 755 /tmp/crossing")
	copying.Stdin = bytes.NewReader(content)
	if _, err := run(copying); err != nil {
		t.Fatal(err)
	}
	database := v.field(t, ".status.database.name")
	return intruder{vault: v, known: map[string]any{
		"Namespace": v.namespace, "Name": v.name, "Database": database, "Bucket": v.field(t, ".status.bucket.name"),
		"Roles": strings.Split(query(t, "SELECT string_agg(rolname, ',') FROM pg_roles WHERE starts_with(rolname, '"+database+"_')"), ","),
	}}
}

// run applies a pod and waits for it. It is deleted before the vault is, which would wait for it.
func (v vault) run(t *testing.T, pod map[string]any) {
	t.Helper()
	manifest, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	apply(t, string(manifest))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if _, err := tryKubectl(ctx, "-n", v.namespace, "delete", "pod", "intruder"); err != nil {
			t.Errorf("delete the pod: %v", err)
		}
	})
	kubectl(t, "-n", v.namespace, "wait", "--for=condition=Ready", "pod/intruder", "--timeout=120s")
}

// environment lists all Secrets and ConfigMaps of the vault, as a container takes them.
func (v vault) environment(t *testing.T) []map[string]any {
	t.Helper()
	var from []map[string]any
	all := kubectl(t, "-n", v.namespace, "get", "secrets,configmaps", "-l", "app.kubernetes.io/instance="+v.name, "-o", "name")
	for name := range strings.FieldsSeq(all) {
		kind, name, _ := strings.Cut(name, "/")
		reference := map[string]string{"secret": "secretRef", "configmap": "configMapRef"}[kind]
		from = append(from, map[string]any{reference: map[string]any{"name": name}})
	}
	return from
}

func (v vault) inIntruder(t *testing.T, command ...string) *exec.Cmd {
	t.Helper()
	arguments := append([]string{"-n", v.namespace, "exec", "-i", "intruder", "--"}, command...)
	return exec.CommandContext(t.Context(), environment(t, "KUBECTL"), arguments...)
}

// attempt is what the program says of one.
type attempt struct{ Name, Answer string }

func (i intruder) attempts(t *testing.T, other map[string]any, arguments ...string) []attempt {
	t.Helper()
	known, err := json.Marshal(map[string]any{
		"Own": i.known, "Other": other, "Databases": []string{"postgres", "template1"}, "Admin": "postgres", "Operator": "docvault-system",
	})
	if err != nil {
		t.Fatal(err)
	}
	command := i.vault.inIntruder(t, append([]string{"/tmp/crossing"}, arguments...)...)
	command.Stdin = bytes.NewReader(known)
	output, err := run(command)
	if err != nil {
		t.Fatal(err)
	}
	var attempts []attempt
	for line := range strings.Lines(output) {
		var a attempt
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("the program printed %q: %v", line, err)
		}
		attempts = append(attempts, a)
	}
	return attempts
}

// mustReachOwn goes where the vault's own pods go.
func (i intruder) mustReachOwn(t *testing.T) {
	t.Helper()
	attempts := i.attempts(t, nil, "own")
	if len(attempts) < 8 {
		t.Errorf("only %d attempts at what is the vault's own", len(attempts))
	}
	for _, a := range attempts {
		// What the vault's pods do not need their network policies do not let through: workers have nothing to ask the API server.
		if a.Answer != "done" && (!policiesEnforced(t) || !strings.HasPrefix(a.Name, "api server: ")) {
			t.Errorf("%s in its own namespace %s: %s, want done", a.Name, i.vault.namespace, a.Answer)
		}
	}
}

// refusals says by what the attempts are refused; the first line that fits an attempt counts.
var refusals = []struct {
	attempts *regexp.Regexp
	answer   string
	dropped  bool // by network policies, where they are enforced
	mayDrop  bool // by them: the port of the API server behind its Service is the cluster's choice
}{
	{attempts: regexp.MustCompile(`^(app|migrate): read the other's rows$`), answer: "postgres 0A000"}, // one database knows no other
	{attempts: regexp.MustCompile(`^(app|migrate): see the other's statements$`), answer: "postgres hidden"},
	{attempts: regexp.MustCompile(`^(app|migrate): `), answer: "postgres 42501"}, // insufficient privilege
	{attempts: regexp.MustCompile(`^bucket: get by a link$`), answer: "http 403"},
	{attempts: regexp.MustCompile(`^(bucket|store): `), answer: "s3 AccessDenied"},
	{attempts: regexp.MustCompile(`^redis: the other's (with own|as the operator)`), answer: "redis WRONGPASS", dropped: true},
	{attempts: regexp.MustCompile(`^redis: the other's without a login$`), answer: "redis NOAUTH", dropped: true},
	{attempts: regexp.MustCompile(`^redis: the other's `), answer: "redis NOPERM", dropped: true},
	{attempts: regexp.MustCompile(`^redis: `), answer: "redis NOPERM"},
	{attempts: regexp.MustCompile(`^api server: `), answer: "http 403 Forbidden", mayDrop: true},
	{attempts: regexp.MustCompile(`^api: the other's with own token$`), answer: "http 401", dropped: true},
	{attempts: regexp.MustCompile(`^operator: read its metrics as nobody$`), answer: "http 401", dropped: true},
	{attempts: regexp.MustCompile(`^operator: read its metrics$`), answer: "http 403", dropped: true},
}

// dropped is said of an attempt that nobody answered.
const dropped = "no answer"

// mustNotReach goes for what is the other's.
func (i intruder) mustNotReach(t *testing.T, other intruder) {
	t.Helper()
	enforced := policiesEnforced(t)
	tried := make([]int, len(refusals))
	for _, a := range i.attempts(t, other.known) {
		n := 0
		for n < len(refusals) && !refusals[n].attempts.MatchString(a.Name) {
			n++
		}
		if n == len(refusals) {
			t.Errorf("%s: %s; nobody says by what it should be refused", a.Name, a.Answer)
			continue
		}
		tried[n]++
		want := refusals[n]
		answer := want.answer
		if enforced && (want.dropped || want.mayDrop && a.Answer == dropped) {
			answer = dropped
		}
		if a.Answer != answer {
			t.Errorf("%s: %s, want %s", a.Name, a.Answer, answer)
		}
	}
	for n, want := range refusals {
		if tried[n] == 0 {
			t.Errorf("nothing was tried of %s", want.attempts)
		}
	}
}

// policiesEnforced reports whether the cluster does what network policies say. The node image that kind publishes has kindnet, which does;
// the one that is built where that cannot be pulled does not: there only what holds without them is tested.
func policiesEnforced(t *testing.T) bool {
	t.Helper()
	return kubectl(t, "-n", "kube-system", "get", "daemonset", "kindnet", "--ignore-not-found", "-o", "name") != ""
}
