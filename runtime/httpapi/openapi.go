package httpapi

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/docvault/docvault/runtime/document"
)

// documentation is the OpenAPI document and the page made from it, rendered once.
type documentation struct {
	json, page         []byte
	jsonETag, pageETag string
}

// newDocumentation panics if the table cannot be put into words, which no input changes: every test would see it.
func newDocumentation(routes []route, version string) *documentation {
	spec := newSpec(routes, version)
	raw, err := json.MarshalIndent(spec, "", "  ")
	if err != nil {
		panic(fmt.Errorf("write the OpenAPI document: %w", err))
	}
	page := renderPage(spec)
	return &documentation{json: raw, page: page, jsonETag: etagOf(raw), pageETag: etagOf(page)}
}

func etagOf(b []byte) string {
	sum := sha256.Sum256(b)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

const specDescription = "Errors are application/problem+json (RFC 9457): detail is for people, code is stable. " +
	"Text must be UTF-8 without NUL, else 400. Where the vault has a token, /api needs it as a bearer token or by a session."

// newSpec turns the table into an OpenAPI 3.1 document.
func newSpec(routes []route, version string) *huma.OpenAPI {
	registry := huma.NewMapRegistry("#/components/schemas/", schemaName)
	spec := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "DocVault", Version: version, Description: specDescription},
		Components: &huma.Components{
			Schemas: registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"token":   {Type: "http", Scheme: "bearer"},
				"session": {Type: "apiKey", In: "cookie", Name: sessionCookie},
			},
		},
	}
	for _, route := range routes {
		spec.AddOperation(operationOf(route, registry))
	}
	for _, schema := range registry.Map() {
		loosen(schema)
	}
	return spec
}

// schemaName keeps apart what went wrong with a document, which is part of it, and what went wrong with a request.
func schemaName(t reflect.Type, hint string) string {
	if t == reflect.TypeFor[*document.Problem]() {
		return "DocumentProblem"
	}
	name := strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Body")
	return strings.ToUpper(name[:1]) + name[1:]
}

// loosen takes back two habits of the generator: arrays are never null here, and objects may gain fields.
func loosen(s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	if s.AdditionalProperties == false {
		s.AdditionalProperties = nil
	}
	for _, property := range s.Properties {
		loosen(property)
	}
	loosen(s.Items)
}

func operationOf(route route, registry huma.Registry) *huma.Operation {
	operation := &huma.Operation{
		Method: route.method, Path: route.path, OperationID: route.id, Summary: route.summary, Description: route.description,
		Tags:        []string{tagOf(route.path)},
		Parameters:  parametersOf(route),
		RequestBody: requestBodyOf(route, registry),
		Responses:   responsesOf(route, registry),
	}
	if !route.open {
		operation.Security = []map[string][]string{{"token": {}}, {"session": {}}, {}}
	}
	return operation
}

func tagOf(path string) string {
	rest, ok := strings.CutPrefix(path, "/api/")
	if !ok {
		return "service"
	}
	tag, _, _ := strings.Cut(rest, "/")
	return tag
}

var pathParameter = regexp.MustCompile(`\{(\w+)\}`)

func parametersOf(route route) []*huma.Param {
	inPath := pathParameter.FindAllStringSubmatch(route.path, -1)
	all := make([]*huma.Param, 0, len(inPath)+len(route.params))
	for _, found := range inPath {
		all = append(all, &huma.Param{Name: found[1], In: "path", Required: true, Schema: &huma.Schema{Type: "string", Format: "uuid"}})
	}
	for _, p := range route.params {
		all = append(all, &huma.Param{Name: p.name, In: "query", Description: p.doc, Schema: p.schema()})
	}
	return all
}

func (p param) schema() *huma.Schema {
	s := &huma.Schema{Type: "string", Default: p.preset}
	switch p.kind {
	case kindInteger:
		lowest, highest := float64(p.min), float64(p.max)
		s.Type, s.Format, s.Minimum = "integer", "int64", &lowest
		if p.max != noLimit {
			s.Maximum = &highest
		}
	case kindBoolean:
		s.Type = "boolean"
	case kindInstant:
		s.Format = "date-time"
	case kindChoice:
		for _, choice := range p.choices {
			s.Enum = append(s.Enum, choice)
		}
	}
	return s
}

func requestBodyOf(route route, registry huma.Registry) *huma.RequestBody {
	if route.body == nil {
		return nil
	}
	mediaType := "application/json"
	if route.form {
		mediaType = "multipart/form-data"
	}
	schema := registry.Schema(reflect.TypeOf(route.body), true, "")
	return &huma.RequestBody{
		Required: !route.bodyOptional,
		Content:  map[string]*huma.MediaType{mediaType: {Schema: schema}},
	}
}

func responsesOf(route route, registry huma.Registry) map[string]*huma.Response {
	all := map[string]*huma.Response{}
	for _, status := range append([]int{route.status}, route.also...) {
		all[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: contentOf(route, status, registry)}
	}
	problems := registry.Schema(reflect.TypeFor[problem](), true, "")
	for _, status := range refusalsOf(route) {
		all[strconv.Itoa(status)] = &huma.Response{
			Description: http.StatusText(status),
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problems}},
		}
	}
	return all
}

func contentOf(route route, status int, registry huma.Registry) map[string]*huma.MediaType {
	content := map[string]*huma.MediaType{}
	if status == http.StatusNotModified || (status == http.StatusAccepted && route.write != nil) {
		return content
	}
	if route.reply != nil {
		content["application/json"] = &huma.MediaType{Schema: registry.Schema(reflect.TypeOf(route.reply), true, "")}
	}
	for _, mediaType := range route.media {
		content[mediaType] = &huma.MediaType{Schema: &huma.Schema{}}
	}
	return content
}

// refusalsOf adds to a route's own problems those that come with its shape.
func refusalsOf(route route) []int {
	all := append([]int{http.StatusBadRequest, http.StatusInternalServerError, http.StatusServiceUnavailable}, route.refusal...)
	if route.body != nil {
		all = append(all, http.StatusRequestTimeout, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if strings.Contains(route.path, "{id}") {
		all = append(all, http.StatusNotFound)
	}
	if !route.open {
		all = append(all, http.StatusUnauthorized, http.StatusTooManyRequests)
	}
	if route.method != http.MethodGet {
		all = append(all, http.StatusForbidden)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (a *api) openAPI(w http.ResponseWriter, c *call) error {
	return serveStatic(w, c, "application/json", a.docs.jsonETag, a.docs.json)
}

// OpenAPI returns the OpenAPI document for those that make clients from it.
func OpenAPI(version string) []byte {
	return newDocumentation((&api{}).routes(), version).json
}
