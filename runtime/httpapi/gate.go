package httpapi

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
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
	waiting chan struct{}
}

func newGate(token string) *gate {
	return &gate{token: token, waiting: make(chan struct{}, wrongTokensAtOnce)}
}

// check answers nil, or the problem of a request without a valid token or session.
func (g *gate) check(r *http.Request) error {
	if g.token == "" {
		return nil
	}
	scheme, sent, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return g.checkToken(r.Context(), strings.TrimSpace(sent))
	}
	cookie, err := r.Cookie(sessionCookie)
	if err != nil {
		return errUnauthorized("This vault needs its token: as a bearer token, or by a session.")
	}
	if g.validSession(cookie.Value, time.Now()) {
		return nil
	}
	return g.slowDown(r.Context(), errUnauthorized("The session has ended. Log in again."))
}

func (g *gate) checkToken(ctx context.Context, sent string) error {
	if hmac.Equal(g.sign(sent), g.sign(g.token)) {
		return nil
	}
	return g.slowDown(ctx, errUnauthorized("The token is wrong."))
}

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

// newSession returns a cookie's value: when it ends, signed with the token, which it does not reveal.
func (g *gate) newSession(ends time.Time) string {
	stamp := strconv.FormatInt(ends.Unix(), 10)
	return stamp + "." + base64.RawURLEncoding.EncodeToString(g.sign("session:"+stamp))
}

func (g *gate) validSession(value string, now time.Time) bool {
	stamp, signature, _ := strings.Cut(value, ".")
	ends, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Unix() >= ends {
		return false
	}
	sent, err := base64.RawURLEncoding.DecodeString(signature)
	return err == nil && hmac.Equal(sent, g.sign("session:"+stamp))
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
	if err := a.gate.checkToken(c.Context(), body.Token); err != nil {
		return nil, err
	}
	ends := time.Now().Add(sessionLasts)
	setSession(c, a.gate.newSession(ends), int(sessionLasts.Seconds()))
	return nil, nil
}

func (a *api) closeSession(c *call) (any, error) {
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
