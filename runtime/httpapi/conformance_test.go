package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// contract is the OpenAPI document that a running API serves. As a client's transport it checks every answer against it.
type contract struct {
	t        *testing.T
	document map[string]any
	compiler *jsonschema.Compiler
	paths    []pathPattern
}

type pathPattern struct {
	template string
	pattern  *regexp.Regexp
}

const documentURL = "https://docvault.test/openapi.json"

// readContract fetches the document from base. Objects are closed for the tests: an answer may hold nothing undocumented.
func readContract(t *testing.T, base string) *contract {
	t.Helper()
	response := fetch(t, http.DefaultClient, http.MethodGet, base+"/openapi.json", nil)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(response.body))
	if err != nil {
		t.Fatalf("read openapi.json: %v", err)
	}
	c := &contract{t: t, document: document.(map[string]any), compiler: jsonschema.NewCompiler()}
	for _, schema := range at(c.document, "components", "schemas") {
		closeObjects(schema)
	}
	c.compiler.DefaultDraft(jsonschema.Draft2020)
	c.compiler.AssertFormat()
	if err := c.compiler.AddResource(documentURL, document); err != nil {
		t.Fatal(err)
	}
	parameter := regexp.MustCompile(`\\\{\w+\\\}`)
	for template := range at(c.document, "paths") {
		pattern := "^" + parameter.ReplaceAllString(regexp.QuoteMeta(template), "[^/]+") + "$"
		c.paths = append(c.paths, pathPattern{template, regexp.MustCompile(pattern)})
	}
	return c
}

func closeObjects(schema any) {
	object := schema.(map[string]any)
	properties, ok := object["properties"].(map[string]any)
	if !ok {
		return
	}
	object["additionalProperties"] = false
	for _, property := range properties {
		closeObjects(property)
	}
}

// at walks down an object; a path that does not exist gives nil.
func at(object map[string]any, path ...string) map[string]any {
	for _, step := range path {
		object, _ = object[step].(map[string]any)
	}
	return object
}

// RoundTrip implements http.RoundTripper.
func (c *contract) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if response.Header.Get("Content-Type") == "text/event-stream" { // has no end
		return response, c.check(r, response, nil)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return response, nil //nolint:nilerr // a body that was cut off is the caller's to judge
	}
	if err := c.check(r, response, body); err != nil {
		c.t.Errorf("%s %s answered %d, which the contract does not say: %v\n%s", r.Method, r.URL.Path, response.StatusCode, err, body)
	}
	return response, nil
}

func (c *contract) check(r *http.Request, response *http.Response, body []byte) error {
	template, operation := c.operation(r)
	if operation == nil {
		return c.validate("#/components/schemas/Problem", body)
	}
	status := strconv.Itoa(response.StatusCode)
	documented := at(operation, "responses", status)
	if documented == nil {
		return errors.New("the status is not documented")
	}
	content := at(documented, "content")
	if len(body) == 0 || r.Method == http.MethodHead {
		return nil
	}
	mediaType, _, err := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if err != nil {
		return fmt.Errorf("content type: %w", err)
	}
	if content[mediaType] == nil && content["*/*"] == nil {
		return fmt.Errorf("the content type %s is not documented", mediaType)
	}
	if mediaType != "application/json" && mediaType != "application/problem+json" || content[mediaType] == nil {
		return nil
	}
	method := strings.ToLower(r.Method)
	return c.validate("#/"+strings.Join([]string{
		"paths", escapePointer(template), method, "responses", status, "content", escapePointer(mediaType), "schema",
	}, "/"), body)
}

// operation finds what the document says of a request; a template without parameters goes before one with.
func (c *contract) operation(r *http.Request) (template string, operation map[string]any) {
	method := strings.ToLower(r.Method)
	if method == "head" {
		method = "get"
	}
	for _, path := range c.paths {
		if !path.pattern.MatchString(r.URL.Path) {
			continue
		}
		found := at(c.document, "paths", path.template, method)
		if found != nil && (operation == nil || path.template == r.URL.Path) {
			template, operation = path.template, found
		}
	}
	return template, operation
}

func (c *contract) validate(pointer string, body []byte) error {
	schema, err := c.compiler.Compile(documentURL + pointer)
	if err != nil {
		return fmt.Errorf("compile the schema: %w", err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("read the body: %w", err)
	}
	return schema.Validate(value)
}

func escapePointer(s string) string {
	s = strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
	return strings.NewReplacer("{", "%7B", "}", "%7D").Replace(s)
}

// TestEveryRouteAnswers asks for each row of the table with an id that does not exist and a body that says nothing.
func TestEveryRouteAnswers(t *testing.T) {
	t.Parallel()
	a := newApp(t)
	asked := 0
	for _, path := range a.contract.paths {
		for method := range at(a.contract.document, "paths", path.template) {
			url := a.url(strings.ReplaceAll(path.template, "{id}", "00000000-0000-4000-8000-000000000000"))
			if path.template == "/api/events" {
				method = "head" // the answer to GET has no end
			}
			got := fetch(t, a.client, strings.ToUpper(method), url, nil)
			if got.StatusCode == http.StatusMethodNotAllowed || got.StatusCode >= http.StatusInternalServerError ||
				strings.Contains(string(got.body), "nothing at this path") {
				t.Errorf("%s %s: %d %s", method, path.template, got.StatusCode, got.body)
			}
			asked++
		}
	}
	if asked < 20 {
		t.Errorf("the document has only %d operations", asked)
	}
}

// TestDocumentIsWhole holds what other programs read in the document besides the schemas.
func TestDocumentIsWhole(t *testing.T) {
	t.Parallel()
	c := newApp(t).contract
	if c.document["openapi"] != "3.1.0" {
		t.Errorf("openapi is %v", c.document["openapi"])
	}
	var ids []string
	for _, path := range c.paths {
		for method := range at(c.document, "paths", path.template) {
			operation := at(c.document, "paths", path.template, method)
			id, _ := operation["operationId"].(string)
			if id == "" || operation["summary"] == "" || slices.Contains(ids, id) {
				t.Errorf("%s %s has operationId %q, summary %q", method, path.template, id, operation["summary"])
			}
			ids = append(ids, id)
		}
	}
	text, err := json.Marshal(c.document)
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range regexp.MustCompile(`"\$ref":"#/components/schemas/(\w+)"`).FindAllSubmatch(text, -1) {
		if at(c.document, "components", "schemas", string(ref[1])) == nil {
			t.Errorf("the document refers to %s and does not have it", ref[1])
		}
	}
}
