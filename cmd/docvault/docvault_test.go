package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/provision"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/test/client"
)

func TestWrongConfigurationIsSaidAtOnce(t *testing.T) {
	t.Parallel()
	none := installation{environment: map[string]string{
		config.SecretKey: "short", config.MaxUploadBytes: "1TB", config.MinioEndpoint: "http://minio:9000",
	}}
	for command, lines := range map[string]int{"api": 7, "worker": 7, "migrate": 1, "provision": 8, "import .": 7} {
		exit, out := none.run(t, strings.Fields(command)...)
		if exit != exitUsage || strings.Count(out, "\n") != lines || strings.Contains(out, "goroutine") || strings.Contains(out, "short") {
			t.Errorf("%s: exit code %d, want %d lines:\n%s", command, exit, lines, out)
		}
	}
	if exit, out := none.run(t, "sing"); exit != exitUsage || !strings.Contains(out, "usage") {
		t.Errorf("exit code %d:\n%s", exit, out)
	}
	for _, asked := range []string{"--help", "api --help", "migrate -h", "import --help"} {
		if exit, out := none.run(t, strings.Fields(asked)...); exit != 0 || !strings.HasPrefix(out, "usage: docvault") {
			t.Errorf("%s: exit code %d:\n%s", asked, exit, out)
		}
	}
	if exit, out := none.run(t, "version"); exit != 0 || !strings.Contains(out, "v0.0.0-test") {
		t.Errorf("exit code %d:\n%s", exit, out)
	}
}

// A worker without a language that it shall read would leave texts unread, in silence.
func TestWorkerWithoutALanguage(t *testing.T) {
	t.Parallel()
	i := installation{environment: map[string]string{
		config.DatabaseURL: "postgres://u:p@127.0.0.1:1/d", config.RedisURL: "redis://127.0.0.1:1/0", config.MinioEndpoint: "127.0.0.1:1",
		config.MinioAccessKey: "access", config.MinioSecretKey: "secretsecret", config.SecretKey: testSecretKey, config.OCRLanguages: "eng,tlh",
	}}
	exit, out := i.run(t, "worker")
	if exit != exitUsage || strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, config.OCRLanguages+` holds "tlh"`) {
		t.Errorf("exit code %d:\n%s", exit, out)
	}
	if exit, out := i.with("PATH", t.TempDir()).run(t, "worker"); exit != exitUsage || !strings.Contains(out, "tesseract-ocr") {
		t.Errorf("without tesseract: exit code %d:\n%s", exit, out)
	}
}

func TestMigrateWithoutServerIsAPassingFault(t *testing.T) {
	t.Parallel()
	i := installation{environment: map[string]string{config.DatabaseMigrateURL: "postgres://u:secretpassword@127.0.0.1:1/d"}}
	if exit, out := i.run(t, "migrate"); exit != exitFault || strings.Contains(out, "secretpassword") {
		t.Errorf("exit code %d:\n%s", exit, out)
	}
}

// TestMigrateWithAProgramThatIsTooOld is given up, and not tried again: exit code 2, and one line that says why.
func TestMigrateWithAProgramThatIsTooOld(t *testing.T) {
	t.Parallel()
	database := runtimetest.NewMigrated(t)
	i := installation{environment: map[string]string{config.DatabaseMigrateURL: database.Migrate}, database: database}
	rows(t, i, "WITH newer AS (UPDATE schema_state SET version = 99, oldest_supported = 99 RETURNING version) SELECT version FROM newer")
	exit, out := i.run(t, "migrate")
	if exit != exitUsage || strings.Count(out, "\n") != 1 || !strings.Contains(out, "run a newer one") {
		t.Errorf("exit code %d:\n%s", exit, out)
	}
}

