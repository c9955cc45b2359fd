// Package crds installs DocVault's CRDs for tests. Tests of several packages do so at once, on an API server that may be fresh.
package crds

import (
	"sync"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

var (
	once      sync.Once
	installed error
)

// Install installs the CRDs in a directory once for all tests of the process, and ends the test that finds them not installed.
func Install(t testing.TB, config *rest.Config, dir string) {
	t.Helper()
	once.Do(func() { installed = install(config, dir) })
	if installed != nil {
		t.Fatalf("install CRDs: %v", installed)
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
