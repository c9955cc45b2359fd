package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/minio/minio-go/v7"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/test/client"
)

const (
	clients    = 8 // at once
	smallBytes = 4 << 10
	largeBytes = 1 << 30
	turns      = 5 // the two sides take turns, so that what else the machine does meets both
	turnLasts  = 3 * time.Second
)

// BenchmarkSmallUploads counts uploads of 4 KiB a second by 8 clients, beside a bare loop that does what an upload cannot do without:
// PUT, INSERT, enqueue. Of the API it tells the memory before and the most since.
func BenchmarkSmallUploads(b *testing.B) {
	i := newInstallation(b)
	api := i.quiet().start(b, "api", "api", "metrics")
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	idle := peakMemory(b, api)
	bare := newBareLoop(b, i)
	upload := func(ctx context.Context) error {
		_, err := vault.Upload(ctx, "small.txt", smallText())
		return err
	}
	for b.Loop() {
		var uploads, puts float64
		var took []time.Duration
		perSecond(b, upload)
		for range turns {
			each, times := perSecond(b, upload)
			uploads += each / turns
			took = append(took, times...)
			each, _ = perSecond(b, bare.once)
			puts += each / turns
		}
		b.ReportMetric(uploads, "uploads/s")
		b.ReportMetric(puts, "bare/s")
		b.ReportMetric(uploads/puts, "ratio")
		b.ReportMetric(milliseconds(quantile(took, 0.5)), "p50-ms")
		b.ReportMetric(milliseconds(quantile(took, 0.99)), "p99-ms")
		b.ReportMetric(float64(idle)/(1<<20), "idleMiB")
		b.ReportMetric(float64(peakMemory(b, api))/(1<<20), "peakMiB")
	}
}

// perSecond does one thing over and over by all clients for a turn, and tells how long each took.
func perSecond(b *testing.B, once func(context.Context) error) (float64, []time.Duration) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), turnLasts)
	defer cancel()
	var mu sync.Mutex
	var took []time.Duration
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for ctx.Err() == nil {
				began := time.Now()
				if err := once(b.Context()); err != nil {
					b.Error(err)
					return
				}
				mu.Lock()
				took = append(took, time.Since(began))
				mu.Unlock()
			}
		})
	}
	began := time.Now()
	all.Wait()
	return float64(len(took)) / time.Since(began).Seconds(), took
}

func quantile(took []time.Duration, part float64) time.Duration {
	slices.Sort(took)
	return took[int(float64(len(took))*part)]
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// bareLoop is an upload without everything that makes it one.
type bareLoop struct {
	bucket string
	store  minio.Core
	pool   *pgxpool.Pool
	queue  *asynq.Client
}

func newBareLoop(b *testing.B, i installation) *bareLoop {
	b.Helper()
	pool, err := pgxpool.New(b.Context(), i.database.Admin)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(pool.Close)
	if _, err := pool.Exec(b.Context(), "CREATE TABLE bare (id uuid PRIMARY KEY, name text, size bigint)"); err != nil {
		b.Fatal(err)
	}
	return &bareLoop{
		bucket: i.bucket.Config.Bucket, store: minio.Core{Client: i.bucket.Admin}, pool: pool,
		queue: asynq.NewClientFromRedisClient(i.redis.Client),
	}
}

func (l *bareLoop) once(ctx context.Context) error {
	id, content := document.NewID(), smallText()
	_, err := l.store.PutObject(ctx, l.bucket, "bare/"+id.String(), bytes.NewReader(content), int64(len(content)), "", "", minio.PutObjectOptions{})
	if err == nil {
		_, err = l.pool.Exec(ctx, "INSERT INTO bare (id, name, size) VALUES ($1, $2, $3)", id, "small.txt", len(content))
	}
	if err == nil {
		_, err = l.queue.EnqueueContext(ctx, asynq.NewTask("bare", []byte(id.String())), asynq.Queue("bare"))
	}
	return err
}

// BenchmarkLargeUpload sends 1 GiB beside minio-go's own PUT of the same stream, and looks at the API's peak memory.
func BenchmarkLargeUpload(b *testing.B) {
	i := newInstallation(b)
	api := i.quiet().start(b, "api", "api", "metrics")
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	for b.Loop() {
		began := time.Now()
		name := rand.Text()
		body := io.MultiReader(bytes.NewReader([]byte(name)), io.LimitReader(endless{}, largeBytes))
		if _, err := i.bucket.Admin.PutObject(b.Context(), i.bucket.Config.Bucket, "bare/"+name, body, largeBytes+int64(len(name)),
			minio.PutObjectOptions{}); err != nil {
			b.Fatal(err)
		}
		bare := time.Since(began)
		began = time.Now()
		if status := stream(b, vault, largeBytes); status != http.StatusOK {
			b.Fatalf("status %d", status)
		}
		took := time.Since(began)
		b.ReportMetric(largeBytes/took.Seconds()/(1<<20), "MiB/s")
		b.ReportMetric(largeBytes/bare.Seconds()/(1<<20), "bareMiB/s")
		b.ReportMetric(bare.Seconds()/took.Seconds(), "ratio")
		b.ReportMetric(float64(peakMemory(b, api))/(1<<20), "peakMiB")
	}
}

// BenchmarkStart starts a program ten times until it says that it is ready.
func BenchmarkStart(b *testing.B) {
	i := newInstallation(b).quiet()
	for command, servers := range map[string][]string{"api": {"api", "metrics"}, "worker": {"metrics"}} {
		b.Run(command, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				took = took[:0]
				for range 10 {
					began := time.Now()
					p := i.start(b, command, servers...)
					for !isReady(b, p.addresses["metrics"]) {
						time.Sleep(time.Millisecond)
					}
					took = append(took, time.Since(began))
					_ = p.cmd.Process.Kill()
				}
			}
			b.ReportMetric(milliseconds(quantile(took, 0.5)), "p50-ms")
			b.ReportMetric(milliseconds(quantile(took, 1-1e-9)), "max-ms")
		})
	}
}

func isReady(b *testing.B, address string) bool {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+address+"/readyz", http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// smallText is different each time: equal ones would be duplicates.
func smallText() []byte {
	return fmt.Appendf(make([]byte, 0, smallBytes), "%s %s", rand.Text(), bytes.Repeat([]byte("small "), smallBytes/6-8))
}

// quiet logs as in production.
func (i installation) quiet() installation { return i.with("LOG_LEVEL", "info") }
