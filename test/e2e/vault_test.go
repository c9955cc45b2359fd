//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/test/client"
)

var invoices = client.Topic{Name: "Invoices", Description: "Bills to pay: amounts, VAT, payment terms, due dates"}

func TestDocumentsGoInAndComeOut(t *testing.T) {
	t.Parallel()
	v := newVault(t, "{}")
	vault := v.connect(t)
	if err := vault.EnsureTopic(t.Context(), invoices); err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string]string{"invoice.pdf": "Invoice 2026-0417", "travel-notes.txt": "Lisbon to Porto"} {
		content, err := os.ReadFile("../documents/" + file)
		if err != nil {
			t.Fatal(err)
		}
		document := upload(t, vault, file, content)
		document = settled(t, vault, document.ID)
		if document.Status != "ready" || !strings.Contains(document.ExtractedText, text) {
			t.Errorf("%s is %s, its text %.80q; want ready, with %q", file, document.Status, document.ExtractedText, text)
		}
		back, err := vault.Content(t.Context(), document.ID)
		if err != nil || !bytes.Equal(back, content) {
			t.Errorf("%s came back changed (%d of %d bytes, %v)", file, len(back), len(content), err)
		}
		if again := upload(t, vault, file, content); again.ID != document.ID || !again.Duplicate {
			t.Errorf("%s sent again: id %s, duplicate %t; want %s, true", file, again.ID, again.Duplicate, document.ID)
		}
		if err := vault.Delete(t.Context(), document.ID); err != nil {
			t.Errorf("delete %s: %v", file, err)
		}
		if _, err := vault.Get(t.Context(), document.ID); !client.HasStatus(err, http.StatusNotFound) {
			t.Errorf("%s after deletion: %v, want 404", file, err)
		}
	}
}

func TestAccessNeedsTheToken(t *testing.T) {
	t.Parallel()
	v := newVault(t, "{}")
	stranger := v.connect(t)
	stranger.Token = "wrong"
	if _, err := stranger.List(t.Context(), nil); !client.HasStatus(err, http.StatusUnauthorized) {
		t.Errorf("with a wrong token: %v, want 401", err)
	}
}

func TestDeleteRemovesDatabaseAndBucket(t *testing.T) {
	t.Parallel()
	v := newVault(t, "{deletionPolicy: Delete}")
	vault := v.connect(t)
	settled(t, vault, upload(t, vault, "note.txt", []byte("a note that goes with its vault")).ID)
	database, bucket := v.field(t, ".status.database.name"), v.field(t, ".status.bucket.name")
	if !databaseExists(t, database) || !bucketExists(t, bucket) {
		t.Fatalf("database %s and bucket %s should be there before", database, bucket)
	}
	v.delete(t)
	if databaseExists(t, database) || bucketExists(t, bucket) {
		t.Errorf("database %s or bucket %s outlived the vault", database, bucket)
	}
	if left := kubectl(t, "-n", v.namespace, "get", "persistentvolumeclaims,secrets,configmaps",
		"-l", "app.kubernetes.io/instance="+v.name, "-o", "name"); left != "" {
		t.Errorf("outlived the vault: %s", left)
	}
	if roles := query(t, "SELECT count(*) FROM pg_roles WHERE starts_with(rolname, '"+database+"_')"); roles != "0" {
		t.Errorf("%s roles outlived the vault", roles)
	}
	if ledger := kubectl(t, "-n", "docvault-system", "get", "secret", bucket, "--ignore-not-found", "-o", "name"); ledger != "" {
		t.Errorf("%s outlived the vault", ledger)
	}
}

func TestRetainFindsItsDataAgain(t *testing.T) {
	t.Parallel()
	v := newVault(t, "{}")
	token := v.token(t)
	content := []byte("a note that outlives its vault")
	vault := v.connect(t)
	document := settled(t, vault, upload(t, vault, "note.txt", content).ID)
	database, bucket := v.field(t, ".status.database.name"), v.field(t, ".status.bucket.name")
	v.delete(t)
	if !databaseExists(t, database) || !bucketExists(t, bucket) {
		t.Fatalf("database %s or bucket %s did not outlive the vault", database, bucket)
	}
	v.apply(t, "{}")
	if v.token(t) != token {
		t.Error("the vault came back with another access token")
	}
	back, err := v.connect(t).Content(t.Context(), document.ID)
	if err != nil || !bytes.Equal(back, content) {
		t.Errorf("the document came back as %q (%v)", back, err)
	}
}

