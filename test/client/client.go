// Package client speaks DocVault's REST API the way a user's program does. The
// demo and the black-box tests share it; nothing of the product imports it.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"time"
)

// Client talks to one vault.
type Client struct {
	// BaseURL is the vault's address without a trailing slash, such as http://127.0.0.1:8000.
	BaseURL string
	// Token is sent as a bearer token when it is not empty.
	Token string
	HTTP  *http.Client // nil: the usual one
}

// Document is what the API says of one document, as far as the callers here look.
type Document struct {
	ID             string   `json:"id"`
	OriginalName   string   `json:"original_name"`
	MIMEType       string   `json:"mime_type"`
	Size           int64    `json:"size"`
	SHA256         string   `json:"sha256"`
	Status         string   `json:"status"`
	Error          *Problem `json:"error"`
	Topics         []string `json:"topics"`
	Classification struct {
		Status string   `json:"status"`
		Error  *Problem `json:"error"`
	} `json:"classification"`
	PageCount     *int   `json:"page_count"`
	ExtractedText string `json:"extracted_text"`
	Duplicate     bool   `json:"duplicate"`
}

// Problem is a stable code and a readable sentence.
type Problem struct {
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

// Topic is a name that documents are filed under.
type Topic struct {
	ID          string `json:"id,omitempty"`
	Name        string `json:"name"`
	Description string `json:"description"`
}

// StatusError is an answer other than the 2xx that was hoped for.
type StatusError struct {
	Status int
	Problem
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("HTTP %d %s: %s", e.Status, e.Code, e.Detail)
}

// HasStatus tells whether err is an answer with this HTTP status.
func HasStatus(err error, status int) bool {
	var answer *StatusError
	return errors.As(err, &answer) && answer.Status == status
}

// Upload sends one file. The same bytes sent again give the document that is there.
func (c *Client) Upload(ctx context.Context, name string, content []byte) (Document, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", name)
	if err != nil {
		return Document{}, fmt.Errorf("start the form: %w", err)
	}
	if _, err := part.Write(content); err != nil {
		return Document{}, fmt.Errorf("write the form: %w", err)
	}
	if err := form.Close(); err != nil {
		return Document{}, fmt.Errorf("end the form: %w", err)
	}
	var document Document
	err = c.json(ctx, http.MethodPost, "/api/documents/upload", form.FormDataContentType(), &body, &document)
	return document, err
}

// Get returns a document with its text.
func (c *Client) Get(ctx context.Context, id string) (Document, error) {
	var document Document
	err := c.json(ctx, http.MethodGet, "/api/documents/"+url.PathEscape(id), "", nil, &document)
	return document, err
}

// List returns the first hundred documents that the filters leave.
func (c *Client) List(ctx context.Context, filters url.Values) ([]Document, error) {
	if filters == nil {
		filters = url.Values{}
	}
	filters.Set("per_page", "100")
	var page struct {
		Documents []Document `json:"documents"`
	}
	err := c.json(ctx, http.MethodGet, "/api/documents?"+filters.Encode(), "", nil, &page)
	return page.Documents, err
}

// Content returns a document's bytes.
func (c *Client) Content(ctx context.Context, id string) ([]byte, error) {
	return c.do(ctx, http.MethodGet, "/api/documents/"+url.PathEscape(id)+"/content", "", nil)
}

// DownloadURL returns a presigned link to a document's bytes.
func (c *Client) DownloadURL(ctx context.Context, id string) (string, error) {
	var link struct {
		URL string `json:"url"`
	}
	err := c.json(ctx, http.MethodGet, "/api/documents/"+url.PathEscape(id)+"/download-url", "", nil, &link)
	return link.URL, err
}

// Delete removes a document for good.
func (c *Client) Delete(ctx context.Context, id string) error {
	_, err := c.do(ctx, http.MethodDelete, "/api/documents/"+url.PathEscape(id)+"?permanent=true", "", nil)
	return err
}

// EnsureTopic makes a topic; one of that name that is there already is fine.
func (c *Client) EnsureTopic(ctx context.Context, topic Topic) error {
	body, err := json.Marshal(topic)
	if err != nil {
		return fmt.Errorf("encode topic: %w", err)
	}
	_, err = c.do(ctx, http.MethodPost, "/api/topics", "application/json", bytes.NewReader(body))
	if HasStatus(err, http.StatusConflict) {
		return nil
	}
	return err
}

// Settled tells that nothing more will happen to a document by itself.
func (d Document) Settled() bool {
	read := d.Status == "ready" || d.Status == "failed"
	return read && d.Classification.Status != "pending"
}

// WaitSettled asks until the document is settled, or ctx ends.
func (c *Client) WaitSettled(ctx context.Context, id string) (Document, error) {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		document, err := c.Get(ctx, id)
		if err == nil && document.Settled() {
			return document, nil
		}
		select {
		case <-ctx.Done():
			//nolint:errorlint // the last answer may be nil
			return document, fmt.Errorf("wait for document %s (%s, last answer: %v): %w", id, document.Status, err, ctx.Err())
		case <-tick.C:
		}
	}
}

// Fetch returns what is behind a link, without the vault's token.
func Fetch(ctx context.Context, link string) ([]byte, error) {
	outside := Client{BaseURL: link}
	return outside.do(ctx, http.MethodGet, "", "", nil)
}

func (c *Client) json(ctx context.Context, method, path, contentType string, body io.Reader, into any) error {
	answer, err := c.do(ctx, method, path, contentType, body)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("decode the answer of %s %s: %w", method, path, err)
	}
	return nil
}

func (c *Client) do(ctx context.Context, method, path, contentType string, body io.Reader) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, c.BaseURL+path, body)
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if c.Token != "" {
		request.Header.Set("Authorization", "Bearer "+c.Token)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := cmp.Or(c.HTTP, http.DefaultClient).Do(request)
	if err != nil {
		return nil, fmt.Errorf("send request: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, fmt.Errorf("read the answer of %s %s: %w", method, path, err)
	}
	if response.StatusCode >= http.StatusMultipleChoices {
		return nil, statusError(response.StatusCode, answer)
	}
	return answer, nil
}

// statusError keeps what can be read of a problem; a proxy's answer may be no JSON at all.
func statusError(status int, answer []byte) error {
	failure := &StatusError{Status: status}
	if err := json.Unmarshal(answer, &failure.Problem); err != nil {
		failure.Detail = string(answer[:min(len(answer), 200)])
	}
	return failure
}
