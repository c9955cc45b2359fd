package desired_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/docvault/docvault/api/v1alpha1"
	"github.com/docvault/docvault/controllers/desired"
	"github.com/docvault/docvault/runtime/config"
)

// brought is a vault whose owner brings everything.
func brought() desired.Input {
	in := minimal()
	in.Ledger.Identity = "abcdefghijklmnop"
	in.Ledger.Postgres = desired.Postgres{
		Host: "db.acme.example", Port: "5433", SSLMode: v1alpha1.SSLVerifyFull, CA: []byte("certificate of the database\n"),
		Database: "docs", AppLogin: "app", AppPassword: "app password", MigrateLogin: "owner", MigratePassword: "migrate:password",
	}
	in.Ledger.ExternalPostgres = true
	in.Ledger.ObjectStore = desired.ObjectStore{
		Endpoint: "http://s3.acme.example:9000", Region: "eu-1", Bucket: "acme-docs", AccessKey: "key", SecretKey: "store-secret",
		CA: []byte("certificate of the store\n"),
	}
	in.Ledger.ExternalRedis = &desired.ExternalRedis{
		Host: "2001:db8::1", Port: "6380", Username: "docs", Password: "redis/password", TLS: true, CA: []byte("certificate of Redis\n"),
	}
	in.Ledger.ProviderKey = "sk-secret"
	in.Vault.Spec.Classification = v1alpha1.ClassificationSpec{
		Provider: "openai", Model: "gpt-4o", BaseURL: "http://models.acme.svc:8080/v1", SystemPrompt: "File them.",
	}
	return in
}

var wholeSecrets = map[string]map[string]string{
	"redis": {"host": "redis.acme.svc", "port": "6380", "username": "docs", "password": "hidden-value", "tls": "false"},
	"postgres": {
		"host": "10.0.0.7", "port": "5433", "database": "acme_docs", "username": "app", "password": "hidden-value",
		"migrateUsername": "owner", "migratePassword": "hidden-value", "sslmode": "require",
	},
	"objectStore": {
		"endpoint": "minio.acme.svc:9000", "publicEndpoint": "https://files.acme.example", "region": "eu-1", "bucket": "acme-docs",
		"accessKey": "key", "secretKey": "hidden-value", "secure": "true",
	},
}

func parse(kind string, data map[string][]byte) (parsed any, err error) {
	switch kind {
	case "redis":
		return desired.ExternalRedisOf(data)
	case "postgres":
		return desired.ExternalPostgresOf(data)
	}
	return desired.ExternalObjectStoreOf(data)
}

// withKey returns a whole Secret with one key changed; without it when the value is "-".
func withKey(kind, key, value string) map[string][]byte {
	data := map[string][]byte{}
	for k, v := range wholeSecrets[kind] {
		data[k] = []byte(v)
	}
	if data[key] = []byte(value); value == "-" {
		delete(data, key)
	}
	return data
}

func TestWholeSecretsAreRead(t *testing.T) {
	t.Parallel()
	for kind, want := range map[string]any{
		"redis": desired.ExternalRedis{Host: "redis.acme.svc", Port: "6380", Username: "docs", Password: "hidden-value"},
		"postgres": desired.Postgres{
			Host: "10.0.0.7", Port: "5433", Database: "acme_docs", AppLogin: "app", AppPassword: "hidden-value",
			MigrateLogin: "owner", MigratePassword: "hidden-value", SSLMode: v1alpha1.SSLRequire,
		},
		"objectStore": desired.ObjectStore{
			Endpoint: "https://minio.acme.svc:9000", PublicEndpoint: "https://files.acme.example", Region: "eu-1", Bucket: "acme-docs",
			AccessKey: "key", SecretKey: "hidden-value",
		},
	} {
		got, err := parse(kind, withKey(kind, "unknown", "is left alone"))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", kind, got, err)
		}
	}
}

