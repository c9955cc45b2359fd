//go:build e2e

package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// The credentials of a vault, wherever they are kept, stand in no log, event or status, in no process's arguments, and in no environment
// but of the programs that need them. Neither do the admins'.
func TestNoCredentialIsShown(t *testing.T) {
	t.Parallel()
	processes := watchProcesses(t)
	v := newVault(t, "{}")
	vault := v.connect(t)
	settled(t, vault, upload(t, vault, "note.txt", []byte("a note to make some logs")).ID)
	ran := processes()
	system, platform := "docvault-system", "docvault-platform"
	shown := map[string]string{
		"operator's log":           kubectl(t, "-n", system, "logs", "-l", "app.kubernetes.io/name=docvault-operator", "--tail=-1"),
		"api's log":                kubectl(t, "-n", v.namespace, "logs", v.pod(t, "api")),
		"worker's log":             kubectl(t, "-n", v.namespace, "logs", v.pod(t, "worker")),
		"redis's log":              kubectl(t, "-n", v.namespace, "logs", v.pod(t, "redis")),
		"migration's log":          kubectl(t, "-n", v.namespace, "logs", "-l", "app.kubernetes.io/component=migrate", "--tail=-1"),
		"Postgres's log":           kubectl(t, "-n", platform, "logs", "postgres-0"),
		"object store's log":       kubectl(t, "-n", platform, "logs", "minio-0"),
		"events":                   kubectl(t, "-n", v.namespace, "get", "events", "-o", "yaml") + kubectl(t, "-n", system, "get", "events", "-o", "yaml"),
		"status":                   kubectl(t, "-n", v.namespace, "get", "docvault", v.name, "-o", "yaml"),
		"class":                    kubectl(t, "get", "docvaultclasses", "-o", "yaml"),
		"configuration":            kubectl(t, "-n", v.namespace, "get", "configmaps,pods,deployments,statefulsets,jobs", "-o", "yaml"),
		"operator's configuration": kubectl(t, "-n", system, "get", "configmaps,pods,deployments,leases", "-o", "yaml"),
	}
	for _, log := range []string{"operator's log", "api's log", "migration's log", "Postgres's log"} {
		if shown[log] == "" {
			t.Errorf("the %s is empty: this test proves nothing", log)
		}
	}
	credentials := v.credentials(t)
	for name, secret := range credentials {
		for place, text := range shown {
			if strings.Contains(text, secret) {
				t.Errorf("the %s shows %s", place, name)
			}
		}
		for _, p := range ran {
			if strings.Contains(p.arguments, secret) {
				t.Errorf("a process of %.20q shows %s in its arguments", p.arguments, name)
			}
		}
	}
	v.mustKeepEnvironments(t, ran, credentials)
}

// given names the Secret that is the environment of a component's program; no other process is given one.
var given = map[string]string{"api": "runtime", "worker": "runtime", "migrate": "migrate"}

// mustKeepEnvironments makes sure that each of the vault's programs was given its own Secret, and no process more than that: not the
// children that read documents, not Redis, nor anything else on the node.
func (v vault) mustKeepEnvironments(t *testing.T, ran []sighting, credentials map[string]string) {
	t.Helper()
	components := v.components(t)
	bucket := v.field(t, ".status.bucket.name") // the ledger has its name
	seen := map[string]bool{}
	for _, p := range ran {
		component := components[p.pod]
		seen[strings.TrimSpace(component+" "+strings.Fields(p.arguments)[0])] = true
		may := map[string]bool{} // by value: the ledger holds the same ones
		if secret := given[component]; secret != "" && p.arguments == "docvault "+component {
			for name, value := range credentials {
				if strings.HasPrefix(name, v.name+"-"+secret+"/") {
					may[value] = true
					if !strings.Contains(p.environment, value) {
						t.Errorf("%s was not given %s: its environment is not seen", p.arguments, name)
					}
				}
			}
		}
		for name, value := range credentials {
			ofVault := strings.HasPrefix(name, v.name+"-") || strings.HasPrefix(name, bucket+"/")
			if (ofVault || component != "") && !may[value] && strings.Contains(p.environment, value) {
				t.Errorf("%.40q of %q has %s in its environment", p.arguments, component, name)
			}
		}
	}
	for _, program := range []string{"api docvault", "worker docvault", "migrate docvault", "redis redis-server"} {
		if !seen[program] {
			t.Errorf("no process of %q was seen: this test proves nothing", program)
		}
	}
}

