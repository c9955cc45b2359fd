package importer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/importer"
	"github.com/docvault/docvault/runtime/runtimetest"
)

// TestSameBytes has many records of the same bytes: the oldest becomes the document, whatever came first by name or through chance, and
// what the others said is told in full.
func TestSameBytes(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	const groups = 40
	f := newFolder(t)
	for n := range groups {
		for copied, created := range map[string]string{
			"a-none": "", "b-newest": "2023-03-03T00:00:00.000002", "c-oldest": "2023-03-01", "d-newer": "2023-03-02", "e-none": "",
		} {
			name := fmt.Sprintf("%d-%s", n, copied)
			f.write("uploads/"+name+".txt", fmt.Sprintf("the text number %d", n)).
				write("metadata/"+name+".json", fmt.Sprintf(`{"filename": %q, "created_at": %q, "topics": [%q, "Shared"]}`,
					name+".txt", created, "T-"+copied))
		}
	}
	check := func(r result, imported int) {
		t.Helper()
		if r.count(importer.KindDocument, importer.Imported) != imported || r.Summary.Failed() > 0 {
			t.Fatalf("%+v\n%s", r.Summary, r.text)
		}
		for n := range groups {
			winner := r.of(t, fmt.Sprintf("metadata/%d-c-oldest.json", n))
			d := get(t, app, winner.ID)
			if d.OriginalName != fmt.Sprintf("%d-c-oldest.txt", n) || !slices.Equal(d.Topics, []string{"Shared", "T-c-oldest"}) ||
				!d.CreatedAt.Equal(time.Date(2023, 3, 1, 0, 0, 0, 0, time.UTC)) || len(winner.Notes) > 0 {
				t.Fatalf("%+v, %+v", d, winner)
			}
			for copied, created := range map[string]string{
				"a-none": "", "b-newest": "its time 2023-03-03T00:00:00.000002Z, ", "d-newer": "its time 2023-03-02T00:00:00Z, ",
			} {
				e := r.of(t, fmt.Sprintf("metadata/%d-%s.json", n, copied))
				wanted := []string{
					fmt.Sprintf("metadata/%d-c-oldest.json comes first and has the same bytes: both are document %s", n, winner.ID),
					fmt.Sprintf(`not taken over: its name "%d-%s.txt", %sits topic "T-%s"`, n, copied, created, copied),
				}
				if e.Outcome != importer.AlreadyThere || e.ID != winner.ID || !slices.Equal(e.Notes, wanted) {
					t.Fatalf("%+v, want %q", e, wanted)
				}
			}
		}
	}
	check(run(t, app, f), groups)
	check(run(t, app, f), 0)
}

// TestSameBytesWithoutTimes goes by the names of the metadata files.
func TestSameBytesWithoutTimes(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	f := newFolder(t)
	const groups = 40
	for n := range groups {
		f.write(fmt.Sprintf("uploads/%d.txt", n), fmt.Sprintf("the text number %d", n))
		for _, copied := range []string{"z", "a", "m"} {
			f.write(fmt.Sprintf("metadata/%d-%s.json", n, copied), fmt.Sprintf(`{"original_name": %q, "stored_name": "%d.txt"}`, copied, n))
		}
	}
	r := run(t, app, f)
	for n := range groups {
		if d := get(t, app, r.of(t, fmt.Sprintf("metadata/%d-m.json", n)).ID); d.OriginalName != "a" {
			t.Fatalf("%d: %+v", n, d)
		}
	}
}

