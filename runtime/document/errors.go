package document

import "errors"

// What use cases answer, as sentinels: the edges (REST, worker) turn each into their own words, errors.Is tells which it is.
var (
	ErrNotFound        = errors.New("not found")
	ErrConflict        = errors.New("already exists")
	ErrEmpty           = errors.New("the file is empty")
	ErrTooLarge        = errors.New("the file is too large")
	ErrUnsupportedType = errors.New("this type of file is not supported")
	// ErrNoPreview says that there is no picture of this page, and will be none: no such page, or not of a kind that can be shown.
	ErrNoPreview = errors.New("no preview")
	// ErrCutOff says that the bytes ended before the sender said that they would: nothing was stored.
	ErrCutOff = errors.New("the upload was cut off")
	// ErrUnavailable says that a store, database or queue that this needs does not answer now: try again later.
	ErrUnavailable = errors.New("temporarily unavailable")
	// ErrStale says that a newer generation of the same work exists: what this worker found out is dropped.
	ErrStale = errors.New("overtaken by newer work")
)

// UnsupportedTypeError is an ErrUnsupportedType that may know what else can be done.
type UnsupportedTypeError struct {
	Instead string // for people; empty when there is nothing to say
}

// Error implements error.
func (e *UnsupportedTypeError) Error() string { return ErrUnsupportedType.Error() }

// Unwrap makes it an ErrUnsupportedType.
func (e *UnsupportedTypeError) Unwrap() error { return ErrUnsupportedType }

// Codes of Problem for documents that failed for good.
const (
	CodePasswordRequired = "password_required"
	CodeMalformed        = "malformed"
	CodeTooLargeToRead   = "too_large_to_read"
	CodeTimedOut         = "timed_out"
	CodeUnsupported      = "unsupported"
)

// ReadError says that a document can never be read, and why. Any other error of reading is a passing fault.
type ReadError struct {
	Code   string // one of the Code constants
	Detail string // for people: what is wrong and what to do
}

// Error implements error.
func (e *ReadError) Error() string { return e.Code + ": " + e.Detail }

// InvalidError says that a value which a user gave cannot be taken, and what to do instead.
type InvalidError struct {
	Field  string
	Detail string
}

// Error implements error.
func (e *InvalidError) Error() string { return e.Field + ": " + e.Detail }
