package httpapi

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// The page at /docs has no script and loads nothing, so it can be read wherever the vault runs.
var (
	//go:embed docs.html
	pageHTML string
	//go:embed docs.css
	pageCSS string

	pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
		"type": typeInWords, "name": refName, "fields": fieldsInWords, "success": isSuccess,
	}).Parse(pageHTML))

	pagePolicy = "default-src 'none'; style-src 'sha256-" + styleHash() + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

func styleHash() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// pageView is the document in the order in which it is read.
type pageView struct {
	Info    *huma.Info
	Style   template.HTML
	Groups  []pageGroup
	Schemas []pageSchema
}

type pageGroup struct {
	Tag        string
	Operations []*huma.Operation
}

type pageSchema struct {
	Name   string
	Schema *huma.Schema
}

func renderPage(spec *huma.OpenAPI) []byte {
	style := template.HTML("<style>" + pageCSS + "</style>") //nolint:gosec // our own file
	view := pageView{Info: spec.Info, Style: style, Groups: groupsOf(spec)}
	schemas := spec.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		view.Schemas = append(view.Schemas, pageSchema{Name: name, Schema: schemas[name]})
	}
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, view); err != nil {
		panic(fmt.Errorf("render the page of the API: %w", err))
	}
	return page.Bytes()
}

func groupsOf(spec *huma.OpenAPI) []pageGroup {
	byTag := map[string][]*huma.Operation{}
	for _, path := range slices.Sorted(maps.Keys(spec.Paths)) {
		item := spec.Paths[path]
		for _, operation := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if operation != nil {
				byTag[operation.Tags[0]] = append(byTag[operation.Tags[0]], operation)
			}
		}
	}
	groups := make([]pageGroup, 0, len(byTag))
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		groups = append(groups, pageGroup{Tag: tag, Operations: byTag[tag]})
	}
	return groups
}

// typeInWords says what a schema takes in a few words.
func typeInWords(s *huma.Schema) string {
	switch {
	case s.Ref != "":
		return refName(s.Ref)
	case len(s.AnyOf) > 0:
		return typeInWords(s.AnyOf[0]) + " or null"
	case len(s.Enum) > 0:
		return fmt.Sprintf("one of %v", s.Enum)
	case s.Type == huma.TypeArray:
		return "list of " + typeInWords(s.Items)
	}
	words := s.Type
	if s.Format != "" && s.Type == huma.TypeString {
		words += " (" + s.Format + ")"
	}
	if s.Nullable {
		words += " or null"
	}
	return words + boundsInWords(s)
}

func boundsInWords(s *huma.Schema) string {
	words := ""
	switch {
	case s.Minimum != nil && s.Maximum != nil:
		words = fmt.Sprintf(", %.0f to %.0f", *s.Minimum, *s.Maximum)
	case s.Minimum != nil:
		words = fmt.Sprintf(", at least %.0f", *s.Minimum)
	}
	if s.Default != nil {
		words += fmt.Sprintf(", %v if not given", s.Default)
	}
	return words
}

// fieldsInWords lists the fields of a body that has no schema of its own to point to.
func fieldsInWords(fields map[string]*huma.Schema) string {
	return strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
}

func refName(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

func isSuccess(status string) bool { return status < "400" }

func (a *api) docsPage(w http.ResponseWriter, c *call) error {
	w.Header().Set("Content-Security-Policy", pagePolicy)
	return serveStatic(w, c, "text/html; charset=utf-8", a.docs.pageETag, a.docs.page)
}

func serveStatic(w http.ResponseWriter, c *call, mediaType, etag string, body []byte) error {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("ETag", etag)
	h.Set("Cache-Control", "no-cache")
	http.ServeContent(w, c.Request, "", time.Time{}, bytes.NewReader(body))
	return nil
}
