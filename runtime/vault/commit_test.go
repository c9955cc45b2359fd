package vault_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/url"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/runtime/vault"
)

func TestSenderGoesBeforeTheCommit(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	content := letters(1000)
	s, err := app.Stage(t.Context(), anonymous, "a.txt", bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	gone, hangUp := context.WithCancel(t.Context())
	hangUp()
	d, _, err := app.Commit(gone, anonymous, s, true)
	if err != nil {
		t.Fatal(err)
	}
	if got := download(t, app.Vault, d.ID); !bytes.Equal(got, content) {
		t.Fatal("other bytes came out")
	}
}

// TestAnswerToTheCommitIsLost breaks the connection while the database commits: the document is there, so its bytes must be.
func TestAnswerToTheCommitIsLost(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	v, proxy := behindProxy(t, app)
	content := letters(1000)
	s, err := v.Stage(t.Context(), anonymous, "a.txt", bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	past(t, app, func(ctx context.Context, conn *pgx.Conn) error {
		if _, err := conn.Exec(ctx, "BEGIN; LOCK TABLE counters IN SHARE MODE"); err != nil { // the last that a commit writes to
			return err
		}
		committed, discarded := make(chan error, 1), make(chan struct{})
		go func() {
			_, _, err := v.Commit(ctx, anonymous, s, true)
			committed <- err
		}()
		waiting := func(n int64) func() bool {
			sql := "SELECT count(*) FROM pg_stat_activity WHERE datname = $1 AND wait_event_type = 'Lock'"
			return func() bool { return rows(t, app, sql, app.Database.Name) == n }
		}
		runtimetest.Wait(t, 10*time.Second, "the commit to wait", waiting(1))
		proxy.Refuse() // for good: the driver, once it is let through, asks the server to stop
		if err := <-committed; !errors.Is(err, document.ErrUnavailable) {
			t.Errorf("got %v, want %v", err, document.ErrUnavailable)
		}
		go func() {
			app.Discard(ctx, s)
			close(discarded)
		}()
		runtimetest.Wait(t, 10*time.Second, "the clearing away to wait for the commit", waiting(2))
		_, err := conn.Exec(ctx, "COMMIT")
		<-discarded
		return err
	})
	d, duplicate := commit(t, app.Vault, "a.txt", content)
	if !duplicate {
		t.Fatal("the document is not there")
	}
	if got := download(t, app.Vault, d.ID); !bytes.Equal(got, content) {
		t.Fatal("other bytes came out")
	}
}

// TestUploadIsOvertaken has the sweeper give an upload up while its bytes still come.
func TestUploadIsOvertaken(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	taken := false
	body := io.MultiReader(bytes.NewReader(letters(9<<20)), funcReader(func(p []byte) (int, error) {
		if !taken {
			exec(t, app, "UPDATE objects SET state = 'dying'")
			taken = true
		}
		p[0] = 'a'
		return 1, nil
	}))
	if _, err := app.Stage(t.Context(), anonymous, "a.txt", body); !errors.Is(err, document.ErrUnavailable) {
		t.Fatalf("got %v, want %v", err, document.ErrUnavailable)
	}
	nothingIsLeft(t, app)
}

// TestWriteLandsBehindTheSweeper has an API stand still for so long that the row of its upload is forgotten before the bytes land.
func TestWriteLandsBehindTheSweeper(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	s, err := app.Stage(t.Context(), anonymous, "a.txt", bytes.NewReader([]byte("late")))
	if err != nil {
		t.Fatal(err)
	}
	exec(t, app, "DELETE FROM objects")
	if _, _, err := app.Commit(t.Context(), anonymous, s, true); !errors.Is(err, document.ErrUnavailable) {
		t.Fatalf("got %v, want %v", err, document.ErrUnavailable)
	}
	nothingIsLeft(t, app)
}

func TestGoneFileIsUploadedAgain(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	content := []byte("gone, and back again")
	d := upload(t, app.Vault, "a.txt", content)
	if err := app.Blobs.Delete(t.Context(), d.ObjectKey); err != nil {
		t.Fatal(err)
	}
	if outcome, err := app.Extract(t.Context(), d.ID, 1); outcome != vault.Failed || err != nil {
		t.Fatalf("ended as %s, %v", outcome, err)
	}
	again, duplicate := commit(t, app.Vault, "a.txt", content)
	if !duplicate || again.ID != d.ID || again.Status != document.StatusPending {
		t.Fatalf("duplicate %t, %+v", duplicate, again)
	}
	finish(t, app.Vault, app, d.ID)
	if got := download(t, app.Vault, d.ID); !bytes.Equal(got, content) {
		t.Fatal("other bytes came out")
	}
	runtimetest.Wait(t, 10*time.Second, "the old object's row to go", func() bool {
		sweep(t, app.Vault)
		return rows(t, app, "SELECT count(*) FROM objects") == 1
	})
	if err := app.Delete(t.Context(), anonymous, d.ID, true); err != nil {
		t.Fatal(err)
	}
	nothingIsLeft(t, app)
}

// behindProxy returns one more vault, whose connections to the database a test can break.
func behindProxy(t *testing.T, app *runtimetest.App) (*vault.Vault, *runtimetest.Proxy) {
	t.Helper()
	direct, err := url.Parse(app.Database.App)
	if err != nil {
		t.Fatal(err)
	}
	proxy := runtimetest.NewProxy(t, direct.Host)
	direct.Host = proxy.Addr
	healthy := app.Store
	app.Store = runtimetest.OpenStore(t, direct.String())
	defer func() { app.Store = healthy }()
	return app.Another(t), proxy
}
