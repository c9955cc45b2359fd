package httpapi

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// paramKind is how a parameter of the query is read.
type paramKind int

const (
	kindText paramKind = iota
	kindInteger
	kindBoolean
	kindInstant
	kindChoice
)

// param is one parameter of a query, documented and checked by the same words.
type param struct {
	name     string
	doc      string
	kind     paramKind
	preset   any      // the value when it is not given, nil: none
	min, max int64    // kindInteger, inclusive
	choices  []string // kindChoice
}

func textParam(name, doc string) param { return param{name: name, doc: doc, kind: kindText} }

func intParam(name string, preset any, lowest, highest int64, doc string) param {
	return param{name: name, doc: doc, kind: kindInteger, preset: preset, min: lowest, max: highest}
}

func boolParam(name, doc string) param {
	return param{name: name, doc: doc, kind: kindBoolean, preset: false}
}

func timeParam(name, doc string) param { return param{name: name, doc: doc, kind: kindInstant} }

func choiceParam(name, doc string, choices ...string) param {
	return param{name: name, doc: doc, kind: kindChoice, choices: choices}
}

// query holds the values of a request's parameters by name, each of the type of its kind. What was not given and has no preset
// is absent.
type query map[string]any

func (q query) text(name string) string {
	v, _ := q[name].(string)
	return v
}

func (q query) integer(name string) *int64 {
	if v, ok := q[name].(int64); ok {
		return &v
	}
	return nil
}

func (q query) boolean(name string) bool {
	v, _ := q[name].(bool)
	return v
}

func (q query) instant(name string) time.Time {
	v, _ := q[name].(time.Time)
	return v
}

// parseQuery reads what the route documents. An empty text is as good as none; a value given twice is refused, for "and" and "or"
// are both easy guesses.
func parseQuery(raw string, params []param, strict bool) (query, error) {
	// Go refuses a semicolon, for what it separated once. It is text as any other.
	values, err := url.ParseQuery(strings.ReplaceAll(raw, ";", "%3B"))
	if err != nil {
		return nil, errMalformed("The query of the URL cannot be read.")
	}
	if strict {
		if err := refuseUnknown(values, params); err != nil {
			return nil, err
		}
	}
	q := query{}
	for _, p := range params {
		given := values[p.name]
		switch {
		case len(given) > 1:
			return nil, errBadParameter(p.name, "must not be given more than once.")
		case len(given) == 0 || p.kind == kindText && given[0] == "":
			if p.preset != nil {
				q[p.name] = p.preset
			}
		default:
			if q[p.name], err = p.parse(given[0]); err != nil {
				return nil, err
			}
		}
	}
	return q, nil
}

func refuseUnknown(values url.Values, params []param) error {
	for name := range values {
		if !slices.ContainsFunc(params, func(p param) bool { return p.name == name }) {
			return errBadParameter(name, "is no parameter of this call.")
		}
	}
	return nil
}

func (p param) parse(s string) (any, error) {
	switch p.kind {
	case kindInteger:
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil || n < p.min || n > p.max {
			return nil, errBadParameter(p.name, p.bounds())
		}
		return n, nil
	case kindBoolean:
		return parseBool(p.name, s)
	case kindInstant:
		return p.parseInstant(s)
	case kindChoice:
		if !slices.Contains(p.choices, s) {
			return nil, errBadParameter(p.name, "must be one of "+strings.Join(p.choices, ", ")+".")
		}
	}
	return s, nil
}

func (p param) bounds() string {
	if p.max == noLimit {
		return fmt.Sprintf("must be a whole number, at least %d.", p.min)
	}
	return fmt.Sprintf("must be a whole number from %d to %d.", p.min, p.max)
}

// parseInstant takes RFC 3339, whose letters have any case, or a date for its first moment in UTC.
func (p param) parseInstant(s string) (any, error) {
	s = strings.ToUpper(zoneOf(s))
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		// The zero time would count as none.
		if t, err := time.Parse(layout, s); err == nil && t.After(time.Time{}) {
			return t.UTC(), nil
		}
	}
	return nil, errBadParameter(p.name, "must be a time as 2026-01-31T12:00:00Z, or a date.")
}

// zoneOf gives a time its + back: unescaped in a query, it stands for a space, and is too easily forgotten.
func zoneOf(s string) string {
	if at := len(s) - len(" 01:00"); at > 0 && s[at] == ' ' {
		return s[:at] + "+" + s[at+1:]
	}
	return s
}

// boolSpellings are all that the API takes for yes and no, in any case.
var boolSpellings = map[string]bool{
	"true": true, "1": true, "yes": true, "on": true,
	"false": false, "0": false, "no": false, "off": false,
}

func parseBool(name, s string) (bool, error) {
	b, ok := boolSpellings[strings.ToLower(s)]
	if !ok {
		return false, errBadParameter(name, "must be true or false, 1 or 0, yes or no, on or off.")
	}
	return b, nil
}
