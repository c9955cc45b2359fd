package httpapi

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// refuseBadText answers 400 to a path or query that is not UTF-8 or holds NUL. Bodies are checked where they are read.
func (a *api) refuseBadText(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := url.QueryUnescape(r.URL.RawQuery)
		if !isText(r.URL.Path) || err == nil && !isText(query) {
			a.fail(w, r, errBadText(), "")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// allowHosts answers 400 to a Host that is not this vault's, so that a name which an attacker points here is not served.
func (a *api) allowHosts(next http.Handler) http.Handler {
	if len(a.config.AllowedHosts) == 0 || slices.Contains(a.config.AllowedHosts, "*") {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isProbe(r.URL.Path) && !hostAllowed(r.Host, a.config.AllowedHosts) {
			a.fail(w, r, errBadHost(), "")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isProbe tells the paths that a cluster asks for by address.
func isProbe(path string) bool { return path == "/health" || path == "/livez" || path == "/readyz" }

func hostAllowed(host string, allowed []string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.TrimSuffix(strings.ToLower(strings.Trim(host, "[]")), ".")
	return slices.ContainsFunc(allowed, func(pattern string) bool {
		pattern = strings.ToLower(pattern)
		if parent, ok := strings.CutPrefix(pattern, "*"); ok {
			return strings.HasPrefix(parent, ".") && strings.HasSuffix(host, parent)
		}
		return host == pattern
	})
}

// allowOrigins is CORS for the origins that are allowed, and silence to all others. Sessions work from origins of the same site
// (their cookie is SameSite=Strict), the token from all.
func (a *api) allowOrigins(next http.Handler) http.Handler {
	if len(a.config.AllowedOrigins) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if !a.originAllowed(r) {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Origin", r.Header.Get("Origin"))
		h.Set("Access-Control-Allow-Credentials", "true")
		h.Set("Access-Control-Expose-Headers", "Content-Disposition, Content-Range, ETag, Retry-After, X-Request-ID")
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, PUT, PATCH, DELETE")
		h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-None-Match, If-Range, Last-Event-ID, Range, X-Request-ID")
		h.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	})
}

func (a *api) originAllowed(r *http.Request) bool {
	return slices.Contains(a.config.AllowedOrigins, r.Header.Get("Origin"))
}

// refuseCrossSite keeps pages of other sites from changing the vault through a browser that reaches it.
func (a *api) refuseCrossSite(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := protection.Check(r); err != nil && !a.originAllowed(r) {
			a.fail(w, r, errCrossSite(), "")
			return
		}
		next.ServeHTTP(w, r)
	})
}