// TestFromNothingToADocument is the way of docker compose: provision, migrate, api, worker.
func TestFromNothingToADocument(t *testing.T) {
	t.Parallel()
	i := unprovisioned(t)
	for _, command := range []string{"provision", "migrate", "provision", "migrate"} {
		if exit, out := i.run(t, command); exit != 0 {
			t.Fatalf("%s: exit code %d\n%s", command, exit, out)
		}
	}
	api, worker := i.start(t, "api", "api", "metrics"), i.start(t, "worker", "metrics")
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	if err := vault.EnsureTopic(t.Context(), client.Topic{Name: "Invoices", Description: "bills and payments, amounts due"}); err != nil {
		t.Fatal(err)
	}
	content := []byte("INVOICE No. 7. Amount due: 480.00 EUR. Please pay this bill by bank transfer.")
	d, err := vault.Upload(t.Context(), "invoice.txt", content)
	if err != nil {
		t.Fatal(err)
	}
	ready(t, vault, d.ID)
	if d, err = vault.Get(t.Context(), d.ID); err != nil || d.ExtractedText != string(content) || len(d.Topics) != 1 {
		t.Fatalf("%+v, %v", d, err)
	}
	if got, err := vault.Content(t.Context(), d.ID); err != nil || !bytes.Equal(got, content) {
		t.Fatalf("%q, %v", got, err)
	}
	for name, p := range map[string]*process{"api": api, "worker": worker} {
		metrics := fetch(t, "http://"+p.addresses["metrics"]+"/metrics")
		if !strings.Contains(metrics, `docvault_build_info{commit="unknown",version="v0.0.0-test"} 1`) {
			t.Errorf("metrics of %s:\n%.500s", name, metrics)
		}
		if exit := p.stop(t); exit != 0 {
			t.Errorf("%s ended with %d at SIGTERM", name, exit)
		}
		for _, secret := range i.secrets() {
			if strings.Contains(p.log.String(), secret) {
				t.Errorf("the log of %s holds the secret %s", name, secret)
			}
		}
	}
}

// TestUploadMemory sends 256 MiB and looks at the peak of the API's memory.
func TestUploadMemory(t *testing.T) {
	t.Parallel()
	const size, allowed = 256 << 20, 64 << 20
	i := newInstallation(t)
	api := i.start(t, "api", "api", "metrics")
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	if _, err := vault.Upload(t.Context(), "warm.txt", []byte("so that what is loaded once is loaded")); err != nil {
		t.Fatal(err)
	}
	before := peakMemory(t, api)
	if status := stream(t, vault, size); status != http.StatusOK {
		t.Fatalf("status %d", status)
	}
	grown := peakMemory(t, api) - before
	t.Logf("peak memory %d MiB, grown by %d MiB", (before+grown)>>20, grown>>20)
	if grown > allowed {
		t.Fatalf("peak memory grew by %d MiB", grown>>20)
	}
}

// TestConnectionCut breaks uploads off where it could be taken for their end: within a small file, within and after a part of a large
// one, and between the file and the closing boundary.
func TestConnectionCut(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	api := i.start(t, "api", "api", "metrics")
	for _, sent := range []int64{100, 1 << 20, 8 << 20, 20<<20 + 1} {
		for _, ending := range []string{"", "\r\n--b"} {
			cut(t, api, sent, ending)
		}
	}
	runtimetest.Wait(t, 30*time.Second, "all requests to end, and all objects to be gone", func() bool {
		objects, uploads := i.bucket.Keys(t)
		return len(objects)+len(uploads) == 0 && strings.Count(api.log.String(), `"status":499`) == 8
	})
	if n := rows(t, i, "SELECT count(*) FROM documents"); n != 0 {
		t.Fatalf("%d documents", n)
	}
	// All but those that did not even tell their type, with 100 bytes.
	if n := rows(t, i, "SELECT count(*) FROM objects WHERE state = 'dying'"); n != 6 {
		t.Fatalf("%d objects had a row before their first byte, not 6", n)
	}
}

