package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/test/client"
)

func TestPostgresRestarted(t *testing.T) {
	t.Parallel()
	postgres := runtimetest.NewPostgres(t)
	i := newInstallation(t)
	i.database = postgres.NewMigrated(t)
	i = i.with(config.DatabaseURL, i.database.App)
	api, worker := i.start(t, "api", "api", "metrics"), i.start(t, "worker", "metrics")
	clients := newTraffic(api)
	clients.during(t, func() {
		clients.storeMore(t, 20)
		postgres.Stop(t)
		clients.areTurnedAway(t, 20)
		postgres.Start(t)
		clients.storeMore(t, 20)
	})
	clients.nothingLost(t, i)
	noneLeaked(t, api, worker)
}

func TestStoreAway(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	proxy := runtimetest.NewProxy(t, i.bucket.Config.Endpoint)
	i = i.with(config.MinioEndpoint, proxy.Addr)
	api, worker := i.start(t, "api", "api", "metrics"), i.start(t, "worker", "metrics")
	clients := newTraffic(api)
	clients.during(t, func() {
		clients.storeMore(t, 20)
		proxy.Refuse()
		clients.areTurnedAway(t, 20)
		for id := range clients.copy() {
			request(t, api, "/api/documents/"+id+"/content", http.StatusServiceUnavailable)
			request(t, api, "/api/documents/"+id, http.StatusOK)
			break
		}
		proxy.Resume()
		clients.storeMore(t, 20)
	})
	clients.nothingLost(t, i)
	noneLeaked(t, api, worker)
}

// TestRedisAway: uploads do not need Redis. What is handed out meanwhile the sweeper hands out again.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	api, worker := i.start(t, "api", "api", "metrics"), i.start(t, "worker", "metrics")
	clients := newTraffic(api)
	clients.during(t, func() {
		clients.storeMore(t, 20)
		i.redis.Kill(t)
		clients.storeMore(t, 20)
		i.redis.Start(t) // with nothing in it
		clients.storeMore(t, 20)
	})
	if clients.turned > 0 {
		t.Errorf("%d uploads were turned away", clients.turned)
	}
	clients.nothingLost(t, i)
	noneLeaked(t, api, worker)
}

// TestProgramsKilled kills API and worker in the middle of it, again and again.
func TestProgramsKilled(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	var mutex sync.Mutex
	api, worker := i.start(t, "api", "api", "metrics"), i.start(t, "worker", "metrics")
	clients := newTraffic(api)
	clients.hangUps = true
	clients.address = func() string {
		mutex.Lock()
		defer mutex.Unlock()
		return api.addresses["api"]
	}
	clients.during(t, func() {
		for range 3 {
			clients.storeMore(t, 20)
			for _, p := range []*process{api, worker} {
				if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				_ = p.cmd.Wait()
			}
			another := i.start(t, "api", "api", "metrics")
			worker = i.start(t, "worker", "metrics")
			mutex.Lock()
			api = another
			mutex.Unlock()
		}
		clients.storeMore(t, 20)
	})
	clients.nothingLost(t, i)
	noneLeaked(t, api, worker)
}

// TestTwoHundredUploadsAtOnce share ten connections.
func TestTwoHundredUploadsAtOnce(t *testing.T) {
	t.Parallel()
	const uploads, pool = 200, 10
	i := newInstallation(t)
	i = i.with(config.DatabaseURL, i.database.App+"&pool_max_conns="+fmt.Sprint(pool))
	api := i.start(t, "api", "api", "metrics")
	clients := newTraffic(api)
	var all sync.WaitGroup
	for n := range uploads {
		all.Go(func() { clients.upload(t, fmt.Sprintf("one of two hundred: %d", n)) })
	}
	ended := make(chan struct{})
	go func() {
		all.Wait()
		close(ended)
	}()
	most := 0
	for waiting := true; waiting; {
		select {
		case <-ended:
			waiting = false
		case <-time.After(20 * time.Millisecond):
			most = max(most, connections(t, i))
		}
	}
	t.Logf("%d stored, %d turned away, at most %d connections", len(clients.stored), clients.turned, most)
	if most > pool {
		t.Errorf("%d connections, the pool has %d", most, pool)
	}
	if len(clients.stored)+clients.turned != uploads {
		t.Errorf("%d stored and %d turned away of %d", len(clients.stored), clients.turned, uploads)
	}
	worker := i.start(t, "worker", "metrics")
	clients.nothingLost(t, i)
	if n := rows(t, i, "SELECT count(*) FROM documents"); n != len(clients.stored) {
		t.Errorf("%d documents of %d that were stored", n, len(clients.stored))
	}
	noneLeaked(t, api, worker)
}

// TestSlowClientsHoldNothing has more clients send slowly than there are connections to the database: others do not wait for them.
func TestSlowClientsHoldNothing(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i = i.with(config.DatabaseURL, i.database.App+"&pool_max_conns=4")
	api := i.start(t, "api", "api", "metrics")
	for range 40 {
		slow := beginUpload(t, api, 1<<20)
		t.Cleanup(func() { _ = slow.Close() })
	}
	runtimetest.Wait(t, 30*time.Second, "all of them to be taken up", func() bool {
		return rows(t, i, "SELECT count(*) FROM objects WHERE state = 'writing'") == 40
	})
	uploadSome(t, api, 10)
	noneLeaked(t, api)
}

