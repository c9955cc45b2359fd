package controllers

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"
)

func TestAVaultThatWaitsKeepsItsPlace(t *testing.T) {
	t.Parallel()
	turns := newTurns()
	vault := func(n int) types.NamespacedName {
		return types.NamespacedName{Namespace: "tenant", Name: fmt.Sprint(n)}
	}
	take := func(n int) bool { return turns.take("class", vault(n), false) }
	for n := range turnsPerClass + 3 {
		if take(n) != (n < turnsPerClass) {
			t.Fatalf("vault %d has a turn: %t", n, n >= turnsPerClass)
		}
	}
	turns.end(vault(turnsPerClass))       // a pass of it failed
	turns.leave(vault(turnsPerClass + 1)) // needs none any more
	turns.end(vault(0))
	if !take(turnsPerClass) || take(turnsPerClass+2) {
		t.Error("the turn was not given to who waited first")
	}
	turns.end(vault(1))
	if !take(turnsPerClass+2) || take(turnsPerClass+1) {
		t.Error("the turn was given to who needs none")
	}
	turns.edit(vault(9))
	if !take(9) {
		t.Error("what an owner edits waits")
	}
	turns.end(vault(9)) // a pass failed before it was through
	if !take(9) {
		t.Error("an edit that is not through waits")
	}
	turns.leave(vault(9))
	turns.end(vault(9))
	if take(9) {
		t.Error("a vault whose owner's edit is through has right of way for ever")
	}
}
