// Package httpapi is the vault's REST API, and serves its page. The route table in routes.go is the contract: requests are checked
// against it, and the OpenAPI document and the description at /docs are made from it. Handlers parse, call the vault and respond.
package httpapi

import (
	"log/slog"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/docvault/docvault/runtime/document"
	"github.com/docvault/docvault/runtime/vault"
	"github.com/docvault/docvault/runtime/web"
)

// Config is what New needs besides the vault.
type Config struct {
	// APIToken opens /api; empty: /api is open to everyone who reaches it.
	APIToken string
	// AllowedHosts are the names that a request's Host may have, `*.example.com` for all below example.com. Empty or `*`: any.
	// Probes come by address and are not asked.
	AllowedHosts []string
	// AllowedOrigins are the origins (scheme://host:port) whose pages may call the API from a browser.
	AllowedOrigins []string
	// MaxUploadBytes is the vault's limit of one file. Bodies that say they are larger are refused before they are read.
	MaxUploadBytes int64
	// Trash says that the vault keeps what is deleted for a while, for its page to tell.
	Trash bool
	// Version stands in the OpenAPI document.
	Version string
	Logger  *slog.Logger
	Metrics prometheus.Registerer
	// Stopping is closed when the process is to stop: streams of events, which know no end, end then. Nil: never.
	Stopping <-chan struct{}
}

// api is what the handlers share.
type api struct {
	vault  *vault.Vault
	config Config
	log    *slog.Logger
	gate   *gate
	docs   *documentation
	page   *web.Page
	mux    *http.ServeMux
	// streams holds a token for each stream of events.
	streams chan struct{}
}

// New returns the handler of the whole API. Its server wants ReadHeaderTimeout and IdleTimeout, and no ReadTimeout or
// WriteTimeout: slow clients are cut off here, by progress, so that large files can take their time.
func New(v *vault.Vault, config Config) http.Handler {
	a := &api{
		vault: v, config: config, log: config.Logger, gate: newGate(config.APIToken, v), mux: http.NewServeMux(),
		streams: make(chan struct{}, maxStreams),
	}
	routes := a.routes()
	a.docs = newDocumentation(routes, config.Version)
	for _, route := range routes {
		a.mux.Handle(route.method+" "+route.path, a.serve(route))
	}
	a.page = web.New(web.Facts{MaxUploadBytes: config.MaxUploadBytes, Token: config.APIToken != "", Trash: config.Trash})
	a.mux.Handle("GET /{$}", a.page)
	for path, file := range a.page.Files() {
		a.mux.Handle("GET "+path, file)
	}
	a.mux.HandleFunc("/", a.unmatched)

	var h http.Handler = a.mux
	h = a.refuseCrossSite(h)
	h = a.allowOrigins(h)
	h = a.allowHosts(h)
	h = a.refuseBadText(h)
	return newObserver(config.Logger, config.Metrics).observe(h)
}

// actor is who acts. Until accounts exist whoever passes the gate is the one anonymous owner.
func (a *api) actor(*http.Request) document.Actor { return document.Anonymous }
