package importer_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/importer"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

func TestMain(m *testing.M) {
	runtimetest.Child()
	m.Run()
}

var anonymous = document.Anonymous

// folder is a data folder of the Python product.
type folder struct {
	t   *testing.T
	dir string
}

func newFolder(t *testing.T) folder {
	t.Helper()
	return folder{t, t.TempDir()}
}

func (f folder) write(name, content string) folder {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		f.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return f
}

func (f folder) link(to, name string) {
	f.t.Helper()
	if err := os.Symlink(to, filepath.Join(f.dir, name)); err != nil {
		f.t.Fatal(err)
	}
}

// result is a report as programs read it.
type result struct {
	Entries []importer.Entry
	Summary importer.Summary
	text    string
}

func (r result) of(t *testing.T, item string) importer.Entry {
	t.Helper()
	for _, e := range r.Entries {
		if e.Item == item && e.Kind != importer.KindTopic {
			return e
		}
	}
	t.Fatalf("the report does not speak of %s:\n%s", item, r.text)
	return importer.Entry{}
}

func (r result) count(kind importer.Kind, outcome importer.Outcome) int {
	return r.Summary.Counts[kind][outcome]
}

// run imports a folder, and returns the report.
func run(t *testing.T, app *runtimetest.App, f folder) result {
	t.Helper()
	var text, whole bytes.Buffer
	report := importer.NewReport(&text, &whole)
	i := importer.Importer{Vault: app.Vault, Actor: anonymous, Log: app.Log.Logger(), Report: report, Patience: time.Minute}
	if err := i.Run(t.Context(), f.dir); err != nil {
		t.Fatal(err)
	}
	if _, err := report.Close(true); err != nil {
		t.Fatal(err)
	}
	r := result{text: text.String()}
	if err := json.Unmarshal(whole.Bytes(), &r); err != nil {
		t.Fatalf("%v\n%s", err, whole.String())
	}
	return r
}

