package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/docvault/docvault/runtime/store/sqlrows"
)

// EndSession ends a session, known by a hash, that would end by itself at ends.
func (v *Vault) EndSession(ctx context.Context, hash []byte, ends time.Time) error {
	if err := v.store.EndSession(ctx, sqlrows.EndSessionParams{Hash: hash, EndsAt: ends}); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// SessionEnded tells whether a session was ended, by whichever API.
func (v *Vault) SessionEnded(ctx context.Context, hash []byte) (bool, error) {
	ended, err := v.store.SessionEnded(ctx, hash)
	if err != nil {
		return false, fmt.Errorf("look for the session: %w", err)
	}
	return ended, nil
}

// forgetSessions forgets those that have ended by themselves meanwhile.
func (v *Vault) forgetSessions(ctx context.Context) error {
	if err := v.store.ForgetEndedSessions(ctx); err != nil {
		return fmt.Errorf("forget ended sessions: %w", err)
	}
	return nil
}
