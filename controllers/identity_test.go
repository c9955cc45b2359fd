package controllers

import (
	"regexp"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestIdentityTellsVaultsApart(t *testing.T) {
	t.Parallel()
	const installation, namespace = types.UID("a-1"), types.UID("b-2")
	seen := map[string]string{}
	for what, id := range map[string]string{
		"a vault":              identity(installation, namespace, "acme"),
		"another installation": identity("a-2", namespace, "acme"),
		"another namespace":    identity(installation, "b-3", "acme"),
		"another name":         identity(installation, namespace, "acme2"),
		"shifted by a letter":  identity("a-1b", "-2", "acme"),
	} {
		if other, taken := seen[id]; taken {
			t.Errorf("%s and %s share the identity %s", what, other, id)
		}
		seen[id] = what
	}
}

func TestIdentityIsStableAndFitsNames(t *testing.T) {
	t.Parallel()
	id := identity("a-1", "b-2", "acme")
	if id != identity("a-1", "b-2", "acme") {
		t.Error("the identity of one vault differs from call to call")
	}
	// Every ledger, database and bucket in the field is found by it: it must never change between releases.
	if want := "ptj35xcqk4ywjvnw"; id != want {
		t.Errorf("identity = %s, want %s", id, want)
	}
	if !regexp.MustCompile(`^[a-z2-7]{16}$`).MatchString(id) {
		t.Errorf("identity %q does not fit names of databases, buckets and Kubernetes", id)
	}
}
