package main

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/test/client"
)

// TestPreviews shows a PDF, a picture and a text, drawn by a worker, while as many documents wait to be read as one cannot wait for.
func TestPreviews(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	api := i.start(t, "api", "api", "metrics")
	vault := &client.Client{BaseURL: "http://" + api.addresses["api"], Token: testToken}
	uploadSome(t, api, 300)
	invoice, err := os.ReadFile("../../test/documents/invoice.pdf")
	if err != nil {
		t.Fatal(err)
	}
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for name, content := range map[string][]byte{"a.pdf": invoice, "b.png": picture.Bytes(), "c.txt": []byte("some text")} {
		d, err := vault.Upload(t.Context(), name, content)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, d.ID)
		if status, _ := preview(t, api, d.ID, 200); status != http.StatusAccepted {
			t.Fatalf("status %d before there is a worker", status)
		}
	}
	i.start(t, "worker", "metrics")
	for _, id := range ids {
		if drawn := previewed(t, api, id, 200); drawn.Dx() != 200 || drawn.Dy() == 0 {
			t.Errorf("drawn as %v", drawn)
		}
	}
	if n := rows(t, i, "SELECT count(*) FROM documents WHERE status = 'pending'"); n == 0 {
		t.Error("the previews waited for all documents to be read")
	}
	runtimetest.Wait(t, 2*time.Minute, "the documents to be read", func() bool {
		return rows(t, i, "SELECT count(*) FROM documents WHERE status = 'pending'") == 0
	})
}

// TestPreviewWorkerKilled kills a worker while it draws. Another draws it.
func TestPreviewWorkerKilled(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	api := i.start(t, "api", "api", "metrics")
	id := uploadSome(t, api, 1)[0]
	preview(t, api, id, 200)
	proxy := runtimetest.NewProxy(t, i.bucket.Config.Endpoint)
	proxy.Hold()
	doomed := i.with(config.MinioEndpoint, proxy.Addr).start(t, "worker", "metrics")
	runtimetest.Wait(t, 30*time.Second, "the worker to draw", func() bool {
		return rows(t, i, "SELECT count(*) FROM previews WHERE heartbeat_at IS NOT NULL") > 0
	})
	if err := doomed.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	i.start(t, "worker", "metrics")
	previewed(t, api, id, 200)
	runtimetest.Wait(t, 2*time.Minute, "what is left to be one object for the document and one for its preview", func() bool {
		objects, uploads := i.bucket.Keys(t)
		return len(objects) == 2 && len(uploads) == 0
	})
}

func preview(t *testing.T, api *process, id string, width int) (status int, body []byte) {
	t.Helper()
	url := fmt.Sprintf("http://%s/api/documents/%s/preview?width=%d", api.addresses["api"], id, width)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+testToken)
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var content bytes.Buffer
	if _, err := content.ReadFrom(answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, content.Bytes()
}

// previewed waits for a preview, and returns its size.
func previewed(t *testing.T, api *process, id string, width int) (size image.Rectangle) {
	t.Helper()
	runtimetest.Wait(t, 90*time.Second, "the preview", func() bool {
		status, body := preview(t, api, id, width)
		if status == http.StatusAccepted {
			return false
		}
		drawn, err := png.Decode(bytes.NewReader(body))
		if status != http.StatusOK || err != nil {
			t.Fatalf("status %d, %v", status, err)
		}
		size = drawn.Bounds()
		return true
	})
	return size
}
