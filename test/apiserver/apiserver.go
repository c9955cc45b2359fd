// Package apiserver gives tests the API server that `make test` starts: a connection, and DocVault's CRDs on it. Tests of several
// packages install these at once, on an API server that may be fresh.
package apiserver

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

// Kubeconfig returns the path of the administrator's kubeconfig, and ends the test that has no API server.
func Kubeconfig(t testing.TB) string {
	t.Helper()
	const name = "TEST_KUBECONFIG"
	path := os.Getenv(name)
	if path == "" {
		t.Fatalf("%s is not set: run the tests with `make test`, which starts what they need", name)
	}
	return path
}

// Config returns the administrator's connection. The client's own limit of requests is off.
func Config(t testing.TB) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", Kubeconfig(t))
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1
	return config
}

// ConfigWithCRDs is Config of an API server that knows DocVault's kinds, as they are in config/crd, and those of KEDA and the
// Gateway API that the operator uses where they are installed. Tests that want these not to be there hide them from their operator.
func ConfigWithCRDs(t testing.TB) *rest.Config {
	t.Helper()
	config := Config(t)
	once.Do(func() {
		installed = errors.Join(
			install(config, directory(t, "config/crd/bases")),
			install(config, directory(t, "test/apiserver/testdata/extensions")))
	})
	if installed != nil {
		t.Fatalf("install CRDs: %v", installed)
	}
	return config
}

// once for all tests of the process.
var (
	once      sync.Once
	installed error
)

// directory is found from the top of the repository: tests run in the directory of their package.
func directory(t testing.TB, path string) string {
	t.Helper()
	top, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(top, "go.mod")); err == nil {
			return filepath.Join(top, path)
		}
		if top == filepath.Dir(top) {
			t.Fatal("there is no go.mod above the package of this test")
		}
		top = filepath.Dir(top)
	}
}

// install tries again when somebody else was faster: envtest looks before it creates.
func install(config *rest.Config, dir string) error {
	lost := func(err error) bool { return apierrors.IsAlreadyExists(err) || apierrors.IsConflict(err) }
	backoff := wait.Backoff{Steps: 20, Duration: 20 * time.Millisecond, Factor: 1.2, Jitter: 0.5}
	return retry.OnError(backoff, lost, func() error {
		_, err := envtest.InstallCRDs(config, envtest.CRDInstallOptions{Paths: []string{dir}, ErrorIfPathMissing: true})
		return err
	})
}