// cut sends the start of an upload and hangs up.
func cut(t *testing.T, api *process, sent int64, ending string) {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", api.addresses["api"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"cut.txt\"\r\n\r\n"
	_, err = fmt.Fprintf(conn, "POST /api/documents/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n%s", testToken, int64(len(head))+sent+1000, head)
	if err == nil {
		_, err = io.Copy(conn, io.LimitReader(endless{}, sent))
	}
	if err == nil {
		_, err = io.WriteString(conn, ending)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestWorkerKilled kills a worker while it holds documents. Another ends what it began.
func TestWorkerKilled(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	api := i.start(t, "api", "api", "metrics")
	ids := uploadSome(t, api, 10)
	proxy := runtimetest.NewProxy(t, i.bucket.Config.Endpoint)
	proxy.Hold() // so that the worker is in the middle of it
	doomed := i.with(config.MinioEndpoint, proxy.Addr).start(t, "worker", "metrics")
	runtimetest.Wait(t, 30*time.Second, "the worker to work", func() bool {
		return rows(t, i, "SELECT count(*) FROM documents WHERE status = 'processing'") > 0
	})
	if err := doomed.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	i.start(t, "worker", "metrics")
	allReady(t, i, api, ids)
}

// TestWorkerStops stops a worker, as a rollout does, while it holds a document that does not end. It hands it back, uncounted.
func TestWorkerStops(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	api := i.start(t, "api", "api", "metrics")
	ids := uploadSome(t, api, 3)
	proxy := runtimetest.NewProxy(t, i.bucket.Config.Endpoint)
	proxy.Hold()
	leaving := i.with(config.MinioEndpoint, proxy.Addr).start(t, "worker", "metrics")
	runtimetest.Wait(t, 30*time.Second, "the worker to work", func() bool {
		return rows(t, i, "SELECT count(*) FROM documents WHERE status = 'processing'") > 0
	})
	began := time.Now()
	if exit := leaving.stop(t); exit != 0 {
		t.Errorf("ended with %d at SIGTERM", exit)
	}
	if took := time.Since(began); took > 28*time.Second {
		t.Errorf("took %s to stop", took)
	}
	if n := rows(t, i, "SELECT count(*) FROM documents WHERE status <> 'pending' OR attempts > 0"); n != 0 {
		t.Errorf("%d documents were not handed back", n)
	}
	if n := i.redis.Client.LLen(t.Context(), "asynq:{documents}:pending").Val(); n < int64(len(ids)) {
		t.Errorf("%d tasks wait, want %d: the sweeper will have to find the work", n, len(ids))
	}
	i.start(t, "worker", "metrics")
	allReady(t, i, api, ids)
}

func TestWorkerSweepsWithoutRedis(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.redis.Kill(t)
	rows(t, i, `WITH left_behind AS (
		INSERT INTO objects (id, key, document_id, heartbeat_at) VALUES (gen_random_uuid(), 'a/b/c', gen_random_uuid(), now() - interval '1 hour') RETURNING 1
	) SELECT count(*) FROM left_behind`)
	i.start(t, "worker", "metrics")
	runtimetest.Wait(t, 30*time.Second, "the object to be deleted", func() bool {
		return rows(t, i, "SELECT count(*) FROM objects WHERE deleted_at IS NOT NULL") == 1
	})
}

func TestRedisEmptied(t *testing.T) {
	t.Parallel()
	for name, empty := range map[string]func(*testing.T, *runtimetest.Redis){
		"flushed": func(t *testing.T, r *runtimetest.Redis) {
			t.Helper()
			if err := r.Client.FlushAll(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
		},
		"restarted": func(t *testing.T, r *runtimetest.Redis) {
			t.Helper()
			r.Kill(t)
			r.Start(t)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInstallation(t)
			api := i.start(t, "api", "api", "metrics")
			i.start(t, "worker", "metrics")
			allReady(t, i, api, uploadSome(t, api, 1)) // the worker knows its queue
			proxy := runtimetest.NewProxy(t, i.bucket.Config.Endpoint)
			proxy.Hold()
			i.with(config.MinioEndpoint, proxy.Addr).start(t, "worker", "metrics") // takes some, and hangs
			ids := uploadSome(t, api, 20)
			empty(t, i.redis)
			proxy.Resume()
			allReady(t, i, api, append(ids, uploadSome(t, api, 1)...))
		})
	}
}

// unprovisioned is an environment that names what provision is to make.
func unprovisioned(t *testing.T) installation {
	t.Helper()
	admin := runtimetest.Env(t, "TEST_POSTGRES_URL")
	bucket := runtimetest.NewUnmadeBucket(t)
	name := strings.ReplaceAll(bucket.Config.Bucket, "-", "_")
	host := admin[strings.Index(admin, "@")+1:]
	host, _, _ = strings.Cut(host, "/")
	i := installation{redis: runtimetest.NewRedis(t), bucket: bucket}
	i.environment = map[string]string{
		config.PostgresAdminURL:   admin,
		config.DatabaseURL:        "postgresql+psycopg://" + name + "_app:app-password@" + host + "/" + name + "?sslmode=disable",
		config.DatabaseMigrateURL: "postgresql+psycopg://" + name + "_migrate:migrate-password@" + host + "/" + name + "?sslmode=disable",
		config.RedisURL:           i.redis.URL,
		config.MinioEndpoint:      bucket.Config.Endpoint, config.MinioBucket: bucket.Config.Bucket,
		config.MinioRootUser: runtimetest.Env(t, "TEST_MINIO_ROOT_USER"), config.MinioRootPassword: runtimetest.Env(t, "TEST_MINIO_ROOT_PASSWORD"),
		config.MinioAccessKey: bucket.Config.AccessKey, config.MinioSecretKey: "secret-key-of-the-bucket",
		config.SecretKey: testSecretKey, config.APIToken: testToken,
		config.ListenAddr: "127.0.0.1:0", config.MetricsAddr: "127.0.0.1:0", config.LogLevel: "debug",
	}
	t.Cleanup(func() { i.unprovision(t) })
	return i
}

func (i installation) unprovision(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	defer cancel()
	c, err := config.LoadProvision(func(name string) string { return i.environment[name] })
	if err != nil {
		t.Fatal(err)
	}
	admin, database, err := databaseOf(c)
	if err != nil {
		t.Fatal(err)
	}
	server, err := provision.OpenPostgres(ctx, admin)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	if err := server.DropDatabase(ctx, database); err != nil {
		t.Errorf("drop the database: %v", err)
	}
	store, err := openObjectStore(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.RemoveBucket(ctx, bucketOf(c, database.Identity)); err != nil {
		t.Errorf("remove the bucket: %v", err)
	}
}

func uploadSome(t *testing.T, api *process, n int) []string {
	t.Helper()
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	ids := make([]string, n)
	for i := range ids {
		d, err := vault.Upload(t.Context(), fmt.Sprintf("%d.txt", i), []byte("a text of its own: "+rand.Text()))
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = d.ID
	}
	return ids
}

func allReady(t *testing.T, i installation, api *process, ids []string) {
	t.Helper()
	runtimetest.Wait(t, 90*time.Second, "every document to be ready", func() bool {
		return rows(t, i, "SELECT count(*) FROM documents WHERE status <> 'ready'") == 0
	})
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	for _, id := range ids {
		ready(t, vault, id)
	}
}

func ready(t *testing.T, vault *client.Client, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if d, err := vault.WaitSettled(ctx, id); err != nil || d.Status != "ready" {
		t.Fatalf("%+v, %v", d, err)
	}
}

func rows(t *testing.T, i installation, sql string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), i.database.Admin)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
	if err := conn.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// stream uploads text that never exists as a whole.
func stream(t testing.TB, vault *client.Client, size int64) (status int) {
	t.Helper()
	read, write := io.Pipe()
	form := multipart.NewWriter(write)
	go func() {
		part, err := form.CreateFormFile("file", "large.txt")
		if err == nil {
			_, err = io.Copy(part, io.LimitReader(endless{}, size))
		}
		if err == nil {
			err = form.Close()
		}
		_ = write.CloseWithError(err)
	}()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, vault.BaseURL+"/api/documents/upload", read)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Authorization", "Bearer "+vault.Token)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a' + byte(i%26)
	}
	return len(p), nil
}

var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

func peakMemory(t testing.TB, p *process) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	kilobytes, err := strconv.ParseInt(string(peak.FindSubmatch(status)[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	body, err := client.Fetch(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
