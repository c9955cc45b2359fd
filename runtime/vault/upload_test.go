package vault_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

func TestMain(m *testing.M) {
	runtimetest.Child()
	os.Exit(m.Run())
}

var anonymous = document.Anonymous

func TestUploadComesOutAsItWentIn(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	// Below, at and above the sizes where the way of storing changes: 1 MiB, and parts of 8 MiB.
	for _, size := range []int{1, 4096, 1<<20 - 1, 1 << 20, 1<<20 + 1, 8 << 20, 8<<20 + 1, 40 << 20} {
		content := letters(size)
		d := upload(t, app.Vault, "notes.txt", content)
		sum := sha256.Sum256(content)
		if d.Size != int64(size) || d.SHA256 != hex.EncodeToString(sum[:]) {
			t.Fatalf("size %d: stored as %d bytes, sha256 %s", size, d.Size, d.SHA256)
		}
		if got := download(t, app.Vault, d.ID); !bytes.Equal(got, content) {
			t.Fatalf("size %d: other bytes came out", size)
		}
	}
}

func TestKeysSayNothingOfTheFile(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	d := upload(t, app.Vault, "payslip.HTML", []byte("salary"))
	parts := strings.Split(strings.TrimSuffix(d.ObjectKey, ".txt"), "/")
	if len(parts) != 3 || parts[0] != (document.ID{}).String() || parts[1] != d.ID.String() {
		t.Fatalf("object key %q", d.ObjectKey)
	}
	if _, err := document.ParseID(parts[2]); err != nil {
		t.Fatalf("object key %q", d.ObjectKey)
	}
}

func TestSameBytesAreOneDocument(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	first := upload(t, app.Vault, "a.txt", []byte("the same"))
	again, duplicate := commit(t, app.Vault, "b.txt", []byte("the same"))
	if !duplicate || again.ID != first.ID || again.OriginalName != "a.txt" {
		t.Fatalf("duplicate %t, %+v", duplicate, again)
	}
	if err := app.Delete(t.Context(), anonymous, first.ID, false); err != nil {
		t.Fatal(err)
	}
	if back, duplicate := commit(t, app.Vault, "c.txt", []byte("the same")); !duplicate || back.ID != first.ID {
		t.Fatalf("not taken out of the trash: duplicate %t, %+v", duplicate, back)
	}
	if _, err := app.Get(t.Context(), anonymous, first.ID); err != nil {
		t.Fatal(err)
	}
	if objects, _ := app.Bucket.Keys(t); len(objects) != 1 {
		t.Fatalf("objects: %v", objects)
	}
}

func TestFiftyEqualUploadsAtOnce(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	content := letters(100_000)
	ids := make([]document.ID, 50)
	var all sync.WaitGroup
	for i := range ids {
		all.Go(func() {
			d, _ := commit(t, app.Vault, "same.txt", content)
			ids[i] = d.ID
		})
	}
	all.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("two documents: %s and %s", id, ids[0])
		}
	}
	page, err := app.List(t.Context(), anonymous, vault.ListQuery{})
	if err != nil || page.Total != 1 || len(page.Documents) != 1 {
		t.Fatalf("%v, %+v", err, page)
	}
	if objects, _ := app.Bucket.Keys(t); len(objects) != 1 {
		t.Fatalf("objects: %v", objects)
	}
}

