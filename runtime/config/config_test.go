package config_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docvault/docvault/runtime/config"
)

const hexKey = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// complete is the least that the API and the worker need.
var complete = map[string]string{
	config.DatabaseURL: "postgresql://u:p@db:5432/vault", config.RedisURL: "redis://u:p@redis:6379/0",
	config.MinioEndpoint: "minio:9000", config.MinioAccessKey: "a", config.MinioSecretKey: "s", config.SecretKey: hexKey,
}

// load reads a complete environment but for the given changes: name, value, name, value.
func load(changes ...string) (config.Runtime, error) {
	return config.LoadRuntime(func(name string) string {
		for i := 0; i < len(changes); i += 2 {
			if changes[i] == name {
				return changes[i+1]
			}
		}
		return complete[name]
	})
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	c, err := load()
	if err != nil {
		t.Fatal(err)
	}
	if c.ListenAddr != ":8000" || c.MetricsAddr != ":9090" || c.MaxUploadBytes != 1<<30 || c.TrashFor != 30*24*time.Hour ||
		c.ObjectStore.Bucket != "docuvault" || c.ObjectStore.Region != "us-east-1" || c.ObjectStore.Secure || c.APIToken != "" ||
		c.Concurrency < 1 || !slices.Equal(c.OCRLanguages, []string{"eng"}) || !c.Log.JSON || c.Log.Level != slog.LevelInfo ||
		c.Extract.MaxPages != 2000 || c.Extract.Timeout != 15*time.Minute || c.AllowedHosts != nil || len(c.SecretKey) != 32 {
		t.Fatalf("%+v", c)
	}
}

func TestForms(t *testing.T) {
	t.Parallel()
	c, err := load(
		config.DatabaseURL, "postgresql+psycopg://u:p%40ss@db/vault?sslmode=disable",
		config.MaxUploadBytes, "512MiB", config.TrashDays, "0", config.MinioSecure, "TRUE",
		config.AllowedHosts, "a.example, *.b.example,", config.MinioPublicEndpoint, "https://files.example.com/",
		config.SecretKeysPrevious, hexKey+","+hexKey, config.LogLevel, "DEBUG", config.LogFormat, "text",
	)
	if err != nil {
		t.Fatal(err)
	}
	if c.DatabaseURL.Reveal() != "postgresql://u:p%40ss@db/vault?sslmode=disable" || c.MaxUploadBytes != 512<<20 || c.TrashFor != 0 ||
		!c.ObjectStore.Secure || !slices.Equal(c.AllowedHosts, []string{"a.example", "*.b.example"}) ||
		c.ObjectStore.PublicEndpoint != "https://files.example.com" || len(c.PreviousKeys) != 2 || c.Log.JSON {
		t.Fatalf("%+v", c)
	}
}

func TestSecretKeyIsHexBeforeBase64(t *testing.T) {
	t.Parallel()
	plain := bytes.Repeat([]byte{0xfb, 0xff}, 16)
	for text, want := range map[string][]byte{
		hexKey:                                   bytes.Repeat([]byte{0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff}, 2),
		base64.StdEncoding.EncodeToString(plain): plain, base64.RawStdEncoding.EncodeToString(plain): plain,
		base64.URLEncoding.EncodeToString(plain): plain, base64.RawURLEncoding.EncodeToString(plain): plain,
	} {
		c, err := load(config.SecretKey, text)
		if err != nil || !bytes.Equal(c.SecretKey, want) {
			t.Errorf("%s: %x, %v", text, c.SecretKey, err)
		}
	}
}

func TestWrongValuesAreNamedAndNotShown(t *testing.T) {
	t.Parallel()
	for name, values := range map[string][]string{
		config.DatabaseURL:         {"", "mysql://u:p@h/d", "postgres://u:p@h", "postgres:///d", "::"},
		config.RedisURL:            {"", "http://h", "h:6379", "redis://h:port/0", "redis://h:99999/0", "redis://h:6379/first"},
		config.MinioEndpoint:       {"", "http://h:9000", "h/path", "u@h", "minio.example.com", "h:", "h:99999"},
		config.MinioPublicEndpoint: {"h:9000", "https://h/path", "ftp://h", "https://u:p@h"},
		config.CORSAllowedOrigins:  {"*", "null", "front.example.com", "https://*.example.com", "https://a.example,https://b.example/app", "https://u:p@h"},
		config.AllowedHosts:        {"https://vault.example", "vault.example/api", "u@vault.example", "localhost:8000"},
		config.APIToken:            {"  "},
		config.MinioSecure:         {"maybe"},
		config.MinioBucket:         {"ab", "my bucket", "bucket/", strings.Repeat("x", 64)},
		config.MetricsAddr:         {":8000", "127.0.0.1:8000", "9090"},
		config.SecretKey:           {"", "tooshortvalue", strings.Repeat("ab", 31), strings.Repeat("!", 64)},
		config.SecretKeysPrevious:  {"tooshortvalue"},
		config.ListenAddr:          {"8000", "h:http", ":99999"},
		config.MaxUploadBytes:      {"0", "-1", "1TB", "1.5GiB", "9223372036854775807GiB", "65GiB"},
		config.ExtractMemoryBytes:  {"1MiB", "100"},
		config.TrashDays:           {"-1", "x"},
		config.WorkerConcurrency:   {"0", "1e3"},
		config.OCRLanguages:        {"eng;deu", "-l", "eng,../deu"},
		config.ExtractMaxPixels:    {"0", "many"},
		config.LogLevel:            {"loud"},
		config.LogFormat:           {"xml"},

		config.ClassificationProvider:     {"gpt", "OpenAI"},
		config.ClassificationModel:        {"some-model"}, // builtin has none
		config.ClassificationBaseURL:      {"https://models.example.com/v1"},
		config.ClassificationAPIKey:       {"sk-something-long"},
		config.ClassificationSystemPrompt: {"  ", strings.Repeat("x", 10_001)},

		config.ClassifyTimeoutSeconds: {"0", "x"},
		config.ClassifyInputTokens:    {"-1", "many"},
	} {
		for _, value := range values {
			_, err := load(name, value)
			var problems config.Problems
			if !errors.As(err, &problems) || len(problems) != 1 || !strings.HasPrefix(problems[0], name+" ") {
				t.Errorf("%s=%q: %v", name, value, err)
				continue
			}
			if len(value) > 9 && strings.Contains(problems[0], value) {
				t.Errorf("%s=%q is shown: %v", name, value, err)
			}
		}
	}
}

