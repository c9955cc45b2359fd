package httpapi

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/docvault/docvault/runtime/document"
)

// maxRanges bounds what one request may ask for, as each range is a request to the store. Beyond, the whole is given, which
// RFC 9110 allows.
const maxRanges = 16

// contentPolicy keeps a document that a browser shows from doing anything: no scripts, no requests, an origin of its own.
const contentPolicy = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'"

// shownTypes are what browsers may show in place. HTML and SVG are not: they are programs.
var shownTypes = map[string]bool{
	"application/pdf": true,
	"image/png":       true,
	"image/jpeg":      true,
	"image/gif":       true,
	"image/webp":      true,
	"image/bmp":       true,
	"image/tiff":      true,
	"text/plain":      true,
}

// documentContent serves ranges straight from the store; http.ServeContent knows Range, If-Range and If-None-Match.
func (a *api) documentContent(w http.ResponseWriter, c *call) error {
	id, err := c.pathID()
	if err != nil {
		return err
	}
	content, err := a.vault.Open(c.Context(), a.actor(c.Request), id)
	if err != nil {
		return err
	}
	defer func() { _ = content.Close() }()
	d := content.Document
	mediaType, err := content.MediaType()
	if err != nil {
		return err
	}
	guardContent(w, mediaType, `"`+d.SHA256+`"`)
	w.Header().Set("Content-Disposition", disposition(dispositionOf(d, c.query.boolean("download")), d.OriginalName))
	return a.serveRanges(w, c, d.CreatedAt, content)
}

func dispositionOf(d document.Document, download bool) string {
	mediaType, _, _ := mime.ParseMediaType(d.MIMEType)
	if download || !shownTypes[mediaType] {
		return "attachment"
	}
	return "inline"
}

// documentText serves what was read. Its ETag changes with the document, for it can be read again.
func (a *api) documentText(w http.ResponseWriter, c *call) error {
	id, err := c.pathID()
	if err != nil {
		return err
	}
	d, err := a.vault.Get(c.Context(), a.actor(c.Request), id)
	if err != nil {
		return err
	}
	text, _, err := a.vault.Text(c.Context(), a.actor(c.Request), id, 0)
	if err != nil {
		return err
	}
	guardContent(w, "text/plain; charset=utf-8", `"`+d.SHA256+"-"+strconv.FormatInt(d.UpdatedAt.UnixMicro(), 36)+`"`)
	return a.serveRanges(w, c, time.Time{}, strings.NewReader(text))
}

// serveRanges is http.ServeContent with problems for errors: 416 is answered as one, and a read that failed is not lost.
func (a *api) serveRanges(w http.ResponseWriter, c *call, modified time.Time, content io.ReadSeeker) error {
	size, err := content.Seek(0, io.SeekEnd)
	if err != nil {
		return fmt.Errorf("measure the content: %w", err)
	}
	c.Header.Set("Range", rangeOf(c.Request, size))
	watched := &watchedReader{ReadSeeker: content}
	http.ServeContent(&rangeWriter{ResponseWriter: w, size: size}, c.Request, "", modified, watched)
	if watched.err != nil && c.Context().Err() == nil {
		a.log.LogAttrs(c.Context(), slog.LevelError, "content cut off", slog.String("path", c.URL.Path), slog.Any("error", watched.err))
	}
	return nil
}

var (
	rangeNumber = regexp.MustCompile(`[0-9]+`)
	emptySuffix = regexp.MustCompile(`^[ \t]*-0+[ \t]*$`)
)

// rangeOf is a request's Range as http.ServeContent has to see it to do as RFC 9110 says; empty where the whole is to be given. By
// itself it refuses units other than bytes, and numbers beyond int64, gives the last 0 bytes, and cuts the answer to HEAD.
func rangeOf(r *http.Request, size int64) string {
	unit, specs, _ := strings.Cut(r.Header.Get("Range"), "=")
	parts := strings.Split(specs, ",")
	if r.Method != http.MethodGet || !strings.EqualFold(unit, "bytes") || size == 0 || len(parts) > maxRanges {
		return ""
	}
	for i, part := range parts {
		if emptySuffix.MatchString(part) {
			part = strconv.FormatInt(size, 10) + "-" // as far beyond the end
		}
		parts[i] = rangeNumber.ReplaceAllStringFunc(part, func(digits string) string {
			n, _ := strconv.ParseInt(digits, 10, 64) // the largest where it is larger
			return strconv.FormatInt(n, 10)
		})
	}
	return "bytes=" + strings.Join(parts, ",")
}

// watchedReader remembers why reading ended early. The client learns it from a body shorter than its Content-Length.
type watchedReader struct {
	io.ReadSeeker
	err error
}

// Read implements io.Reader.
func (r *watchedReader) Read(p []byte) (int, error) {
	n, err := r.ReadSeeker.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		r.err = err
	}
	return n, err
}

// rangeWriter answers a range that lies outside the content, and a condition that does not hold, with a problem instead of a line of text.
type rangeWriter struct {
	http.ResponseWriter
	size    int64
	refused bool
}

// WriteHeader implements http.ResponseWriter.
func (w *rangeWriter) WriteHeader(status int) {
	switch status {
	case http.StatusRequestedRangeNotSatisfiable:
		w.refused = true
		// http.ServeContent leaves it out where it cannot read the range.
		w.Header().Set("Content-Range", "bytes */"+strconv.FormatInt(w.size, 10))
		writeProblem(w.ResponseWriter, errRange())
	case http.StatusPreconditionFailed:
		w.refused = true
		writeProblem(w.ResponseWriter, errPrecondition())
	default:
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements io.Writer.
func (w *rangeWriter) Write(p []byte) (int, error) {
	if w.refused {
		return len(p), nil
	}
	return w.ResponseWriter.Write(p)
}

func guardContent(w http.ResponseWriter, mediaType, etag string) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("ETag", etag)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Security-Policy", contentPolicy)
}