// TestServersThatHangAreAway has the content of a document asked for while its servers take connections and say nothing.
func TestServersThatHangAreAway(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	database, postgres := proxied(t, i.environment[config.DatabaseURL])
	store := runtimetest.NewProxy(t, i.environment[config.MinioEndpoint])
	api := i.with(config.DatabaseURL, database).with(config.MinioEndpoint, store.Addr).start(t, "api", "api", "metrics")
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	document, err := vault.Upload(t.Context(), "a.txt", []byte("a text"))
	if err != nil {
		t.Fatal(err)
	}
	for name, proxy := range map[string]*runtimetest.Proxy{"Postgres": postgres, "the store": store} {
		proxy.Hold()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		_, err := vault.Content(ctx, document.ID)
		cancel()
		if !client.HasStatus(err, http.StatusServiceUnavailable) {
			t.Errorf("while %s hangs: %v, want 503", name, err)
		}
		proxy.Resume()
		runtimetest.Wait(t, time.Minute, "the content to come again", func() bool {
			_, err := vault.Content(t.Context(), document.ID)
			return err == nil
		})
	}
	noneLeaked(t, api)
}

// TestStoreIsFull fills the disk of the object store.
func TestStoreIsFull(t *testing.T) {
	t.Parallel()
	const disk = 96 << 20
	i := newInstallation(t)
	i.bucket = runtimetest.NewSmallMinIO(t, disk)
	for name, value := range map[string]string{
		config.MinioEndpoint: i.bucket.Config.Endpoint, config.MinioBucket: i.bucket.Config.Bucket,
		config.MinioAccessKey: i.bucket.Config.AccessKey, config.MinioSecretKey: i.bucket.Config.SecretKey,
	} {
		i = i.with(name, value)
	}
	api, worker := i.start(t, "api", "api", "metrics"), i.start(t, "worker", "metrics")
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	// To the last: MinIO gives the room of what is deleted back at once only when there is hardly any left, else within minutes.
	large := fill(t, vault, 12<<20)
	stored := append(fill(t, vault, 1<<19), large...)
	t.Logf("%d files fit, %d of them large", len(stored), len(large))
	if most := disk / (12 << 20); len(large) < 2 || len(large) > most {
		t.Fatalf("%d files of 12 MiB on a disk of %d MiB", len(large), disk>>20)
	}
	allReady(t, i, api, stored) // they can still be read
	for _, id := range large {
		if err := vault.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	runtimetest.Wait(t, time.Minute, "there to be room again", func() bool {
		_, err := vault.Upload(t.Context(), "large.txt", letters(12<<20-1))
		return err == nil
	})
	runtimetest.Wait(t, time.Minute, "bucket and rows to agree", func() bool {
		return len(runtimetest.Inconsistencies(t, i.database, i.bucket)) == 0
	})
	noneLeaked(t, api, worker)
}

// fill uploads files of about a size until there is no room, which is said by 503.
func fill(t *testing.T, vault *client.Client, size int64) (stored []string) {
	t.Helper()
	for {
		d, err := vault.Upload(t.Context(), "filling.txt", letters(size+int64(len(stored))))
		if client.HasStatus(err, http.StatusServiceUnavailable) {
			return stored
		}
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, d.ID)
	}
}

// TestWorkerDiskIsFull gives a worker a /tmp that is too small for a document. It goes on with others, and leaves that one for later.
func TestWorkerDiskIsFull(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	api := i.start(t, "api", "api", "metrics")
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	large, err := vault.Upload(t.Context(), "large.txt", letters(4<<20))
	if err != nil {
		t.Fatal(err)
	}
	small := t.TempDir()
	cramped := i.with("TMPDIR", small).startAs(t, runtimetest.OnSmallDisk(t, small, 1<<20, program, "worker"), "metrics")
	ready(t, vault, uploadSome(t, api, 1)[0])
	runtimetest.Wait(t, 30*time.Second, "the worker to find that it has no room", func() bool {
		return strings.Contains(cramped.log.String(), "no space left")
	})
	if d, err := vault.Get(t.Context(), large.ID); err != nil || d.Status == "failed" || d.Status == "ready" {
		t.Fatalf("%s, %v", d.Status, err)
	}
	if exit := cramped.stop(t); exit != 0 {
		t.Errorf("ended with %d at SIGTERM", exit)
	}
	worker := i.start(t, "worker", "metrics")
	allReady(t, i, api, []string{large.ID})
	noneLeaked(t, worker)
}

// letters is text of a size, the same for the same size.
func letters(size int64) []byte {
	text := make([]byte, size)
	_, _ = endless{}.Read(text)
	return text
}

// request checks the status of an answer, and that who is turned away is told when to come again.
func request(t *testing.T, p *process, path string, status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.addresses["api"]+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testToken)
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != status || (status == http.StatusServiceUnavailable) != (answer.Header.Get("Retry-After") != "") {
		t.Errorf("%s: %d, Retry-After %q; want %d", path, answer.StatusCode, answer.Header.Get("Retry-After"), status)
	}
}

// beginUpload sends the start of an upload of a size, and the client then takes its time.
func beginUpload(t *testing.T, api *process, size int) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", api.addresses["api"])
	if err != nil {
		t.Fatal(err)
	}
	head := "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"slow.txt\"\r\n\r\n"
	_, err = fmt.Fprintf(conn, "POST /api/documents/upload HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n"+
		"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n%s%s", testToken,
		len(head)+size+len(uploadEnd), head, letters(startBytes))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

const (
	// startBytes are more than it takes to tell a type.
	startBytes = 64 << 10
	uploadEnd  = "\r\n--b--\r\n"
)
