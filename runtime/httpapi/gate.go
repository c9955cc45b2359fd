package httpapi

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/docvault/docvault/runtime/vault"
)

const (
	sessionCookie = "docvault_session"
	// sessionLasts is how long a browser stays logged in. A new token ends all sessions at once.
	sessionLasts = 7 * 24 * time.Hour
	// Wrong tokens wait for wrongTokenDelay, wrongTokensAtOnce of them at a time; more are turned away with their connection.
	// A right token never waits.
	wrongTokenDelay   = 500 * time.Millisecond
	wrongTokensAtOnce = 32
)

// gate lets those in who know the token, or everyone if there is none.
type gate struct {
	token   string
	vault   *vault.Vault
	waiting chan struct{}
}

func newGate(token string, v *vault.Vault) *gate {
	return &gate{token: token, vault: v, waiting: make(chan struct{}, wrongTokensAtOnce)}
}

// check answers nil, or the problem of a request without a valid token or session.
func (g *gate) check(r *http.Request) error {
	if g.token == "" {
		return nil
	}
	scheme, sent, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	bearer := strings.EqualFold(scheme, "Bearer")
	if bearer && g.isToken(strings.TrimSpace(sent)) {
		return nil
	}
	cookies := r.CookiesNamed(sessionCookie)
	for _, cookie := range cookies {
		if goes, err := g.goesOn(r.Context(), cookie.Value); goes || err != nil {
			return err
		}
	}
	switch {
	case bearer:
		return g.slowDown(r.Context(), errUnauthorized("The token is wrong."))
	case len(cookies) > 0:
		return g.slowDown(r.Context(), errUnauthorized("The session has ended. Log in again."))
	}
	return errUnauthorized("This vault needs its token: as a bearer token, or by a session.")
}

func (g *gate) isToken(sent string) bool { return hmac.Equal(g.sign(sent), g.sign(g.token)) }

// slowDown answers refusal after a while, or at once that there are too many.
func (g *gate) slowDown(ctx context.Context, refusal error) error {
	select {
	case g.waiting <- struct{}{}:
		defer func() { <-g.waiting }()
	default:
		return errThrottled()
	}
	select {
	case <-time.After(wrongTokenDelay):
	case <-ctx.Done():
	}
	return refusal
}

// session is what a cookie says.
type session struct {
	hash []byte // by which the vault knows it: neither the cookie nor anything that it could be made of
	ends time.Time
}

// newSession returns a cookie's value: when it ends and what tells it from others, signed with the token, which it does not reveal.
func (g *gate) newSession(ends time.Time) string {
	said := strconv.FormatInt(ends.Unix(), 10) + "." + rand.Text()
	return said + "." + base64.RawURLEncoding.EncodeToString(g.sign("session:"+said))
}

// session reads a cookie's value; ok is false if it is not signed with the token, or ended by itself.
func (g *gate) session(value string, now time.Time) (s session, ok bool) {
	// Until a release ago cookies told nothing but their end. They are read, too.
	at := max(strings.LastIndexByte(value, '.'), 0)
	said, signature := value[:at], strings.TrimPrefix(value[at:], ".")
	stamp, _, _ := strings.Cut(said, ".")
	ends, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Unix() >= ends {
		return session{}, false
	}
	sent, err := base64.RawURLEncoding.DecodeString(signature)
	if err != nil || !hmac.Equal(sent, g.sign("session:"+said)) {
		return session{}, false
	}
	hash := sha256.Sum256([]byte(said)) // not of the signature, which can be written in several ways
	return session{hash: hash[:], ends: time.Unix(ends, 0)}, true
}

// goesOn tells whether a cookie is that of a session which nobody has ended.
func (g *gate) goesOn(ctx context.Context, value string) (bool, error) {
	s, ok := g.session(value, time.Now())
	if !ok {
		return false, nil
	}
	ended, err := g.vault.SessionEnded(ctx, s.hash)
	return !ended && err == nil, err
}

// sign makes values of one length, so that comparing them tells nothing, the length of the token included.
func (g *gate) sign(message string) []byte {
	mac := hmac.New(sha256.New, []byte(g.token))
	mac.Write([]byte(message))
	return mac.Sum(nil)
}

func (a *api) openSession(c *call) (any, error) {
	var body sessionBody
	if err := c.decode(&body); err != nil {
		return nil, err
	}
	if a.gate.token == "" {
		return nil, nil
	}
	if !a.gate.isToken(body.Token) {
		return nil, a.gate.slowDown(c.Context(), errUnauthorized("The token is wrong."))
	}
	ends := time.Now().Add(sessionLasts)
	setSession(c, a.gate.newSession(ends), int(sessionLasts.Seconds()))
	return nil, nil
}

// closeSession leaves the browser its cookie where the session cannot be ended now, for another try.
func (a *api) closeSession(c *call) (any, error) {
	for _, cookie := range c.CookiesNamed(sessionCookie) {
		s, ok := a.gate.session(cookie.Value, time.Now())
		if !ok || a.gate.token == "" {
			continue
		}
		if err := a.vault.EndSession(c.Context(), s.hash, s.ends); err != nil {
			return nil, err
		}
	}
	setSession(c, "", -1)
	return nil, nil
}

func setSession(c *call, value string, maxAge int) {
	http.SetCookie(c.w, &http.Cookie{ //nolint:gosec // without TLS, on a laptop, a Secure cookie would never come back
		Name: sessionCookie, Value: value, Path: "/", MaxAge: maxAge,
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: overTLS(c.Request),
	})
}

// overTLS reports whether the browser speaks TLS, to us or to the proxy before us.
func overTLS(r *http.Request) bool {
	first, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	return r.TLS != nil || strings.EqualFold(strings.TrimSpace(first), "https")
}
