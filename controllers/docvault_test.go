package controllers_test

import (
	"testing"
)

func TestAnEmptyVaultBecomesReady(t *testing.T) {
	t.Parallel()
	i := install(t)
	i.start()
	vault := i.readyVault("acme")
	if vault.Status.URL != "http://acme-api."+vault.Namespace+".svc" || vault.Status.Version != "v0.1.0" {
		t.Errorf("url %q, version %q", vault.Status.URL, vault.Status.Version)
	}
}