func get(t *testing.T, app *runtimetest.App, id string) document.Document {
	t.Helper()
	parsed, err := document.ParseID(id)
	if err != nil {
		t.Fatal(err)
	}
	d, err := app.Get(t.Context(), anonymous, parsed)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

const (
	idA = "6f9619ff-8b86-4011-b42d-00cf4fc964aa"
	idB = "6f9619ff-8b86-4011-b42d-00cf4fc964bb"
	idT = "6f9619ff-8b86-4011-b42d-00cf4fc96477"
)

// TestTakenOver follows one document of each shape into the vault.
func TestTakenOver(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	f := newFolder(t).
		write("topics.json", `{"topics": [{"id": "`+idT+`", "name": "Invoices", "description": "bills", "color": "#FF0000", "icon": "x"}, "Letters"]}`).
		write("uploads/stored-a.txt", "the text of A").
		write("metadata/"+idA+".json", `{"id": "`+idA+`", "original_name": "../Rechnung März.txt", "stored_name": "stored-a.txt",
			"content_type": "application/pdf", "size": 13, "topics": ["invoices", {"name": "New one"}], "user_id": null,
			"created_at": "2023-05-06T07:08:09.123456", "extracted_text": "old", "mood": "good", "classification": {"topic": "Letters"}}`).
		write("uploads/"+idB+".txt", "the text of B").
		write("metadata/b.json", `{"id": "`+strings.ReplaceAll(idB, "-", "")+`", "filename": "b.txt", "path": "/app/data/uploads/`+idB+`.txt",
			"topic_ids": ["`+idT+`", "6f9619ff-8b86-4011-b42d-00cf4fc96400"], "uploaded_at": "2023-05-06 07:08:09+02:00", "size": 99}`).
		write("uploads/nested/c.txt", "the text of C").
		write("metadata/42.json", `{"id": 42, "filename": "c.txt", "file_path": "data\\uploads\\nested\\c.txt", "upload_date": "yesterday"}`)

	r := run(t, app, f)
	if r.Summary.Failed() > 0 || r.count(importer.KindDocument, importer.Imported) != 3 || !r.Summary.Complete {
		t.Fatalf("%+v\n%s", r.Summary, r.text)
	}
	a := get(t, app, idA)
	if a.OriginalName != "Rechnung März.txt" || !slices.Equal(a.Topics, []string{"Invoices", "New one"}) || a.MIMEType != "text/plain" ||
		!a.CreatedAt.Equal(time.Date(2023, 5, 6, 7, 8, 9, 123456000, time.UTC)) || a.Classification.Status != document.ClassificationNone {
		t.Errorf("%+v", a)
	}
	b := get(t, app, idB)
	if !slices.Equal(b.Topics, []string{"Invoices"}) || !b.CreatedAt.Equal(time.Date(2023, 5, 6, 5, 8, 9, 0, time.UTC)) {
		t.Errorf("%+v", b)
	}
	if e := r.of(t, "metadata/b.json"); len(e.Notes) != 2 { // an unknown topic, another size
		t.Errorf("%+v", e)
	}
	c := get(t, app, r.of(t, "metadata/42.json").ID)
	if len(c.Topics) > 0 || c.Classification.Status != document.ClassificationPending || time.Since(c.CreatedAt) > time.Hour {
		t.Errorf("%+v", c)
	}
	if r.Summary.UnknownFields["mood"].Times != 1 || r.Summary.UnknownFields["topic.icon"].Times != 1 || len(r.Summary.UnknownFields) != 2 {
		t.Errorf("%+v", r.Summary.UnknownFields)
	}
	topics, err := app.Topics(t.Context(), anonymous)
	if err != nil || len(topics) != 3 || topics[0].ID.String() != idT || topics[0].Color != "#ff0000" || topics[0].DocCount != 2 {
		t.Errorf("%+v, %v", topics, err)
	}
	if outcome, err := app.Extract(t.Context(), a.ID, 1); err != nil || outcome != vault.Done {
		t.Errorf("reading it ended %s, %v", outcome, err)
	}
}

// TestFilesAreFoundByTheirIDs, whether these are UUIDs or not.
func TestFilesAreFoundByTheirIDs(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	f := newFolder(t)
	for id, file := range map[string]string{"10": "10.txt", "11": "11", "abc": "abc_named.txt", "x-1": "x-1/named.txt"} {
		f.write("uploads/"+file, "the text of "+id).write("metadata/"+id+".json", `{"id": "`+id+`", "original_name": "named.txt"}`)
	}
	if r := run(t, app, f); r.Summary.Failed() > 0 || r.count(importer.KindDocument, importer.Imported) != 4 {
		t.Fatalf("%+v\n%s", r.Summary, r.text)
	}
}

// TestAgain imports a second time: nothing is new, and what users did meanwhile stays.
func TestAgain(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	f := newFolder(t).write("topics.json", `["Invoices"]`)
	for n := range 20 {
		f.write(fmt.Sprintf("uploads/%d.txt", n), fmt.Sprintf("the text number %d", n)).
			write(fmt.Sprintf("metadata/%d.json", n), fmt.Sprintf(`{"filename": "%d.txt", "topics": ["Invoices"]}`, n))
	}
	f.write("uploads/copy.txt", "the text number 7").write("metadata/copy.json", `{"filename": "copy.txt", "topics": ["Other"]}`)
	first := run(t, app, f)
	if first.count(importer.KindDocument, importer.Imported) != 20 || first.count(importer.KindDocument, importer.AlreadyThere) != 1 {
		t.Fatalf("%+v\n%s", first.Summary, first.text)
	}
	trashed, err := document.ParseID(first.of(t, "metadata/3.json").ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Delete(t.Context(), anonymous, trashed, false); err != nil {
		t.Fatal(err)
	}
	objects, _ := app.Bucket.Keys(t)

	second := run(t, app, f)
	if second.count(importer.KindDocument, importer.AlreadyThere) != 21 || second.count(importer.KindTopic, importer.AlreadyThere) != 1 {
		t.Fatalf("%+v\n%s", second.Summary, second.text)
	}
	if again, _ := app.Bucket.Keys(t); !slices.Equal(again, objects) {
		t.Errorf("the bucket had %d objects and has %d", len(objects), len(again))
	}
	if _, err := app.Get(t.Context(), anonymous, trashed); !errors.Is(err, document.ErrNotFound) {
		t.Errorf("a document came out of the trash: %v", err)
	}
}

// TestAdopted takes objects over that the bucket has already: under their keys, without a copy.
func TestAdopted(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	key := "00000000-0000-0000-0000-000000000000/" + idA + "/old name.txt"
	if err := app.Blobs.Put(t.Context(), key, "text/plain", strings.NewReader("an object of before")); err != nil {
		t.Fatal(err)
	}
	if err := app.Blobs.Put(t.Context(), "bad", "text/plain", strings.NewReader("\x00\x01\x02")); err != nil {
		t.Fatal(err)
	}
	f := newFolder(t).
		write("metadata/a.json", `{"id": "`+idA+`", "original_name": "a.txt", "object_key": "`+key+`"}`).
		write("metadata/bad.json", `{"original_name": "bad.bin", "object_key": "bad"}`).
		write("metadata/gone.json", `{"original_name": "gone.txt", "object_key": "is/not/there"}`)
	r := run(t, app, f)
	if d := get(t, app, idA); d.ObjectKey != key || r.Summary.Failed() != 2 {
		t.Fatalf("%+v\n%s", d, r.text)
	}
	if e := r.of(t, "metadata/bad.json"); e.Code != "unsupported_type" {
		t.Errorf("%+v", e)
	}
	if again := run(t, app, f); again.of(t, "metadata/a.json").Outcome != importer.AlreadyThere {
		t.Errorf("%s", again.text)
	}
	if err := app.SweepStorage(t.Context()); err != nil {
		t.Fatal(err)
	}
	if objects, _ := app.Bucket.Keys(t); !slices.Equal(objects, []string{key, "bad"}) && !slices.Equal(objects, []string{"bad", key}) {
		t.Errorf("the bucket has %v", objects)
	}
}

// TestHostileFolder names what lies outside, and much that is broken: each fails alone.
func TestHostileFolder(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	secret := filepath.Join(t.TempDir(), "secret.txt")
	if err := os.WriteFile(secret, []byte("not for the vault"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := newFolder(t).
		write("uploads/good.txt", "good").write("metadata/good.json", `{"filename": "good.txt"}`).
		write("uploads/empty.txt", "").write("metadata/empty.json", `{"filename": "empty.txt"}`).
		write("uploads/zip.bin", "\x00\x01").write("metadata/unsupported.json", `{"filename": "zip.bin"}`).
		write("settings.json", `{"provider": "openai", "openai_api_key": "sk-very-secret", "shape": {"x": "sk-also-secret"}}`).
		write("metadata/climbing.json", `{"filename": "x.txt", "path": "../../etc/passwd"}`).
		write("metadata/climbing2.json", `{"filename": "x.txt", "path": "uploads/../../etc/passwd", "object_key": "../x"}`).
		write("metadata/inside.json", `{"filename": "x.txt", "path": "../settings.json"}`).
		write("metadata/absolute.json", `{"filename": "x.txt", "path": "`+secret+`"}`).
		write("metadata/linked.json", `{"filename": "linked.txt"}`).
		write("metadata/missing.json", `{"filename": "missing.txt"}`).
		write("metadata/folder.json", `{"filename": "x", "stored_name": "sub"}`).write("uploads/sub/orphan.txt", "an orphan").
		write("metadata/broken.json", `{"filename": `).
		write("metadata/list.json", `[]`).
		write("metadata/nothing.json", `null`).
		write("metadata/strange.json", `{"filename": ["x"], "topics": {"a": [1, {"b": true}], "`+strings.Repeat("n", 200)+`": 1}, "created_at": {}, "id": true}`).
		write("metadata/notes.md", "")
	f.link(secret, "uploads/linked.txt")
	f.link(secret, "metadata/outside.json")

	r := run(t, app, f)
	for item, code := range map[string]string{
		"empty": "empty_file", "unsupported": "unsupported_type", "climbing": "outside", "climbing2": "outside", "inside": "outside",
		"absolute": "file_missing", "linked": "unreadable", "missing": "file_missing", "folder": "file_missing", "broken": "malformed",
		"list": "malformed", "nothing": "malformed", "outside": "malformed", "strange": "file_missing",
	} {
		if e := r.of(t, "metadata/"+item+".json"); e.Outcome != importer.Failed || e.Code != code {
			t.Errorf("%s: %+v, want %s", item, e, code)
		}
	}
	if e := r.of(t, "uploads/sub/orphan.txt"); e.Outcome != importer.Skipped {
		t.Errorf("%+v", e)
	}
	if r.count(importer.KindDocument, importer.Imported) != 1 || r.count(importer.KindDocument, importer.Failed) != 14 {
		t.Errorf("%+v", r.Summary.Counts)
	}
	if r.count(importer.KindFile, importer.Skipped) != 3 || r.count(importer.KindSetting, importer.Imported) != 2 {
		t.Errorf("%+v\n%s", r.Summary.Counts, r.text)
	}
	whole, err := json.Marshal(r)
	if err != nil || strings.Contains(string(whole)+r.text+app.Log.String(), "secret\"") || strings.Contains(r.text, "sk-") {
		t.Errorf("a key is shown: %s\n%s", whole, r.text)
	}
}

func TestNoFolder(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	elsewhere := newFolder(t)
	elsewhere.link("/etc", "uploads")
	for _, dir := range []string{filepath.Join(t.TempDir(), "none"), t.TempDir(), elsewhere.dir} {
		i := importer.Importer{Vault: app.Vault, Log: app.Log.Logger(), Report: importer.NewReport(nil, nil), Patience: time.Minute}
		if err := i.Run(t.Context(), dir); !errors.Is(err, importer.ErrFolder) {
			t.Errorf("%s: %v", dir, err)
		}
	}
}

// TestVaultAway: what comes back goes on, what stays away ends the run instead of failing every document.
func TestVaultAway(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	proxy := runtimetest.NewProxy(t, app.Bucket.Config.Endpoint)
	c := app.Bucket
	c.Config.Endpoint = proxy.Addr
	app.Blobs = c.Open(t)
	app.Vault = app.Another(t)
	f := newFolder(t)
	for n := range 10 {
		f.write(fmt.Sprintf("uploads/%d.txt", n), fmt.Sprintf("the text number %d", n)).
			write(fmt.Sprintf("metadata/%d.json", n), fmt.Sprintf(`{"filename": "%d.txt"}`, n))
	}
	proxy.Refuse()
	report := importer.NewReport(nil, nil)
	i := importer.Importer{Vault: app.Vault, Actor: anonymous, Log: app.Log.Logger(), Report: report, Patience: time.Second}
	if err := i.Run(t.Context(), f.dir); !errors.Is(err, document.ErrUnavailable) {
		t.Fatalf("%v", err)
	}
	if summary, err := report.Close(false); err != nil || summary.Failed() > 0 {
		t.Fatalf("%+v, %v", summary, err)
	}
	go func() {
		runtimetest.Wait(t, 30*time.Second, "the run to notice", func() bool { return strings.Contains(app.Log.String(), "trying again") })
		proxy.Resume()
	}()
	if r := run(t, app, f); r.count(importer.KindDocument, importer.Imported) != 10 {
		t.Fatalf("%+v", r.Summary)
	}
}

// TestObjectOfAnother names the object of a document that the vault has: it is not taken away, and a file goes in beside it.
func TestObjectOfAnother(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	first := upload(t, app, "first.txt", "the first")
	// What was removed for good still has its row for a while.
	if err := app.Delete(t.Context(), anonymous, first.ID, true); err != nil {
		t.Fatal(err)
	}
	if err := app.Blobs.Put(t.Context(), first.ObjectKey, "text/plain", strings.NewReader("written again")); err != nil {
		t.Fatal(err)
	}
	f := newFolder(t).
		write("metadata/a.json", `{"filename": "a.txt", "object_key": "`+first.ObjectKey+`"}`).
		write("metadata/b.json", `{"original_name": "b.txt", "stored_name": "b.txt", "object_key": "`+first.ObjectKey+`"}`).
		write("uploads/b.txt", "the text of B")
	r := run(t, app, f)
	if e := r.of(t, "metadata/a.json"); e.Code != "conflict" {
		t.Errorf("%+v", e)
	}
	if b := get(t, app, r.of(t, "metadata/b.json").ID); b.ObjectKey == first.ObjectKey || b.Size != 13 {
		t.Errorf("%+v", b)
	}
}

// TestSettings are taken over once, keys sealed; what users change afterwards stays.
func TestSettings(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	f := newFolder(t).write("settings.json", `{
		"active_provider": "claude", "system_prompt": "File\u0000 well.", "theme": "dark", "anthropic_api_key": "sk-ant-of-the-folder",
		"providers": {
			"openai": {"model": "gpt-9", "api_key": "sk-of-the-folder", "base_url": "ftp://models.example.com"},
			"lm_studio": {"url": "http://10.0.0.7:1234/v1", "model": null}
		}}`)
	r := run(t, app, f)
	s, err := app.Settings(t.Context(), anonymous)
	if err != nil {
		t.Fatal(err)
	}
	p := s.Providers
	if s.ActiveProvider != "anthropic" || s.SystemPrompt != "File well." || !p.Anthropic.APIKeySet || p.OpenAI.Model != "gpt-9" ||
		p.LMStudio.BaseURL != "http://10.0.0.7:1234/v1" {
		t.Errorf("%+v", s)
	}
	// The URL was refused: its key must not go to another.
	if p.OpenAI.APIKeySet || r.count(importer.KindSetting, importer.Failed) != 2 || r.count(importer.KindSetting, importer.Imported) != 5 {
		t.Errorf("%+v\n%s", p.OpenAI, r.text)
	}
	if r.Summary.UnknownFields["settings.theme"].Times != 1 || strings.Contains(r.text+app.Log.String(), "of-the-folder") {
		t.Errorf("%+v\n%s", r.Summary.UnknownFields, r.text)
	}
	var change vault.SettingsPatch
	if err := json.Unmarshal([]byte(`{"system_prompt": "File better."}`), &change); err != nil {
		t.Fatal(err)
	}
	if _, err := app.UpdateSettings(t.Context(), anonymous, change); err != nil {
		t.Fatal(err)
	}
	again := run(t, app, f)
	if s, err := app.Settings(t.Context(), anonymous); err != nil || s.SystemPrompt != "File better." ||
		again.count(importer.KindSetting, importer.Skipped) != 7 {
		t.Errorf("%+v, %v\n%s", s, err, again.text)
	}
}

// upload puts a document in as a user does.
func upload(t *testing.T, app *runtimetest.App, name, text string) document.Document {
	t.Helper()
	s, err := app.Stage(t.Context(), anonymous, name, strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	d, _, err := app.Commit(t.Context(), anonymous, s, false)
	if err != nil {
		t.Fatal(err)
	}
	return d
}
