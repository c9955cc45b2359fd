package runtimetest

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// NewSmallMinIO starts an object store of the test's own whose disk has so many bytes, with a bucket in it. Both end with the test.
func NewSmallMinIO(t testing.TB, size int64) Bucket {
	t.Helper()
	address := "127.0.0.1:" + strconv.Itoa(freePort(t))
	dir := filepath.Join(t.TempDir(), "disk")
	server := OnSmallDisk(t, dir, size, Env(t, "TEST_MINIO_SERVER"), "server", "--quiet", "--address", address, dir)
	root := admin{User: "docvault-root", Password: "docvault-root-password"}
	server.Env = append(os.Environ(), "MINIO_ROOT_USER="+root.User, "MINIO_ROOT_PASSWORD="+root.Password,
		"MINIO_BROWSER=off", "MINIO_UPDATE=off")
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	Wait(t, 30*time.Second, "MinIO to answer", func() bool {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/minio/health/cluster", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return false
		}
		defer answer.Body.Close()
		return answer.StatusCode == http.StatusOK
	})
	return newBucket(t, address, root)
}

// OnSmallDisk returns a command that finds a file system of so many bytes at dir. It is in memory, in a mount namespace of the
// command's own, so that it needs no disk, nothing outside sees it, and it goes with the command. Root may do so; others may, where the
// system has user namespaces for them.
func OnSmallDisk(t testing.TB, dir string, size int64, program string, args ...string) *exec.Cmd {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	apart := []string{"--mount"}
	if os.Getuid() != 0 {
		apart = append(apart, "--user", "--map-root-user")
	}
	script := fmt.Sprintf(`mount -t tmpfs -o size=%d,mode=0700 small "$0" && exec "$@"`, size)
	apart = append(apart, "sh", "-c", script, dir, program)
	//nolint:noctx // it outlives the test's context, which ends before the cleanups
	cmd := exec.Command("unshare", append(apart, args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}
