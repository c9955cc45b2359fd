package desired

import (
	"crypto/x509"
	"encoding/pem"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// SecretError says what is wrong with the keys of a Secret, all at once. It quotes no value.
type SecretError struct {
	Missing []string // keys that are not there, or empty
	Wrong   []string // rules that are broken, each beginning with its key
}

// Error implements error.
func (e *SecretError) Error() string {
	var all []string
	if len(e.Missing) > 0 {
		all = append(all, "add the key "+strings.Join(e.Missing, ", "))
	}
	return strings.Join(append(all, e.Wrong...), "; ")
}

// secretReader reads keys of a Secret and collects what is wrong with them.
type secretReader struct {
	data    map[string][]byte
	missing []string
	rules   []string
}

func (s *secretReader) err() error {
	if len(s.missing)+len(s.rules) == 0 {
		return nil
	}
	return &SecretError{Missing: s.missing, Wrong: s.rules}
}

func (s *secretReader) wrong(key, rule string) { s.rules = append(s.rules, "key "+key+" "+rule) }

// text returns what may be left out. A line break at the end is the usual trace of a file or an echo: it would become part of a
// password.
func (s *secretReader) text(key string) string {
	value := string(s.data[key])
	if !utf8.ValidString(value) || strings.ContainsFunc(value, unicode.IsControl) {
		s.wrong(key, "holds a line break or another control character (files often end in one): write it without")
		return ""
	}
	return value
}

func (s *secretReader) required(key string) string {
	if len(s.data[key]) == 0 {
		s.missing = append(s.missing, key)
		return ""
	}
	return s.text(key)
}

func (s *secretReader) match(key string, pattern *regexp.Regexp, rule string) string {
	return s.check(key, s.required(key), pattern.MatchString, rule)
}

func (s *secretReader) host(key string) string {
	return s.check(key, s.required(key), isHost, "is the name or the address of one machine, without port and path")
}

func (s *secretReader) port(key, otherwise string) string {
	if port := s.check(key, s.text(key), isPort, "is a number from 1 to 65535"); port != "" {
		return port
	}
	return otherwise
}

func (s *secretReader) oneOf(key, otherwise string, values []string) string {
	known := func(text string) bool { return slices.Contains(values, text) }
	if value := s.check(key, s.text(key), known, "is one of "+strings.Join(values, ", ")); value != "" {
		return value
	}
	return otherwise
}

func (s *secretReader) boolean(key string, otherwise bool) bool {
	return s.oneOf(key, strconv.FormatBool(otherwise), []string{"true", "false"}) == "true"
}

// check returns a value that is there and passes, else nothing.
func (s *secretReader) check(key, value string, passes func(string) bool, rule string) string {
	if value != "" && !passes(value) {
		s.wrong(key, rule)
		return ""
	}
	return value
}

func (s *secretReader) origin(key string) string {
	value := s.text(key)
	if value == "" {
		return ""
	}
	u, ok := originParts(value)
	if !ok {
		s.wrong(key, "is a URL without a path, such as https://files.example.com")
		return ""
	}
	return u.String()
}

// endpoint returns the URL of an object store, which is written as one or as host:port; key secure tells then whether it speaks TLS.
func (s *secretReader) endpoint(key string, secure bool) string {
	value := s.required(key)
	explicit := len(s.data["secure"]) > 0
	secure = s.boolean("secure", secure)
	if strings.Contains(value, "://") {
		u, ok := originParts(value)
		if !ok {
			s.wrong(key, "is host:port, or a URL without a path, such as https://s3.example.com")
			return ""
		}
		if explicit && secure != (u.Scheme == "https") {
			s.wrong("secure", "says otherwise than the endpoint's scheme: leave it out")
		}
		return u.String()
	}
	scheme := "http://"
	if secure {
		scheme = "https://"
	}
	if _, ok := originParts(scheme + value); value != "" && (!ok || strings.Contains(value, "/")) {
		s.wrong(key, "is host:port, or a URL without a path, such as https://s3.example.com")
		return ""
	}
	return scheme + value
}

// certificates returns key ca.crt, which may be left out.
func (s *secretReader) certificates() []byte {
	certificates := s.data["ca.crt"]
	if len(certificates) > 0 && !AreCertificates(certificates) {
		s.wrong("ca.crt", "holds certificates in PEM, and nothing else")
		return nil
	}
	return certificates
}

// AreCertificates reports whether a text is one certificate in PEM, or several.
func AreCertificates(text []byte) bool {
	found := false
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return found
		}
		if _, err := x509.ParseCertificate(block.Bytes); block.Type != "CERTIFICATE" || err != nil {
			return false
		}
		found, text = true, rest
	}
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0
}

// address returns host:port, of an IPv6 host too.
func address(host, port string) string { return net.JoinHostPort(host, port) }
