package vault_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/runtimetest"
)

// TestEndedSessionsAreForgotten when they would have ended by themselves, whatever the clock of an API.
func TestEndedSessionsAreForgotten(t *testing.T) {
	t.Parallel()
	app := runtimetest.NewApp(t)
	old, recent := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	check(t, app.EndSession(t.Context(), old, time.Now().Add(-25*time.Hour)))
	check(t, app.EndSession(t.Context(), recent, time.Now().Add(-23*time.Hour)))
	check(t, app.EndSession(t.Context(), recent, time.Now().Add(-23*time.Hour)))
	sweep(t, app.Vault)
	for _, c := range []struct {
		hash []byte
		want bool
	}{{old, false}, {recent, true}, {bytes.Repeat([]byte{3}, 32), false}} {
		if ended, err := app.SessionEnded(t.Context(), c.hash); ended != c.want || err != nil {
			t.Errorf("session %d: ended %t, %v", c.hash[0], ended, err)
		}
	}
}
