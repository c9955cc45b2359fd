package config

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"strconv"
	"strings"
)

// minKeyBytes is what a SECRET_KEY has, at least.
const minKeyBytes = 32

// Secret is a text that no log, error or status may show: however it is printed, it says that it is redacted.
type Secret string

const redacted = "[redacted]"

// Reveal returns the secret itself, for where it is used.
func (s Secret) Reveal() string { return string(s) }

// String implements fmt.Stringer.
func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer.
func (Secret) GoString() string { return redacted }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Problems is all that is wrong with an environment, one line each. No line quotes a value: it may be a secret.
type Problems []string

// Error implements error.
func (p Problems) Error() string { return strings.Join(p, "\n") }

// environment reads variables and collects what is wrong with them.
type environment struct {
	get      func(string) string
	problems Problems
}

func (e *environment) problem(name, rule string) {
	e.problems = append(e.problems, name+" "+rule)
}

func (e *environment) err() error {
	if len(e.problems) == 0 {
		return nil
	}
	return e.problems
}

func (e *environment) required(name string) string {
	text := e.get(name)
	if text == "" {
		e.problem(name, "is required")
	}
	return text
}

func (e *environment) text(name, otherwise string) string {
	if text := e.get(name); text != "" {
		return text
	}
	return otherwise
}

func (e *environment) boolean(name string, otherwise bool) bool {
	switch strings.ToLower(e.get(name)) {
	case "":
		return otherwise
	case "true", "1", "yes", "on":
		return true
	case "false", "0", "no", "off":
		return false
	}
	e.problem(name, "is true or false")
	return otherwise
}

func (e *environment) number(name string, otherwise, least, most int) int {
	text := e.get(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		e.problem(name, fmt.Sprintf("is a number from %d to %d", least, most))
		return otherwise
	}
	return n
}

// units of sizes, in bytes.
var units = []struct {
	suffix string
	bytes  int64
}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"", 1}}

func (e *environment) size(name string, otherwise, least, most int64) int64 {
	text := e.get(name)
	if text == "" {
		return otherwise
	}
	for _, unit := range units {
		digits, found := strings.CutSuffix(text, unit.suffix)
		if !found {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(digits), 10, 64)
		if err != nil || n < 1 || n > math.MaxInt64/unit.bytes || n*unit.bytes < least || n*unit.bytes > most {
			break
		}
		return n * unit.bytes
	}
	rule := fmt.Sprintf("is a number of bytes, or of KiB, MiB or GiB (such as 512MiB), at most %dMiB", most>>20)
	if least > 1 {
		rule += fmt.Sprintf(" and at least %dMiB", least>>20)
	}
	e.problem(name, rule)
	return otherwise
}

func (e *environment) key(name string) []byte {
	text := e.required(name)
	if text == "" {
		return nil
	}
	return e.decode(name, text)
}

func (e *environment) keys(name string) [][]byte {
	var keys [][]byte
	for _, text := range list(e.get(name)) {
		keys = append(keys, e.decode(name, text))
	}
	return keys
}

// decode tries hex first: 64 hex digits are base64 too.
func (e *environment) decode(name, text string) []byte {
	key, err := hex.DecodeString(text)
	if err != nil {
		key, err = base64.RawStdEncoding.DecodeString(strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(text, "=")))
	}
	if err != nil || len(key) < minKeyBytes {
		e.problem(name, fmt.Sprintf("has at least %d bytes, in hex or base64 (openssl rand -hex 32)", minKeyBytes))
		return nil
	}
	return key
}

// list splits at commas; empty elements are left out.
func list(text string) []string {
	var elements []string
	for element := range strings.SplitSeq(text, ",") {
		if element = strings.TrimSpace(element); element != "" {
			elements = append(elements, element)
		}
	}
	return elements
}

// originOf returns scheme://host[:port] of a URL that has no more than that, but for a slash at its end.
func originOf(text string) (origin string, ok bool) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" ||
		u.RawQuery != "" || u.Fragment != "" || u.User != nil || strings.Contains(u.Host, "*") {
		return "", false
	}
	return u.Scheme + "://" + u.Host, true
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n <= math.MaxUint16
}

func isNumber(text string) bool {
	_, err := strconv.ParseUint(text, 10, 16)
	return err == nil
}