func TestKeysThatMayBeLeftOut(t *testing.T) {
	t.Parallel()
	ca := string(certificate(t))
	for _, c := range []struct {
		kind, key, value string
		says             func(any) bool
	}{
		{"redis", "port", "-", func(a any) bool { return a.(desired.ExternalRedis).Port == "6379" }},
		{"redis", "tls", "-", func(a any) bool { return !a.(desired.ExternalRedis).TLS }},
		{"redis", "host", "::1", func(a any) bool { return a.(desired.ExternalRedis).Host == "::1" }},
		{"redis", "ca.crt", ca, func(a any) bool { return !a.(desired.ExternalRedis).TLS }}, // tls is false
		{"postgres", "port", "", func(a any) bool { return a.(desired.Postgres).Port == "5432" }},
		{"postgres", "sslmode", "-", func(a any) bool { return a.(desired.Postgres).SSLMode == v1alpha1.SSLVerifyFull }},
		{"postgres", "ca.crt", ca + ca, func(a any) bool { return len(a.(desired.Postgres).CA) == 2*len(ca) }},
		{"objectStore", "secure", "-", func(a any) bool { return a.(desired.ObjectStore).Endpoint == "http://minio.acme.svc:9000" }},
		{"objectStore", "region", "-", func(a any) bool { return a.(desired.ObjectStore).Region == "us-east-1" }},
		{"objectStore", "endpoint", "https://s3.acme.example/", func(a any) bool {
			return a.(desired.ObjectStore).Endpoint == "https://s3.acme.example"
		}},
	} {
		got, err := parse(c.kind, withKey(c.kind, c.key, c.value))
		if err != nil || !c.says(got) {
			t.Errorf("%s with %s=%q: %+v, %v", c.kind, c.key, c.value, got, err)
		}
	}
}

// TestBadKeysAreNamedAndNotShown goes through what is missing, and what could make a client do something else than connect to a server.
func TestBadKeysAreNamedAndNotShown(t *testing.T) {
	t.Parallel()
	hosts := []string{"/var/run/postgresql", "a,b", "db:5432", "user@db", "db?sslmode=disable", "-db", "a b", "db/", "h\n", "[::1]", strings.Repeat("h", 254)}
	ports := []string{"0", "65536", "five", "-1", "54 32", "5432\n"}
	authorities := []string{
		"no certificate", "-----BEGIN CERTIFICATE-----\naGlkZGVu\n-----END CERTIFICATE-----\n",
		"-----BEGIN PRIVATE KEY-----\naGlkZGVu\n-----END PRIVATE KEY-----\n", "/etc/ssl/cert.pem",
	}
	for kind, bad := range map[string]map[string][]string{
		"redis": {
			"host": hosts, "port": ports, "username": {"a\x00b"}, "password": {"hidden-value\n"}, "tls": {"yes", "TRUE"}, "ca.crt": authorities,
		},
		"postgres": {
			"host": hosts, "port": ports, "username": {"a\r"}, "password": {"hidden\xff"}, "migrateUsername": {"\x01"}, "migratePassword": {"\n"},
			"database": {"a/b", "dbname=x host=/tmp", "a?sslmode=disable", strings.Repeat("d", 64)},
			"sslmode":  {"prefer", "allow", "VERIFY-FULL"}, "ca.crt": authorities,
		},
		"objectStore": {
			"endpoint":       {"ftp://s3", "https://u:p@s3", "https://s3/bucket", "s3/bucket", "s3:http", "s3:0", "https://s3?x", "/s3", "http://s3"},
			"publicEndpoint": {"files.acme.example", "https://f/x", "javascript://f"}, "bucket": {"A", "ab", "a/b", "../a", "Acme"},
			"accessKey": {"\t"}, "secretKey": {"hidden\n"}, "region": {"\n"}, "secure": {"1"}, "ca.crt": authorities,
		},
	} {
		for key, values := range bad {
			for _, value := range values {
				mustName(t, kind, key, value, false)
			}
		}
	}
	for kind, keys := range map[string][]string{
		"redis": {"host"}, "postgres": {"host", "database", "username", "password", "migrateUsername", "migratePassword"},
		"objectStore": {"endpoint", "bucket", "accessKey", "secretKey"},
	} {
		for _, key := range keys {
			mustName(t, kind, key, "-", true)
			mustName(t, kind, key, "", true)
		}
	}
}

func mustName(t *testing.T, kind, key, value string, missing bool) {
	t.Helper()
	_, err := parse(kind, withKey(kind, key, value))
	var wrong *desired.SecretError
	if !errors.As(err, &wrong) {
		t.Errorf("%s with %s=%q: %v", kind, key, value, err)
		return
	}
	named := slices.Contains(wrong.Missing, key)
	if !missing {
		// http://s3 says otherwise than secure.
		named = len(wrong.Wrong) == 1 && (strings.HasPrefix(wrong.Wrong[0], "key "+key+" ") || value == "http://s3")
	}
	if text := err.Error(); !named || strings.Contains(text, "hidden") || (len(value) > 9 && strings.Contains(text, value)) {
		t.Errorf("%s with %s=%q: %v", kind, key, value, err)
	}
}