func TestKilledWorkerLosesNothing(t *testing.T) {
	t.Parallel()
	v := newVault(t, "{worker: {replicas: 0}}")
	vault := v.connect(t)
	ids := uploadNotes(t, vault)
	v.scaleWorkers(t, 1)
	worker := v.process(t, "worker", "docvault")
	waitProcessing(t, vault)
	worker.kill(t)
	someUnread(t, vault)
	allReady(t, vault, ids)
}

func TestEmptiedRedisLosesNothing(t *testing.T) {
	t.Parallel()
	v := newVault(t, "{worker: {replicas: 0}}")
	vault := v.connect(t)
	ids := uploadNotes(t, vault)
	kubectl(t, "-n", v.namespace, "exec", v.pod(t, "redis"), "--", "sh", "-c", "rm -rf /data/*")
	v.process(t, "redis", "redis-server").kill(t)
	someUnread(t, vault)
	v.scaleWorkers(t, 1)
	allReady(t, vault, ids)
}

func upload(t *testing.T, vault *client.Client, name string, content []byte) client.Document {
	t.Helper()
	document, err := vault.Upload(t.Context(), name, content)
	if err != nil {
		t.Fatalf("upload %s: %v", name, err)
	}
	return document
}

func settled(t *testing.T, vault *client.Client, id string) client.Document {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	document, err := vault.WaitSettled(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return document
}

// uploadNotes puts in what keeps a worker busy for some seconds.
func uploadNotes(t *testing.T, vault *client.Client) []string {
	t.Helper()
	ids := make([]string, 60)
	for i := range ids {
		text := strings.Repeat(fmt.Sprintf("Note %d, about the things that must not be lost. ", i), 10_000)
		ids[i] = upload(t, vault, fmt.Sprintf("note-%d.txt", i), []byte(text)).ID
	}
	return ids
}

func allReady(t *testing.T, vault *client.Client, ids []string) {
	t.Helper()
	for _, id := range ids {
		if document := settled(t, vault, id); document.Status != "ready" {
			t.Errorf("%s ended as %s (%+v)", document.OriginalName, document.Status, document.Error)
		}
	}
}

// someUnread makes sure that the fault came in time: with everything read before, the test would prove nothing.
func someUnread(t *testing.T, vault *client.Client) {
	t.Helper()
	if count(t, vault, "pending")+count(t, vault, "processing") == 0 {
		t.Fatal("every document had been read before the fault")
	}
}

func waitProcessing(t *testing.T, vault *client.Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for count(t, vault, "processing") == 0 {
		select {
		case <-ctx.Done():
			t.Fatal("the worker begins nothing within a minute")
		case <-tick.C:
		}
	}
}

func count(t *testing.T, vault *client.Client, status string) int {
	t.Helper()
	documents, err := vault.List(t.Context(), url.Values{"status": {status}})
	if err != nil {
		t.Fatal(err)
	}
	return len(documents)
}

func databaseExists(t *testing.T, name string) bool {
	t.Helper()
	return query(t, "SELECT count(*) FROM pg_database WHERE datname = '"+name+"'") == "1"
}

// query asks the platform's Postgres, as its administrator, for one value.
func query(t *testing.T, sql string) string {
	t.Helper()
	return kubectl(t, "-n", "docvault-platform", "exec", "postgres-0", "--", "psql", "-U", "postgres", "-Atc", sql)
}

// A bucket is a directory of the demo's one-drive server.
func bucketExists(t *testing.T, name string) bool {
	t.Helper()
	answer := kubectl(t, "-n", "docvault-platform", "exec", "minio-0", "--", "sh", "-c", "if [ -d /data/"+name+" ]; then echo yes; else echo no; fi")
	return answer == "yes"
}
