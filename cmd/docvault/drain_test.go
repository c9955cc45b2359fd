package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/runtimetest"
	"github.com/docvault/docvault/test/client"
)

// TestDrain stops an API while an upload is under way: it ends well, idle connections are closed, new ones refused.
func TestDrain(t *testing.T) {
	t.Parallel()
	const size = 256 << 10
	i := newInstallation(t)
	api := i.start(t, "api", "api", "metrics")
	idle := keptAlive(t, api)
	upload := beginUpload(t, api, size)
	defer upload.Close()
	runtimetest.Wait(t, 30*time.Second, "the upload to be under way", func() bool {
		return rows(t, i, "SELECT count(*) FROM objects WHERE state = 'writing'") == 1
	})
	if err := api.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	runtimetest.Wait(t, 10*time.Second, "new connections to be refused", func() bool {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", api.addresses["api"])
		if err == nil {
			_ = conn.Close()
		}
		return err != nil
	})
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the idle connection: %v, want it to be closed", err)
	}
	if _, err := io.WriteString(upload, string(letters(size)[startBytes:])+uploadEnd); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(upload), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK || !answer.Close {
		t.Errorf("the upload was answered %d, the connection is to be closed: %t", answer.StatusCode, answer.Close)
	}
	if exit := code(api.cmd.Wait()); exit != 0 {
		t.Errorf("ended with %d", exit)
	}
	if took := time.Since(began); took > 28*time.Second {
		t.Errorf("took %s to stop", took)
	}
	after := i.start(t, "api", "api", "metrics")
	documents, err := (&client.Client{BaseURL: "http://" + after.addresses["api"], Token: testToken}).List(t.Context(), nil)
	if err != nil || len(documents) != 1 || documents[0].Size != size {
		t.Fatalf("%+v, %v", documents, err)
	}
}

// keptAlive returns a connection that has been answered and waits for its next request.
func keptAlive(t *testing.T, api *process) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", api.addresses["api"])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := fmt.Fprint(conn, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil || answer.StatusCode != http.StatusOK || answer.Close {
		t.Fatalf("%d, closed: %t, %v", answer.StatusCode, answer.Close, err)
	}
	return conn
}
