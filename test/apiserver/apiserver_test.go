package apiserver

import (
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"sigs.k8s.io/controller-runtime/pkg/envtest"
)

const crd = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: trials.%[1]s.example.com}
spec:
  group: %[1]s.example.com
  scope: Cluster
  names: {kind: Trial, plural: trials}
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`

func TestManyInstallAtOnce(t *testing.T) {
	t.Parallel()
	config := Config(t)
	dir := t.TempDir()
	group := "t" + strings.ToLower(rand.Text())
	if err := os.WriteFile(filepath.Join(dir, "crd.yaml"), fmt.Appendf(nil, crd, group), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = envtest.UninstallCRDs(config, envtest.CRDInstallOptions{Paths: []string{dir}}) })
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if err := install(config, dir); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}
