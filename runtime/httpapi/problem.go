package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"

	"github.com/docvault/docvault/runtime/document"
)

// problem is what an error looks like to a client (RFC 9457). Code is stable and for programs, Detail is for people.
type problem struct {
	Type   string `json:"type" doc:"Always about:blank: code tells problems apart."`
	Title  string `json:"title" doc:"The status in words."`
	Status int    `json:"status"`
	Detail string `json:"detail" doc:"What is wrong and what to do, for people."`
	Code   string `json:"code" doc:"Stable, for programs."`
	Field  string `json:"field,omitempty" doc:"The parameter or field that could not be taken."`

	retryAfter int  // seconds, 0: none
	challenge  bool // tell the client how to authenticate
	hangUp     bool // the rest of the request is not wanted
}

// statusClientGone is what the log shows when a client left before it was answered; nobody receives it.
const statusClientGone = 499

// Seconds after which it is worth trying again.
const (
	retryUnavailable = 5
	retryThrottled   = 1
)

// Error implements error.
func (p *problem) Error() string { return p.Code + ": " + p.Detail }

func newProblem(status int, code, detail string) *problem {
	return &problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// errBadParameter says in a sentence what is wrong with a field: detail goes on from its name, as in "must be a whole number".
func errBadParameter(field, detail string) *problem {
	p := newProblem(http.StatusBadRequest, "invalid_value", field+" "+strings.TrimSuffix(detail, ".")+".")
	p.Field = field
	return p
}

func errBadText() *problem {
	return newProblem(http.StatusBadRequest, "invalid_text", "Text must be UTF-8 and must not hold NUL.")
}

func errMalformed(detail string) *problem {
	return newProblem(http.StatusBadRequest, "malformed_request", detail)
}

func errMissingFile() *problem {
	return newProblem(http.StatusBadRequest, "missing_file", "The form must hold one file, in a field named file.")
}

func errBadHost() *problem {
	return newProblem(http.StatusBadRequest, "host_not_allowed", "This host name is not served here.")
}

func errUnauthorized(detail string) *problem {
	p := newProblem(http.StatusUnauthorized, "unauthorized", detail)
	p.challenge = true
	return p
}

func errCrossSite() *problem {
	return newProblem(http.StatusForbidden, "cross_site", "A page of another site may not change this vault.")
}

func errNoSuchPath() *problem {
	return newProblem(http.StatusNotFound, "not_found", "There is nothing at this path. /docs says which paths there are.")
}

func errMethodNotAllowed(method string, allowed []string) *problem {
	return newProblem(http.StatusMethodNotAllowed, "method_not_allowed",
		fmt.Sprintf("This path does not take %s, but %s.", method, strings.Join(allowed, ", ")))
}

func errTooSlow(detail string) *problem {
	p := newProblem(http.StatusRequestTimeout, "too_slow", detail)
	p.hangUp = true
	return p
}

func errTooLarge(detail string) *problem {
	p := newProblem(http.StatusRequestEntityTooLarge, "too_large", detail)
	p.hangUp = true
	return p
}

func errRange() *problem {
	return newProblem(http.StatusRequestedRangeNotSatisfiable, "range_not_satisfiable", "The document is shorter than that.")
}

func errPrecondition() *problem {
	return newProblem(http.StatusPreconditionFailed, "precondition_failed",
		"The document is not the one that If-Match or If-Unmodified-Since names.")
}

func errMediaType(want string) *problem {
	return newProblem(http.StatusUnsupportedMediaType, "unsupported_media_type", "The body must be "+want+".")
}

// errUnsupportedType also says what the file is and what can be done, where that is known.
func errUnsupportedType(err error) *problem {
	detail := "Files of this type are not supported."
	if known, ok := errors.AsType[*document.UnsupportedTypeError](err); ok && known.Instead != "" {
		detail += " " + known.Instead
	}
	return newProblem(http.StatusUnsupportedMediaType, "unsupported_type", detail)
}

// unknownTopic turns a choice of topics that the vault does not know into its own problem: the request is well formed, but asks
// for what is not there.
func unknownTopic(err error) error {
	invalid, ok := errors.AsType[*document.InvalidError](err)
	if !ok {
		return err
	}
	p := newProblem(http.StatusUnprocessableEntity, "unknown_topic", invalid.Detail)
	p.Field = invalid.Field
	return p
}

func errThrottled() *problem {
	p := newProblem(http.StatusTooManyRequests, "too_many_attempts", "Too many wrong tokens at once. Try again shortly.")
	p.retryAfter, p.hangUp = retryThrottled, true
	return p
}

func errUnavailable() *problem {
	p := newProblem(http.StatusServiceUnavailable, "unavailable", "Something that this needs does not answer now. Try again shortly.")
	p.retryAfter = retryUnavailable
	return p
}

func errTooManyStreams() *problem {
	p := newProblem(http.StatusServiceUnavailable, "too_many_streams", "Too many streams of events are open here. Try again shortly.")
	p.retryAfter = retryUnavailable
	return p
}

// asProblem puts an error of the vault into the client's words. What it does not know is `internal` and tells nothing.
func asProblem(err error, subject string) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if invalid, ok := errors.AsType[*document.InvalidError](err); ok {
		return errBadParameter(invalid.Field, invalid.Detail)
	}
	switch {
	case errors.Is(err, document.ErrNotFound):
		return newProblem(http.StatusNotFound, "not_found", subject+" not found")
	case errors.Is(err, document.ErrNoPreview):
		return newProblem(http.StatusNotFound, "no_preview", "There is no such page, or it cannot be shown as a picture.")
	case errors.Is(err, document.ErrConflict):
		return newProblem(http.StatusConflict, "conflict", "A "+strings.ToLower(subject)+" of this name exists already.")
	case errors.Is(err, document.ErrEmpty):
		return newProblem(http.StatusBadRequest, "empty_file", "The file is empty.")
	case errors.Is(err, document.ErrCutOff):
		return newProblem(http.StatusBadRequest, "cut_off", "The upload ended before it was complete. Nothing was stored.")
	case errors.Is(err, document.ErrTooSlow):
		return errTooSlow("Other uploads were waiting, and the file came at less than 64 KiB a second: it was given up. Try again later.")
	case errors.Is(err, document.ErrTooLarge):
		return errTooLarge("The file is larger than this vault takes.")
	case errors.Is(err, document.ErrUnsupportedType):
		return errUnsupportedType(err)
	case errors.Is(err, document.ErrUnavailable), errors.Is(err, context.DeadlineExceeded):
		return errUnavailable()
	}
	return newProblem(http.StatusInternalServerError, "internal", "Something went wrong here. The server's log says what.")
}