// TestSameID has two documents of one id: the older keeps it. Names of topics are spelled as the older document does, too.
func TestSameID(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	f := newFolder(t)
	const pairs = 40
	id := func(n int) string { return fmt.Sprintf("6f9619ff-8b86-4011-b42d-%012d", n) }
	for n := range pairs {
		for copied, spelling := range map[string]string{"a-newer": "topic", "b-older": "TOPIC"} {
			name := fmt.Sprintf("%d-%s", n, copied)
			year := map[string]int{"a-newer": 2023, "b-older": 2022}[copied]
			f.write("uploads/"+name+".txt", "the text of "+name).
				write("metadata/"+name+".json", fmt.Sprintf(`{"id": %q, "original_name": %q, "stored_name": "%s.txt", "date": "%d-01-01", "topics": ["%s%d"]}`,
					id(n), copied, name, year, spelling, n))
		}
	}
	r := run(t, app, f)
	for n := range pairs {
		d := get(t, app, id(n))
		e := r.of(t, fmt.Sprintf("metadata/%d-a-newer.json", n))
		other := get(t, app, e.ID)
		topic := fmt.Sprintf("TOPIC%d", n)
		if d.OriginalName != "b-older" || d.Topics[0] != topic || other.OriginalName != "a-newer" || other.Topics[0] != topic {
			t.Fatalf("%d: %+v, %+v", n, d, other)
		}
		if len(e.Notes) != 1 || !strings.HasPrefix(e.Notes[0], "another document has the id "+id(n)) {
			t.Fatalf("%+v", e)
		}
	}
}

// TestSameObject has two records that name one object of the bucket, and a third with the same bytes in a file.
func TestSameObject(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	if err := app.Blobs.Put(t.Context(), "one/object", "text/plain", strings.NewReader("the text")); err != nil {
		t.Fatal(err)
	}
	f := newFolder(t).
		write("uploads/file.txt", "the text").
		write("metadata/file.json", `{"filename": "file.txt", "date": "2023-01-03"}`).
		write("metadata/newer.json", `{"original_name": "newer.txt", "object_key": "one/object", "date": "2023-01-02"}`).
		write("metadata/older.json", `{"original_name": "older.txt", "object_key": "one/object", "date": "2023-01-01"}`)
	for _, imported := range []int{1, 0} {
		r := run(t, app, f)
		if r.count(importer.KindDocument, importer.Imported) != imported || r.Summary.Failed() > 0 {
			t.Fatalf("%+v\n%s", r.Summary, r.text)
		}
		older := r.of(t, "metadata/older.json")
		if d := get(t, app, older.ID); d.OriginalName != "older.txt" || d.ObjectKey != "one/object" || len(older.Notes) > 0 {
			t.Errorf("%+v, %+v", d, older)
		}
		for _, name := range []string{"file", "newer"} {
			if e := r.of(t, "metadata/"+name+".json"); e.ID != older.ID || len(e.Notes) != 2 ||
				!strings.HasPrefix(e.Notes[1], `not taken over: its name "`+name+`.txt", its time 2023-01-0`) {
				t.Errorf("%+v", e)
			}
		}
	}
}

// TestThereBefore: what users uploaded stays as it is, what the folder says besides is told, and so is that a document is in the trash.
func TestThereBefore(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	mine := upload(t, app, "mine.txt", "the text of A")
	f := newFolder(t).
		write("uploads/a.txt", "the text of A").
		write("metadata/a.json", `{"id": "`+idA+`", "original_name": "theirs.txt", "stored_name": "a.txt", "topics": ["Theirs"]}`).
		write("uploads/b.txt", "the text of B").
		write("metadata/b.json", `{"id": "`+idB+`", "original_name": "b.txt"}`)
	r := run(t, app, f)
	a := r.of(t, "metadata/a.json")
	if d := get(t, app, mine.ID.String()); d.OriginalName != "mine.txt" || len(d.Topics) > 0 {
		t.Errorf("%+v", d)
	}
	if a.ID != mine.ID.String() || !slices.Equal(a.Notes, []string{
		"the vault had the same bytes before, as document " + mine.ID.String(),
		"not taken over: its id " + idA + `, its name "theirs.txt", its topic "Theirs"`,
	}) {
		t.Errorf("%+v", a)
	}
	b, err := document.ParseID(idB)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Delete(t.Context(), anonymous, b, false); err != nil {
		t.Fatal(err)
	}
	if e := run(t, app, f).of(t, "metadata/b.json"); e.Outcome != importer.AlreadyThere ||
		!slices.Equal(e.Notes, []string{"the document is in the trash"}) {
		t.Errorf("%+v", e)
	}
}
