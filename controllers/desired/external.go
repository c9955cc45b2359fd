package desired

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/runtime/config"
)

// ExternalRedis is a Redis that the vault's owner brings.
type ExternalRedis struct {
	Host     string
	Port     string
	Username string // empty: Redis' default user
	Password string // empty: without one
	TLS      bool
	CA       []byte // PEM; empty: the image's own authorities
}

const (
	defaultPostgresPort = "5432"
	defaultRegion       = "us-east-1"
)

// ExternalRedisOf reads what the Secret of an external Redis says.
// Errors: *SecretError.
func ExternalRedisOf(data map[string][]byte) (ExternalRedis, error) {
	s := &secretReader{data: data}
	r := ExternalRedis{
		Host:     s.host("host"),
		Port:     s.port("port", "6379"),
		Username: s.text("username"),
		Password: s.text("password"),
		CA:       s.certificates(),
	}
	r.TLS = s.boolean("tls", len(r.CA) > 0)
	return r, s.err()
}

// ExternalPostgresOf reads what the Secret of an external database says.
// Errors: *SecretError.
func ExternalPostgresOf(data map[string][]byte) (Postgres, error) {
	s := &secretReader{data: data}
	modes := []string{
		string(v1alpha1.SSLDisable), string(v1alpha1.SSLRequire), string(v1alpha1.SSLVerifyCA), string(v1alpha1.SSLVerifyFull),
	}
	p := Postgres{
		Host:            s.host("host"),
		Port:            s.port("port", defaultPostgresPort),
		Database:        s.match("database", databaseName, "is the name of a database: letters, digits, _, -, . and $, at most 63"),
		AppLogin:        s.required("username"),
		AppPassword:     s.required("password"),
		MigrateLogin:    s.required("migrateUsername"),
		MigratePassword: s.required("migratePassword"),
		SSLMode:         v1alpha1.SSLMode(s.oneOf("sslmode", string(v1alpha1.SSLVerifyFull), modes)),
		CA:              s.certificates(),
	}
	return p, s.err()
}

// ExternalObjectStoreOf reads what the Secret of an external bucket says.
// Errors: *SecretError.
func ExternalObjectStoreOf(data map[string][]byte) (ObjectStore, error) {
	s := &secretReader{data: data}
	o := ObjectStore{
		PublicEndpoint: s.origin("publicEndpoint"),
		Region:         s.text("region"),
		Bucket:         s.match("bucket", bucketName, "is the name of a bucket: 3 to 63 lower-case letters, digits, dots and hyphens"),
		AccessKey:      s.required("accessKey"),
		SecretKey:      s.required("secretKey"),
		CA:             s.certificates(),
	}
	if o.Region == "" {
		o.Region = defaultRegion
	}
	o.Endpoint = s.endpoint("endpoint", len(o.CA) > 0)
	return o, s.err()
}

// ProviderKeyOf reads a classification provider's API key out of the Secret that holds it.
// Errors: *SecretError.
func ProviderKeyOf(data map[string][]byte, key string) (string, error) {
	s := &secretReader{data: data}
	if len(data[key]) == 0 {
		s.missing = append(s.missing, key)
		return "", s.err()
	}
	value, wrong := config.CheckAPIKey(string(data[key]))
	if wrong != "" {
		s.wrong(key, wrong)
	}
	return value, s.err()
}

var (
	databaseName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.$-]{0,62}$`)
	bucketName   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	hostName     = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?$`)
)

// isHost takes names and addresses of machines, and nothing that means something else to a client of Postgres or Redis: no path (a
// Unix socket), no list, no user, no port.
func isHost(text string) bool { return hostName.MatchString(text) || net.ParseIP(text) != nil }

// originParts splits scheme://host[:port]; ok is false of everything else.
func originParts(text string) (u *url.URL, ok bool) {
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || u.RawQuery != "" || u.ForceQuery ||
		u.Fragment != "" || strings.Trim(u.Path, "/") != "" || !isHost(u.Hostname()) || (u.Port() != "" && !isPort(u.Port())) {
		return nil, false
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host}, true
}

// CheckClassification finds what no pod would start with, and the API server lets pass.
func CheckClassification(c v1alpha1.ClassificationSpec) error {
	for _, field := range []struct {
		name, value string
		check       func(string) (value, wrong string)
	}{
		{"model", c.Model, func(name string) (string, string) { return config.CheckModel(string(c.Provider), name) }},
		{"baseURL", c.BaseURL, config.CheckBaseURL},
		{"systemPrompt", c.SystemPrompt, config.CheckSystemPrompt},
	} {
		if field.value == "" {
			continue
		}
		if _, wrong := field.check(field.value); wrong != "" {
			return fmt.Errorf("spec.classification.%s %s", field.name, wrong)
		}
	}
	return nil
}
