package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/importer"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/test/client"
)

// pythonData writes a data folder with n documents under one topic.
func pythonData(t testing.TB, n int) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, folder := range []string{"uploads", "metadata"} {
		if err := os.Mkdir(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	write(t, dir, "topics.json", `[{"name": "Letters"}]`)
	for i := range n {
		id := fmt.Sprintf("6f9619ff-8b86-4011-b42d-%012d", i)
		write(t, dir, "uploads/"+id+".txt", fmt.Sprintf("letter number %d", i))
		write(t, dir, "metadata/"+id+".json", fmt.Sprintf(`{"id": %q, "filename": "letter %d.txt", "topics": ["Letters"]}`, id, i))
	}
	return dir
}

func write(t testing.TB, dir, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestImportKilled kills an import in the middle. Another makes it whole, and a third finds nothing to do.
func TestImportKilled(t *testing.T) {
	t.Parallel()
	const documents = 600
	i := newInstallation(t)
	dir := pythonData(t, documents)
	p := i.startWith(t, []string{"import", dir})
	runtimetest.Wait(t, time.Minute, "the import to be in the middle", func() bool {
		return rows(t, i, "SELECT count(*) FROM documents") > documents/10
	})
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()
	before := rows(t, i, "SELECT count(*) FROM documents")
	if before == documents {
		t.Fatal("it was over too soon")
	}
	file := filepath.Join(t.TempDir(), "report.json")
	for _, wanted := range []int{documents - before, 0} {
		if exit, out := i.run(t, "import", "--report", file, dir); exit != 0 {
			t.Fatalf("exit code %d\n%s", exit, out)
		}
		counts := readReport(t, file).Counts[importer.KindDocument]
		if counts[importer.Imported] != wanted || counts[importer.AlreadyThere] != documents-wanted {
			t.Errorf("%v, want %d imported", counts, wanted)
		}
	}
	if n := rows(t, i, "SELECT count(*) FROM document_topics WHERE by_hand"); n != documents {
		t.Errorf("%d documents are filed", n)
	}
	i.start(t, "worker", "metrics")
	runtimetest.Wait(t, 2*time.Minute, "every document to be read, and what the dead import left to be gone", func() bool {
		objects, uploads := i.bucket.Keys(t)
		return len(objects) == documents && len(uploads) == 0 && rows(t, i, "SELECT count(*) FROM documents WHERE status = 'ready'") == documents
	})
}

func readReport(t *testing.T, file string) importer.Summary {
	t.Helper()
	var report struct{ Summary importer.Summary }
	content, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(content, &report)
	}
	if err != nil {
		t.Fatal(err)
	}
	return report.Summary
}

func TestImportSaysHowItEnded(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	dir := pythonData(t, 2)
	write(t, dir, "metadata/lost.json", `{"filename": "lost.txt"}`)
	write(t, dir, "settings.json", `{"provider": "openai", "providers": {"openai": {"api_key": "sk-that-nobody-may-see"}}}`)
	for _, c := range []struct {
		about     string
		arguments []string
		exit      int
		says      string
	}{
		{"no folder named", []string{"import"}, exitUsage, "usage: docvault import"},
		{"two folders", []string{"import", dir, dir}, exitUsage, "usage: docvault import"},
		{"an unknown option", []string{"import", "--fast", dir}, exitUsage, "usage: docvault import"},
		{"a folder that is not there", []string{"import", dir + "/none"}, exitUsage, "not a data folder"},
		{"a report where none can be", []string{"import", "--report", "/proc/none/report", dir}, exitUsage, "--report"},
		{"one document failed", []string{"import", dir}, exitFault, "metadata/lost.json its file is not in uploads"},
		{"as JSON", []string{"import", "--report", "-", dir}, exitFault, `"code":"file_missing"`},
	} {
		exit, out := i.run(t, c.arguments...)
		if exit != c.exit || !strings.Contains(out, c.says) || strings.Contains(out, "sk-that") || strings.Contains(out, "goroutine") {
			t.Errorf("%s: exit code %d\n%s", c.about, exit, out)
		}
	}
	if err := os.Remove(filepath.Join(dir, "metadata", "lost.json")); err != nil {
		t.Fatal(err)
	}
	if exit, out := i.run(t, "import", dir); exit != 0 || !strings.Contains(out, "0 imported, 2 already there, 0 failed") {
		t.Errorf("exit code %d\n%s", exit, out)
	}
	api := i.start(t, "api", "api", "metrics")
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	if d, err := vault.Get(t.Context(), "6f9619ff-8b86-4011-b42d-000000000001"); err != nil || d.OriginalName != "letter 1.txt" {
		t.Errorf("%+v, %v", d, err)
	}
}