func TestProviderKeys(t *testing.T) {
	t.Parallel()
	if key, err := desired.ProviderKeyOf(map[string][]byte{"k": []byte("sk-1\n")}, "k"); key != "sk-1" || err != nil {
		t.Errorf("%q, %v", key, err)
	}
	for _, value := range []string{"", "two words", " "} {
		if _, err := desired.ProviderKeyOf(map[string][]byte{"k": []byte(value)}, "k"); err == nil {
			t.Errorf("%q is taken", value)
		}
	}
}

func TestClassificationThatNoPodStartsWith(t *testing.T) {
	t.Parallel()
	for field, c := range map[string]v1alpha1.ClassificationSpec{
		"model":        {Provider: "openai", Model: " "},
		"baseURL":      {Provider: "openai", BaseURL: "http://[::1"},
		"systemPrompt": {SystemPrompt: "\n"},
	} {
		if err := desired.CheckClassification(c); err == nil || !strings.Contains(err.Error(), "spec.classification."+field) {
			t.Errorf("%s: %v", field, err)
		}
	}
	if err := desired.CheckClassification(brought().Vault.Spec.Classification); err != nil {
		t.Error(err)
	}
}

// TestTheRuntimeTakesWhatIsWritten has the runtime read the environment of API, worker and migration.
func TestTheRuntimeTakesWhatIsWritten(t *testing.T) {
	t.Parallel()
	for name, in := range map[string]desired.Input{"minimal": minimal(), "brought": brought()} {
		in.Ledger.SecretKey = strings.Repeat("ab", 32)
		env := map[string]string{}
		maps.Copy(env, desired.RuntimeConfigMap(in).Data)
		for key, value := range desired.RuntimeSecret(in).Data {
			env[key] = string(value)
		}
		c, err := config.LoadRuntime(func(name string) string { return env[name] })
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if external := in.Ledger.ExternalRedis != nil; (c.Identity != "") != external {
			t.Errorf("%s: identity %q", name, c.Identity)
		}
		if string(c.Classification.APIKey) != in.Ledger.ProviderKey {
			t.Errorf("%s: provider key %q", name, c.Classification.APIKey.Reveal())
		}
	}
}

func TestWhatMovesAnExternalDatabaseMigratesAnew(t *testing.T) {
	t.Parallel()
	name := func(change func(*desired.Postgres)) string {
		in := brought()
		change(&in.Ledger.Postgres)
		return *desired.MigrationJob(in).Name
	}
	same := name(func(*desired.Postgres) {})
	for what, moved := range map[string]string{
		"host":     name(func(p *desired.Postgres) { p.Host = "other" }),
		"database": name(func(p *desired.Postgres) { p.Database = "other" }),
		"login":    name(func(p *desired.Postgres) { p.AppLogin = "other" }),
	} {
		if moved == same {
			t.Errorf("another %s has the same migration", what)
		}
	}
	if name(func(p *desired.Postgres) { p.AppPassword, p.MigratePassword = "new", "new" }) != same {
		t.Error("new passwords migrate anew")
	}
}

func TestClassLimitIsTheDefaultOfUploads(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ class, vault, want string }{
		{"", "", ""}, {"500Mi", "", "524288000"}, {"5Gi", "", ""}, {"500Mi", "100Mi", "104857600"}, {"", "2Gi", "2147483648"},
	} {
		in := minimal()
		in.Class.Spec.Limits.MaxUploadSize, in.Vault.Spec.API.MaxUploadSize = quantity(c.class), quantity(c.vault)
		for _, role := range []desired.Role{desired.API(in), desired.Worker(in)} {
			got := ""
			for _, env := range desired.Deployment(in, role).Spec.Template.Spec.Containers[0].Env {
				if *env.Name == config.MaxUploadBytes {
					got = *env.Value
				}
			}
			if got != c.want {
				t.Errorf("class %q, vault %q: %q, want %q", c.class, c.vault, got, c.want)
			}
		}
	}
}

func certificate(t *testing.T) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func quantity(text string) *resource.Quantity {
	if text == "" {
		return nil
	}
	return new(resource.MustParse(text))
}
