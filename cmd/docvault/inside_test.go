package main

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/runtimetest"
)

var (
	toldMetric       = regexp.MustCompile(`(?m)^# TYPE (docvault_\w+) (\w+)$`)
	documentedMetric = regexp.MustCompile("(?m)^\\| `(docvault_\\w+)` \\| (\\w+) \\|[^|]*\\| (both|api|worker) \\|")
)

// TestMetricsAreDocumented compares what both programs tell, once a document has gone through them, with the page about it.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	programs := map[string]*process{"api": i.start(t, "api", "api", "metrics"), "worker": i.start(t, "worker", "metrics")}
	allReady(t, i, programs["api"], uploadSome(t, programs["api"], 1))
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range programs {
		documented := map[string]string{}
		for _, row := range documentedMetric.FindAllStringSubmatch(string(page), -1) {
			if row[3] == "both" || row[3] == name {
				documented[row[1]] = row[2]
			}
		}
		for _, told := range toldMetric.FindAllStringSubmatch(fetch(t, "http://"+p.addresses["metrics"]+"/metrics"), -1) {
			if documented[told[1]] != told[2] {
				t.Errorf("the %s tells of %s, a %s; docs/metrics.md says %q", name, told[1], told[2], documented[told[1]])
			}
			delete(documented, told[1])
		}
		for metric := range documented {
			t.Errorf("docs/metrics.md lists %s, which the %s does not tell of", metric, name)
		}
	}
}

// TestMetricsWithoutServers hangs all that a scrape asks: it is answered all the same, and says so.
func TestMetricsWithoutServers(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	database, postgres := proxied(t, i.environment[config.DatabaseURL])
	tasks, redis := proxied(t, i.environment[config.RedisURL])
	worker := i.with(config.DatabaseURL, database).with(config.RedisURL, tasks).start(t, "worker", "metrics")
	scrape := func() string { return fetch(t, "http://"+worker.addresses["metrics"]+"/metrics") }
	runtimetest.Wait(t, 30*time.Second, "both to be up", func() bool {
		told := scrape()
		return strings.Contains(told, `docvault_dependency_up{dependency="postgres"} 1`) &&
			strings.Contains(told, `docvault_dependency_up{dependency="redis"} 1`)
	})
	postgres.Hold()
	redis.Hold()
	told := scrape()
	for _, dependency := range []string{"postgres", "redis"} {
		if !strings.Contains(told, `docvault_dependency_up{dependency="`+dependency+`"} 0`) {
			t.Errorf("%s hangs, and the metrics do not say so", dependency)
		}
	}
	for _, unknown := range []string{"docvault_queue_tasks{", "docvault_documents_waiting ", "docvault_oldest_waiting_seconds "} {
		if strings.Contains(told, unknown) {
			t.Errorf("told of %s, which nobody can know", unknown)
		}
	}
}

// proxied puts a proxy before the server of a URL.
func proxied(t *testing.T, address string) (through string, proxy *runtimetest.Proxy) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	proxy = runtimetest.NewProxy(t, u.Host)
	u.Host = proxy.Addr
	return u.String(), proxy
}

// TestProfilesOnlyWhenAsked looks for them on each port of each program.
func TestProfilesOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	for asked, onMetrics := range map[string]int{"": http.StatusNotFound, "true": http.StatusOK} {
		i := i.with(config.MetricsPprof, asked)
		api, worker := i.start(t, "api", "api", "metrics"), i.start(t, "worker", "metrics")
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline"} {
			for address, want := range map[string]int{
				api.addresses["api"]: http.StatusNotFound, api.addresses["metrics"]: onMetrics, worker.addresses["metrics"]: onMetrics,
			} {
				if status, _ := ask(t, "http://"+address+path); status != want {
					t.Errorf("METRICS_PPROF=%s: %s of %s answers %d, want %d", asked, path, address, status, want)
				}
			}
		}
	}
}

// TestWorkerProbes has a worker say that it is not ready while it cannot work, and live all the while.
func TestWorkerProbes(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	database, postgres := proxied(t, i.environment[config.DatabaseURL])
	worker := i.with(config.DatabaseURL, database).start(t, "worker", "metrics")
	becomes := func(why string, want int) {
		t.Helper()
		runtimetest.Wait(t, 30*time.Second, why, func() bool {
			ready, said := ask(t, "http://"+worker.addresses["metrics"]+"/readyz")
			live, _ := ask(t, "http://"+worker.addresses["metrics"]+"/livez")
			if live != http.StatusOK || strings.Contains(said, "127.0.0.1") {
				t.Fatalf("live %d, ready %d %s", live, ready, said)
			}
			return ready == want
		})
	}
	becomes("the worker to be ready", http.StatusOK)
	postgres.Refuse()
	becomes("the worker to miss Postgres", http.StatusServiceUnavailable)
	postgres.Resume()
	becomes("the worker to find Postgres again", http.StatusOK)
	rows(t, i, "WITH changed AS (UPDATE schema_state SET version = 0 RETURNING 1) SELECT count(*) FROM changed")
	becomes("the worker to see that the schema is too old", http.StatusServiceUnavailable)
}

// ask returns an answer whatever its status.
func ask(t *testing.T, url string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+testToken)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(read)
}