func TestRefusedUploadsLeaveNothing(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	app.Rules.MaxUploadBytes = 10 << 20
	v := app.Another(t)
	for name, c := range map[string]struct {
		body io.Reader
		want error
	}{
		"empty":             {strings.NewReader(""), document.ErrEmpty},
		"unsupported":       {strings.NewReader("\x7fELF\x02\x01\x01\x00" + strings.Repeat("\x00\xff", 100)), document.ErrUnsupportedType},
		"too large":         {bytes.NewReader(letters(10<<20 + 1)), document.ErrTooLarge},
		"cut off at once":   {iotest.ErrReader(io.ErrUnexpectedEOF), document.ErrCutOff},
		"cut off early":     {cutOff(letters(1000)), document.ErrCutOff},
		"cut off in a part": {cutOff(letters(9 << 20)), document.ErrCutOff},
		"cut off between":   {cutOff(letters(8 << 20)), document.ErrCutOff},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := v.Stage(t.Context(), anonymous, "x.txt", c.body); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
	nothingIsLeft(t, app)
}

// TestUploaderDies leaves an upload as a killed process does, in each of its states; the sweeper finds it by its row.
func TestUploaderDies(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	if _, err := app.Stage(t.Context(), anonymous, "whole.txt", strings.NewReader("stored, never committed")); err != nil {
		t.Fatal(err)
	}
	// The store goes away under the upload: neither its end nor its clearing away gets through.
	proxy := runtimetest.NewProxy(t, app.Bucket.Config.Endpoint)
	behind := app.Bucket
	behind.Config.Endpoint = proxy.Addr
	healthy := app.Blobs
	app.Blobs = behind.Open(t)
	body := io.MultiReader(bytes.NewReader(letters(20<<20)), funcReader(func([]byte) (int, error) {
		proxy.Refuse()
		return 0, io.EOF
	}))
	if _, err := app.Another(t).Stage(t.Context(), anonymous, "parts.txt", body); !errors.Is(err, document.ErrUnavailable) {
		t.Fatalf("got %v, want %v", err, document.ErrUnavailable)
	}
	if objects, uploads := app.Bucket.Keys(t); len(objects) != 1 || len(uploads) != 1 {
		t.Fatalf("the test is to leave an object and an upload behind, not %v and %v", objects, uploads)
	}
	app.Blobs = healthy
	nothingIsLeft(t, app)
}

func TestCommitComesTooLate(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	s, err := app.Stage(t.Context(), anonymous, "late.txt", strings.NewReader("late"))
	if err != nil {
		t.Fatal(err)
	}
	nothingIsLeft(t, app)
	if _, _, err := app.Commit(t.Context(), anonymous, s, true); !errors.Is(err, document.ErrUnavailable) {
		t.Fatalf("got %v, want %v", err, document.ErrUnavailable)
	}
	nothingIsLeft(t, app)
}

// TestObjectThatCannotBeDeleted stops no other: the store refuses a key without a name.
func TestObjectThatCannotBeDeleted(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	exec(t, app, "INSERT INTO objects (id, key, document_id, state) VALUES (gen_random_uuid(), '', gen_random_uuid(), 'dying')")
	if _, err := app.Stage(t.Context(), anonymous, "a.txt", strings.NewReader("given up")); err != nil {
		t.Fatal(err)
	}
	exec(t, app, "UPDATE objects SET state = 'dying'")
	if err := app.SweepStorage(t.Context()); err == nil {
		t.Error("swept without a word of the object that stays")
	}
	if objects, _ := app.Bucket.Keys(t); len(objects) != 0 {
		t.Fatalf("objects: %v", objects)
	}
}

func TestUploadWithoutRedis(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	app.Redis.Kill(t)
	d := upload(t, app.Vault, "a.txt", []byte("stored all the same"))
	if d.Status != document.StatusPending {
		t.Fatalf("status %s", d.Status)
	}
	app.Redis.Start(t)
	runtimetest.Wait(t, 10*time.Second, "the sweeper to hand it out", func() bool {
		sweep(t, app.Vault)
		return app.Redis.Client.LLen(t.Context(), "asynq:{documents}:pending").Val() == 1
	})
}

func TestDownloadURL(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	name := "Rechnung \"März\"; a\\b.txt"
	d := upload(t, app.Vault, name, []byte("signed"))
	link, expires, err := app.DownloadURL(t.Context(), anonymous, d.ID, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(expires); left < 59*time.Minute || left > time.Hour {
		t.Fatalf("expires in %s", left)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, link, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil || string(content) != "signed" {
		t.Fatalf("%d %q %v", answer.StatusCode, content, err)
	}
	if got := answer.Header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment; filename*=utf-8''Rechnung%20") {
		t.Fatalf("Content-Disposition %q", got)
	}
	for _, expires := range []time.Duration{0, 1441 * time.Minute} {
		var invalid *document.InvalidError
		if _, _, err := app.DownloadURL(t.Context(), anonymous, d.ID, expires); !errors.As(err, &invalid) {
			t.Errorf("%s: %v", expires, err)
		}
	}
}

// nothingIsLeft sweeps until there is no document, no object, no upload and no row of one.
func nothingIsLeft(t *testing.T, app *runtimetest.App) {
	t.Helper()
	runtimetest.Wait(t, 15*time.Second, "everything to be gone", func() bool {
		sweep(t, app.Another(t))
		objects, uploads := app.Bucket.Keys(t)
		return len(objects)+len(uploads) == 0 && rows(t, app, "SELECT count(*) FROM objects") == 0
	})
	if n := rows(t, app, "SELECT count(*) FROM documents"); n != 0 {
		t.Fatalf("%d documents", n)
	}
}

func upload(t *testing.T, v *vault.Vault, name string, content []byte) document.Document {
	t.Helper()
	d, duplicate := commit(t, v, name, content)
	if duplicate {
		t.Errorf("%s is a duplicate of %s", name, d.ID)
	}
	return d
}

func commit(t *testing.T, v *vault.Vault, name string, content []byte) (document.Document, bool) {
	t.Helper()
	s, err := v.Stage(t.Context(), anonymous, name, bytes.NewReader(content))
	if err != nil {
		t.Error(err)
		return document.Document{}, false
	}
	d, duplicate, err := v.Commit(t.Context(), anonymous, s, true)
	if err != nil {
		t.Error(err)
	}
	return d, duplicate
}

func download(t *testing.T, v *vault.Vault, id document.ID) []byte {
	t.Helper()
	content, err := v.Open(t.Context(), anonymous, id)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	got, err := io.ReadAll(content)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func sweep(t *testing.T, v *vault.Vault) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if err := errors.Join(v.SweepWork(ctx), v.SweepStorage(ctx)); err != nil {
		t.Fatal(err)
	}
}

// letters is text of a size, different at each call.
func letters(size int) []byte {
	random := make([]byte, size)
	_, _ = rand.Read(random)
	for i, b := range random {
		random[i] = 'a' + b%26
	}
	return random
}

func cutOff(content []byte) io.Reader {
	return io.MultiReader(bytes.NewReader(content), iotest.ErrReader(io.ErrUnexpectedEOF))
}

type funcReader func([]byte) (int, error)

func (f funcReader) Read(p []byte) (int, error) { return f(p) }
