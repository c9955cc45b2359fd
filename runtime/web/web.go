// Package web is the vault's page: what web/ was built into, and how browsers get it. `make web` writes dist.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

//go:embed all:dist
var built embed.FS

const (
	indexName = "index.html"
	// assets are named after their content by the build, so they never change.
	assets = "assets/"
	// factsMark is where the index takes the facts.
	factsMark = `name="vault" content=""`
)

// policy allows the page's own files, pictures that it made of previews, and nothing written into the page: neither scripts nor styles,
// nor, where browsers know trusted types, any text taken for markup.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// Facts are what the page knows of the vault before it asks for anything. They are shown to everyone.
type Facts struct {
	// MaxUploadBytes lets it refuse a file before a gigabyte was sent.
	MaxUploadBytes int64 `json:"max_upload_bytes"`
	// Token says that the vault has one, so that there is something to sign out of.
	Token bool `json:"token"`
	// Trash says that what is deleted can be restored for a while. Where it cannot, the page asks first.
	Trash bool `json:"trash"`
}

// Page is the page's files, ready to be served.
type Page struct {
	index *file
	files map[string]*file
}

// file is one file with all that is told about it.
type file struct {
	body, gzipped   []byte
	etag, mediaType string
	immutable       bool
}

// New reads what was built. It panics where that is no page, which no input changes: every test would see it.
func New(facts Facts) *Page {
	p := &Page{files: map[string]*file{}}
	err := fs.WalkDir(built, "dist", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := built.ReadFile(name)
		if err != nil {
			return err
		}
		name = strings.TrimPrefix(name, "dist/")
		if name == indexName {
			p.index = newFile(name, withFacts(body, facts))
		} else {
			p.files["/"+name] = newFile(name, body)
		}
		return nil
	})
	if err != nil || p.index == nil {
		panic(fmt.Errorf("the page is not built: run make web: %w", err))
	}
	return p
}

func withFacts(index []byte, facts Facts) []byte {
	raw, err := json.Marshal(facts)
	if err != nil || !bytes.Contains(index, []byte(factsMark)) {
		panic(fmt.Errorf("the page has no place for the vault's facts: %w", err))
	}
	filled := strings.Replace(factsMark, `""`, `"`+html.EscapeString(string(raw))+`"`, 1)
	return bytes.Replace(index, []byte(factsMark), []byte(filled), 1)
}

func newFile(name string, body []byte) *file {
	sum := sha256.Sum256(body)
	return &file{
		body: body, gzipped: compress(body), etag: hex.EncodeToString(sum[:16]),
		mediaType: mime.TypeByExtension(path.Ext(name)), immutable: strings.HasPrefix(name, assets),
	}
}

// compress writes to memory, which does not fail.
func compress(body []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression)
	_, _ = w.Write(body)
	_ = w.Close()
	return b.Bytes()
}

// Files returns a handler for each path but those of the page itself.
func (p *Page) Files() map[string]http.Handler {
	handlers := make(map[string]http.Handler, len(p.files))
	for name, f := range p.files {
		handlers[name] = f
	}
	return handlers
}

// ServeHTTP answers with the page itself, whatever the path is: which view that is, the page knows.
func (p *Page) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Cross-Origin-Opener-Policy", "same-origin")
	p.index.ServeHTTP(w, r)
}

// ServeHTTP sends the file, compressed to those who take that. The two are different to caches.
func (f *file) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if f.immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body, etag := f.body, f.etag
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") && r.Header.Get("Range") == "" {
		h.Set("Content-Encoding", "gzip")
		body, etag = f.gzipped, etag+"-gzip"
	}
	h.Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}
