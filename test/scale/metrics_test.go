package scale_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scraped is what the operator's metrics said at one time.
type scraped map[string]*dto.MetricFamily

func (i *installation) scrape() scraped {
	i.b.Helper()
	found, err := i.readMetrics(i.b.Context())
	if err != nil {
		i.b.Fatal(err)
	}
	return found
}

func (i *installation) readMetrics(ctx context.Context) (scraped, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+i.metrics+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	return parser.TextToMetricFamilies(response.Body)
}

// sum adds up a metric's values where its labels are as wanted.
func (s scraped) sum(name string, wanted func(labels map[string]string) bool) float64 {
	var total float64
	for _, m := range s[name].GetMetric() {
		labels := map[string]string{}
		for _, pair := range m.GetLabel() {
			labels[pair.GetName()] = pair.GetValue()
		}
		if wanted(labels) {
			total += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return total
}

func anyLabels(map[string]string) bool { return true }

func isWrite(labels map[string]string) bool { return labels["method"] != http.MethodGet }

// writes are the requests to the API server, since before, that change something; events count too.
func (s scraped) writes(before scraped) float64 {
	const name = "rest_client_requests_total"
	return s.sum(name, isWrite) - before.sum(name, isWrite)
}

// reads are those that ask; a watch is one.
func (s scraped) reads(before scraped) float64 {
	const name = "rest_client_requests_total"
	isRead := func(labels map[string]string) bool { return !isWrite(labels) }
	return s.sum(name, isRead) - before.sum(name, isRead)
}

// backendCalls are the pieces of work on Postgres and the object store.
func (s scraped) backendCalls(before scraped) float64 {
	const name = "docvault_operator_backend_call_duration_seconds"
	return s.sum(name, anyLabels) - before.sum(name, anyLabels)
}

func (s scraped) cpu(before scraped) float64 {
	const name = "process_cpu_seconds_total"
	return s.sum(name, anyLabels) - before.sum(name, anyLabels)
}

// memory is what the process holds, in bytes.
func (s scraped) memory() float64 { return s.sum("process_resident_memory_bytes", anyLabels) }

// awaitDrained waits until a new operator has looked at each of n vaults and has nothing left to do.
func (i *installation) awaitDrained(n int) {
	i.b.Helper()
	vaults := func(labels map[string]string) bool { return labels["controller"] == "docvault" }
	queue := func(labels map[string]string) bool { return labels["name"] == "docvault" }
	i.eventually(allSettled, func(ctx context.Context) error {
		now, err := i.readMetrics(ctx)
		if err != nil {
			return err
		}
		if looked := now.sum("controller_runtime_reconcile_total", vaults); looked < float64(n) {
			return fmt.Errorf("%v of %d vaults were looked at", looked, n)
		}
		if now.sum("workqueue_depth", queue)+now.sum("controller_runtime_active_workers", vaults) > 0 {
			return errors.New("vaults wait")
		}
		return nil
	})
}
