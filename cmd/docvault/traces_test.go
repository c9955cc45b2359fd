package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	trace "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/test/client"
)

// receiver takes spans as a collector does, OTLP over HTTP.
type receiver struct {
	*httptest.Server

	mutex sync.Mutex
	spans []received
}

type received struct {
	*trace.Span

	service string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		var sent collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &sent)
		}
		if err != nil || request.URL.Path != "/v1/traces" {
			t.Errorf("%s: not what OTLP sends: %v", request.URL, err)
		}
		r.take(&sent)
		w.Header().Set("Content-Type", "application/x-protobuf")
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(sent *collector.ExportTraceServiceRequest) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, resource := range sent.GetResourceSpans() {
		service := ""
		for _, attribute := range resource.GetResource().GetAttributes() {
			if attribute.GetKey() == "service.name" {
				service = attribute.GetValue().GetStringValue()
			}
		}
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				r.spans = append(r.spans, received{span, service})
			}
		}
	}
}

const (
	outerTrace = "0af7651916cd43dd8448eb211c80319c"
	outerSpan  = "b7ad6b7169203331"
)

// TestOneTraceFromUploadToFiled begins a trace outside, as a proxy does, and finds all that an upload caused in it, and in the logs
// under one request id. Nothing of the document is in the spans.
func TestOneTraceFromUploadToFiled(t *testing.T) {
	t.Parallel()
	otlp := newReceiver(t)
	i := newInstallation(t).with(config.OTelEndpoint, otlp.URL).with("OTEL_BSP_SCHEDULE_DELAY", "100")
	api, worker := i.start(t, "api", "api", "metrics"), i.start(t, "worker", "metrics")
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	if err := vault.EnsureTopic(t.Context(), client.Topic{Name: "Invoices", Description: "bills and payments, amounts due"}); err != nil {
		t.Fatal(err)
	}
	id := uploadTraced(t, vault, "annas-payslip.txt", "INVOICE No. 7. Amount due: 480.00 EUR. Please pay this bill to confidential.")
	ready(t, vault, id)
	for _, p := range []*process{api, worker} {
		if exit := p.stop(t); exit != 0 {
			t.Errorf("ended with %d at SIGTERM", exit)
		}
	}

	found := otlp.trace(outerTrace)
	parents := map[string]string{}
	for _, span := range found {
		parents[hex.EncodeToString(span.GetSpanId())] = hex.EncodeToString(span.GetParentSpanId())
	}
	for _, want := range []struct{ service, name string }{
		{"docvault-api", "POST /api/documents/upload"},
		{"docvault-api", "postgres AddObject"},
		{"docvault-api", "store put"},
		{"docvault-api", "postgres AddDocument"},
		{"docvault-api", "enqueue extract"},
		{"docvault-worker", "extract"},
		{"docvault-worker", "postgres BeginExtract"},
		{"docvault-worker", "store open"},
		{"docvault-worker", "enqueue classify"},
		{"docvault-worker", "classify"},
		{"docvault-worker", "ask the provider"},
		{"docvault-worker", "postgres FinishClassify"},
	} {
		span, ok := find(found, want.service, want.name)
		if !ok {
			t.Errorf("no span %q of %s", want.name, want.service)
			continue
		}
		ancestor := hex.EncodeToString(span.GetSpanId())
		for range parents {
			if parent, known := parents[ancestor]; known {
				ancestor = parent
			}
		}
		if ancestor != outerSpan {
			t.Errorf("span %q hangs in the air below %s", want.name, ancestor)
		}
	}
	for _, span := range found {
		for _, private := range append(i.secrets(), "payslip", "confidential", "INVOICE", "INSERT", "SELECT", i.bucket.Config.Bucket) {
			if strings.Contains(span.String(), private) {
				t.Errorf("the span %q holds %q: %s", span.GetName(), private, span)
			}
		}
	}
	oneRequest(t, id, api, worker)
}

// oneRequest checks that every line which names the document also names the request, and there are lines of both programs. What the
// waiting test asked itself is another request.
func oneRequest(t *testing.T, id string, programs ...*process) {
	t.Helper()
	for _, p := range programs {
		lines := 0
		for line := range strings.SplitSeq(p.log.String(), "\n") {
			var l map[string]any
			if json.Unmarshal([]byte(line), &l) != nil || !strings.Contains(line, id) && l["path"] != "/api/documents/upload" || l["method"] == "GET" {
				continue
			}
			lines++
			if l["request_id"] != "edge-77" || l["trace_id"] != outerTrace {
				t.Errorf("a line without its request: %s", line)
			}
		}
		if lines == 0 {
			t.Errorf("no line about the upload in:\n%s", p.log)
		}
	}
}

func uploadTraced(t *testing.T, vault *client.Client, name, content string) (id string) {
	t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(part, content)
	_ = form.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, vault.BaseURL+"/api/documents/upload", &body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Authorization", "Bearer "+vault.Token)
	request.Header.Set("Traceparent", "00-"+outerTrace+"-"+outerSpan+"-01")
	request.Header.Set("X-Request-Id", "edge-77")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var d client.Document
	if err := json.NewDecoder(answer.Body).Decode(&d); err != nil || d.ID == "" {
		t.Fatalf("%d %+v, %v", answer.StatusCode, d, err)
	}
	return d.ID
}

func (r *receiver) trace(id string) (spans []received) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	for _, span := range r.spans {
		if hex.EncodeToString(span.GetTraceId()) == id {
			spans = append(spans, span)
		}
	}
	return spans
}

func find(spans []received, service, name string) (received, bool) {
	for _, span := range spans {
		if span.service == service && span.GetName() == name {
			return span, true
		}
	}
	return received{}, false
}

// TestCollectorHangs sends traces to where nothing is answered: documents do not wait for that, nor does the end.
func TestCollectorHangs(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0") // the system connects, nobody answers
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	i := newInstallation(t).with(config.OTelEndpoint, "http://"+silent.Addr().String()).with("OTEL_BSP_SCHEDULE_DELAY", "10")
	api, worker := i.start(t, "api", "api", "metrics"), i.start(t, "worker", "metrics")
	allReady(t, i, api, uploadSome(t, api, 20))
	for name, p := range map[string]*process{"api": api, "worker": worker} {
		began := time.Now()
		if exit := p.stop(t); exit != 0 {
			t.Errorf("%s ended with %d at SIGTERM", name, exit)
		}
		if took := time.Since(began); took > 28*time.Second {
			t.Errorf("%s took %s to stop", name, took)
		}
	}
}
