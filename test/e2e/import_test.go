//go:build e2e

package e2e

import (
	"archive/tar"
	"bytes"
	"io"
	"os/exec"
	"slices"
	"testing"
)

// TestOldDataIsTakenOverInAWorker goes as docs/import.md says.
func TestOldDataIsTakenOverInAWorker(t *testing.T) {
	t.Parallel()
	const id, text = "6f9619ff-8b86-4011-b42d-00cf4fc964aa", "Minutes of the meeting about the garden"
	v := newVault(t, "{}")
	pod := kubectl(t, "-n", v.namespace, "get", "pod", "-o", "name",
		"-l", "app.kubernetes.io/instance="+v.name+",app.kubernetes.io/component=worker")
	in := func(stdin io.Reader, command ...string) {
		t.Helper()
		kubectl := exec.CommandContext(t.Context(), environment(t, "KUBECTL"),
			append([]string{"-n", v.namespace, "exec", "-i", pod, "--"}, command...)...)
		kubectl.Stdin = stdin
		said, err := run(kubectl)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(said)
	}
	in(archive(t, map[string]string{
		"topics.json":              `["Garden"]`,
		"metadata/" + id + ".json": `{"original_name": "minutes.txt", "topics": ["Garden"], "created_at": "2023-05-06T07:08:09"}`,
		"uploads/" + id + ".txt":   text,
	}), "sh", "-c", "mkdir /tmp/old && tar -x -C /tmp/old --no-same-owner")
	in(nil, "docvault", "import", "/tmp/old")
	in(nil, "rm", "-r", "/tmp/old")

	vault := v.connect(t)
	document := settled(t, vault, id)
	if document.Status != "ready" || document.ExtractedText != text || !slices.Equal(document.Topics, []string{"Garden"}) {
		t.Errorf("the document is %s, its text %q, its topics %q", document.Status, document.ExtractedText, document.Topics)
	}
	if documents, err := vault.List(t.Context(), nil); err != nil || len(documents) != 1 {
		t.Errorf("the vault lists %d documents (%v), want one", len(documents), err)
	}
}

// archive returns files as a tar archive.
func archive(t *testing.T, files map[string]string) io.Reader {
	t.Helper()
	archive := &bytes.Buffer{}
	w := tar.NewWriter(archive)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return archive
}