// fail answers an error. It is the one place that logs what the client is not told.
func (a *api) fail(w http.ResponseWriter, r *http.Request, err error, subject string) {
	if errors.Is(r.Context().Err(), context.Canceled) {
		w.WriteHeader(statusClientGone)
		return
	}
	if tooSlow(r) {
		err = errTooSlow("The request arrived too slowly and was given up.")
	}
	p := asProblem(err, subject)
	if p.Status >= http.StatusInternalServerError {
		a.log.LogAttrs(r.Context(), logLevelOf(p), "request failed", slog.String("method", r.Method),
			slog.String("path", r.URL.Path), slog.String("code", p.Code), slog.Any("error", err))
	}
	drain(r)
	writeProblem(w, p)
}

// logLevelOf tells outages, which others report as well, from what is a fault of this program.
func logLevelOf(p *problem) slog.Level {
	if p.Status == http.StatusServiceUnavailable {
		return slog.LevelWarn
	}
	return slog.LevelError
}

func writeProblem(w http.ResponseWriter, p *problem) {
	h := w.Header()
	for _, name := range []string{"Content-Disposition", "Content-Encoding", "ETag", "Last-Modified"} {
		h.Del(name)
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	if p.challenge {
		h.Set("WWW-Authenticate", `Bearer realm="docvault"`)
	}
	if p.hangUp {
		h.Set("Connection", "close")
	}
	writeBody(w, p.Status, "application/problem+json", p)
}

// writeJSON answers with status and v, or with no body when v is nil.
func writeJSON(w http.ResponseWriter, status int, v any) {
	if v == nil {
		w.WriteHeader(status)
		return
	}
	writeBody(w, status, "application/json", v)
}

// writeBody leaves an error of writing alone: the client is gone, and the access log has the bytes that it got.
func writeBody(w http.ResponseWriter, status int, mediaType string, v any) {
	w.Header().Set("Content-Type", mediaType)
	if w.Header().Get("Cache-Control") == "" {
		w.Header().Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false) // links and highlights are to be read as they are; no browser takes JSON for a page
	_ = encoder.Encode(v)
}
