// Package scale measures one operator, a process of its own, with many vaults: real API server, Postgres and MinIO; kwok stands
// for nodes, so pods start at once and migrations succeed without having run. docs/scale.md has the figures.
package scale_test

import (
	"flag"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	ctrl "sigs.k8s.io/controller-runtime"
)

var sizes = flag.String("vaults", "10,100", "how many vaults, one measurement each")

// TestMain has no library log by itself: the operator is a process of its own.
func TestMain(m *testing.M) {
	ctrl.SetLogger(logr.Discard())
	os.Exit(m.Run())
}

// What is waited for at most.
const (
	allSettled = 30 * time.Minute
	calm       = time.Minute // of a settled installation, in which its requests are counted
)

// BenchmarkOperator follows an installation through its life: all vaults made at once, at rest, the operator started anew, a class
// changed that touches all, one of two Postgres servers away, all vaults removed.
func BenchmarkOperator(b *testing.B) {
	for size := range strings.SplitSeq(*sizes, ",") {
		n, err := strconv.Atoi(size)
		if err != nil {
			b.Fatal(err)
		}
		b.Run("vaults="+size, func(b *testing.B) {
			for b.Loop() {
				life(b, n)
			}
		})
	}
}

func life(b *testing.B, n int) {
	i := install(b)
	others := i.databases()
	i.start()

	before := i.scrape()
	made := i.makeVaults(n)
	after := i.scrape()
	b.ReportMetric(made.last.Seconds(), "s/all-ready")
	b.ReportMetric(made.quantile(0.5).Seconds(), "s/ready-p50")
	b.ReportMetric(made.quantile(0.99).Seconds(), "s/ready-p99")
	b.ReportMetric(after.writes(before)/float64(n), "writes/vault-made")
	b.ReportMetric(after.reads(before)/float64(n), "reads/vault-made")
	b.ReportMetric(after.backendCalls(before)/float64(n), "backend-calls/vault-made")
	b.ReportMetric(after.cpu(before)/float64(n), "cpu-s/vault-made")

	before = i.scrape()
	time.Sleep(calm)
	after = i.scrape()
	b.ReportMetric(after.writes(before), "writes/min-settled")
	b.ReportMetric(after.reads(before), "reads/min-settled")
	b.ReportMetric(after.backendCalls(before), "backend-calls/min-settled")
	b.ReportMetric(after.cpu(before), "cpu-s/min-settled")
	b.ReportMetric(after.memory()/(1<<20), "MiB/settled")
	b.ReportMetric(i.connections(), "postgres-connections/settled")

	i.stop()
	started := time.Now()
	i.start()
	i.awaitDrained(n)
	b.ReportMetric(time.Since(started).Seconds(), "s/restart-to-settled")
	b.ReportMetric(i.scrape().writes(nil), "writes/restart")
	b.ReportMetric(i.scrape().memory()/(1<<20), "MiB/restarted")

	b.ReportMetric(i.changeClass().Seconds(), "s/class-changed")

	i.away.Refuse()
	more := i.makeVaultsIn(i.classes[0], 10)
	b.ReportMetric(more.last.Seconds(), "s/10-more-one-server-dead")
	i.away.Resume()

	b.ReportMetric(i.removeVaults().Seconds(), "s/all-removed")
	if left := i.databases() - others; left > 0 {
		b.Errorf("%d databases are left", left)
	}
}