func TestClassification(t *testing.T) {
	t.Parallel()
	const (
		provider, model, url = config.ClassificationProvider, config.ClassificationModel, config.ClassificationBaseURL
		key, prompt          = config.ClassificationAPIKey, config.ClassificationSystemPrompt
	)
	for _, c := range []struct {
		set   []string
		want  config.Classification
		wrong string // the variables with a problem
	}{
		{nil, config.Classification{Provider: "builtin"}, ""},
		{[]string{prompt, "File them."}, config.Classification{Provider: "builtin", SystemPrompt: "File them."}, ""},
		{
			[]string{provider, "openai", model, " m ", url, "http://10.0.0.1:8080/v1/", key, " sk-1\n", prompt, "File them."},
			config.Classification{Provider: "openai", Model: "m", BaseURL: "http://10.0.0.1:8080/v1", APIKey: "sk-1", SystemPrompt: "File them."},
			"",
		},
		{[]string{provider, "anthropic", key, "sk-2"}, config.Classification{Provider: "anthropic", APIKey: "sk-2"}, ""},
		{[]string{provider, "lmstudio", url, "http://lm:1234/v1"}, config.Classification{Provider: "lmstudio", BaseURL: "http://lm:1234/v1"}, ""},

		{[]string{provider, "anthropic", url, "https://a.example/v1"}, config.Classification{Provider: "anthropic"}, url},
		{[]string{provider, "lmstudio", key, "sk-3"}, config.Classification{Provider: "lmstudio"}, key},
		{
			[]string{provider, "openai", model, " ", url, "https://u:p@h/v1", key, "two words"},
			config.Classification{Provider: "openai"},
			model + url + key,
		},
		{[]string{provider, "unheard", model, "m", url, "nowhere", key, "sk-4"}, config.Classification{Provider: "unheard", Model: "m", APIKey: "sk-4"}, provider + url},
	} {
		got, err := load(c.set...)
		var problems config.Problems
		_ = errors.As(err, &problems)
		wrong := ""
		for _, problem := range problems {
			name, _, _ := strings.Cut(problem, " ")
			wrong += name
		}
		if got.Classification != c.want || wrong != c.wrong {
			t.Errorf("%q: %+v, %v", c.set, got.Classification, err)
		}
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	_, err := config.LoadProvision(func(string) string { return "" })
	var problems config.Problems
	if !errors.As(err, &problems) || len(problems) != 8 {
		t.Fatalf("%d problems: %v", len(problems), err)
	}
}

func TestTraces(t *testing.T) {
	t.Parallel()
	const endpoint = "http://collector:4318"
	for _, c := range []struct {
		about  string
		set    []string
		traces bool
		wrong  int
	}{
		{"nothing", nil, false, 0},
		{"an endpoint", []string{config.OTelEndpoint, endpoint}, true, 0},
		{"an endpoint of traces", []string{config.OTelTracesEndpoint, endpoint + "/v1/traces", config.OTelProtocol, "http/protobuf"}, true, 0},
		{"turned off", []string{config.OTelEndpoint, endpoint, config.OTelDisabled, "true"}, false, 0},
		{"no exporter", []string{config.OTelEndpoint, endpoint, config.OTelExporter, "none"}, false, 0},
		{"what is not built in", []string{config.OTelEndpoint, endpoint, config.OTelProtocol, "grpc", config.OTelExporter, "zipkin"}, true, 2},
		{"what is not built in, unused", []string{config.OTelProtocol, "grpc"}, false, 0},
	} {
		got, err := load(c.set...)
		var problems config.Problems
		if errors.As(err, &problems); got.Traces != c.traces || len(problems) != c.wrong {
			t.Errorf("%s: traces %t, %v", c.about, got.Traces, err)
		}
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	secret := config.Secret("do not show")
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "secret", secret, "config", struct{ S config.Secret }{secret})
	asJSON, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprintf("%v %s %+v %#v %q", secret, secret, struct{ S config.Secret }{secret}, secret, secret), log.String(), string(asJSON)} {
		if strings.Contains(text, "do not show") || !strings.Contains(text, "[redacted]") {
			t.Errorf("shown: %s", text)
		}
	}
	if secret.Reveal() != "do not show" {
		t.Error("not revealed")
	}
}