// components returns the component of each of the vault's pods, by UID.
func (v vault) components(t *testing.T) map[string]string {
	t.Helper()
	components := map[string]string{}
	pods := kubectl(t, "-n", v.namespace, "get", "pods", "-o",
		`go-template={{range .items}}{{.metadata.uid}} {{index .metadata.labels "app.kubernetes.io/component"}}{{"\n"}}{{end}}`)
	for line := range strings.Lines(pods) {
		uid, component, _ := strings.Cut(strings.TrimSpace(line), " ")
		components[uid] = component
	}
	return components
}

// sighting is of a program that the node ran, in a pod, by UID, or in none.
type sighting struct{ pod, arguments, environment string }

// lookAtProcesses prints each process that comes, and each that becomes another program, until its input ends. It starts no program
// itself, so that it can look ten times a second.
const lookAtProcesses = `declare -A known
while read -r -t 0.1 _; [ $? -gt 128 ]; do
  for process in /proc/[0-9]*; do
    arguments=() environment=() again=() cgroup= pod=
    mapfile -d '' -t arguments <"$process/cmdline"
    [ "${arguments[*]}" != "${known[$process]-}" ] || continue
    read -r -d '' cgroup <"$process/cgroup"
    mapfile -d '' -t environment <"$process/environ"
    mapfile -d '' -t again <"$process/cmdline"
    [ "${arguments[*]}" = "${again[*]}" ] || continue
    known[$process]=${arguments[*]}
    [[ $cgroup =~ pod([0-9a-f]{8}([-_][0-9a-f]{4}){3}[-_][0-9a-f]{12}) ]] && pod=${BASH_REMATCH[1]//_/-}
    arguments=("${arguments[@]//[$'\t\n']/ }") environment=("${environment[@]//[$'\t\n']/ }")
    printf '%s\t%s\t%s\n' "$pod" "${arguments[*]}" "${environment[*]}"
  done 2>/dev/null
done
exit 0`

// watchProcesses looks at the processes of the node until the returned function is called, which returns those that were seen.
func watchProcesses(t *testing.T) (seen func() []sighting) {
	t.Helper()
	watch := exec.CommandContext(t.Context(), "docker", "exec", "-i", environment(t, "DOCVAULT_NODE"), "bash", "-c", lookAtProcesses)
	var output, complaint bytes.Buffer
	watch.Stdout, watch.Stderr = &output, &complaint
	input, err := watch.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := watch.Start(); err != nil {
		t.Fatal(err)
	}
	return func() []sighting {
		t.Helper()
		_ = input.Close()
		if err := watch.Wait(); err != nil {
			t.Fatalf("look at the node's processes: %v: %s", err, complaint.String())
		}
		var all []sighting
		for line := range strings.Lines(output.String()) {
			fields := strings.SplitN(strings.TrimRight(line, "\n"), "\t", 3)
			if len(fields) == 3 && strings.TrimSpace(fields[1]) != "" {
				all = append(all, sighting{fields[0], strings.TrimSpace(fields[1]), fields[2]})
			}
		}
		return all
	}
}

// A URL's password, or a value that is one word: long enough not to be met by chance.
var password = regexp.MustCompile(`^[a-z+]+://[^:/@]*:([^@]+)@`)

// credentials collects what must stay secret from the vault's own Secrets, the ledgers and the admins' Secrets, by Secret and key.
func (v vault) credentials(t *testing.T) map[string]string {
	t.Helper()
	secrets := map[string]string{}
	for _, namespace := range []string{v.namespace, "docvault-system"} {
		var list struct {
			Items []struct {
				Metadata struct{ Name string }
				Data     map[string]string
			}
		}
		if err := json.Unmarshal([]byte(kubectl(t, "-n", namespace, "get", "secrets", "-o", "json")), &list); err != nil {
			t.Fatal(err)
		}
		for _, item := range list.Items {
			for key, encoded := range item.Data {
				value, err := base64.StdEncoding.DecodeString(encoded)
				if err != nil {
					t.Fatal(err)
				}
				if secret := secretPart(key, string(value)); secret != "" {
					secrets[item.Metadata.Name+"/"+key] = secret
				}
			}
		}
	}
	if len(secrets) < 5 {
		t.Fatalf("found only %d credentials: this test proves nothing", len(secrets))
	}
	return secrets
}

var secretKey = regexp.MustCompile(`(?i)(password|secret|token|url|_key)`)

func secretPart(key, value string) string {
	if match := password.FindStringSubmatch(value); match != nil {
		return match[1]
	}
	if secretKey.MatchString(key) && len(value) >= 16 && !strings.ContainsAny(value, " :\n") {
		return value
	}
	return ""
}
