package config

import (
	"cmp"
	"log/slog"
	"net"
	"net/url"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// Defaults of what may be left out. The size is in bytes.
const (
	DefaultBucket         = "docuvault"
	DefaultRegion         = "us-east-1"
	DefaultMaxUploadBytes = 1 << 30
	DefaultTrashDays      = 30
	DefaultOCRLanguages   = "eng"

	DefaultExtractMaxPages       = 2_000
	DefaultExtractMaxTextBytes   = 16 << 20
	DefaultExtractMaxIndexed     = 512 << 10
	DefaultExtractMemoryBytes    = 512 << 20
	DefaultExtractTimeoutSeconds = 900
	DefaultExtractMaxPixels      = 100_000_000
	DefaultExtractOCRPageSeconds = 60

	DefaultExtractMaxExpandedBytes = 256 << 20
	DefaultExtractMaxEntries       = 10_000
	DefaultExtractMaxRatio         = 200
	DefaultExtractMaxDepth         = 256

	DefaultClassifyTimeoutSeconds = 120

	// largestUpload stays below what the object store's 10,000 parts of 8 MiB hold.
	largestUpload = 64 << 30
	// leastExtractMemory is what the process that reads has before it reads anything: with less every document would fail.
	leastExtractMemory = 128 << 20
)

// Log is how a program logs.
type Log struct {
	Level slog.Level
	JSON  bool
}

// ObjectStore is where a vault's bytes are.
type ObjectStore struct {
	Endpoint       string // host:port
	PublicEndpoint string // URL without a path; empty: the endpoint
	Secure         bool
	Region         string
	Bucket         string
	AccessKey      string
	SecretKey      Secret
}

// Extract bounds what reading one document may cost.
type Extract struct {
	MaxPages     int
	MaxTextBytes int64 // of text kept
	MaxIndexed   int64 // bytes of text that search gets
	MemoryBytes  int64 // of the process that reads
	Timeout      time.Duration

	MaxExpandedBytes int64 // of an archive
	MaxEntries       int   // of an archive or e-mail
	MaxRatio         int   // of an entry's size to its packed size
	MaxDepth         int   // of XML elements, RTF groups, parts of an e-mail in each other

	MaxPixels      int           // of an image, or of a page of one
	OCRPageTimeout time.Duration // of OCR, for a page
}

// Classify bounds what one call of a model provider may cost.
type Classify struct {
	Timeout     time.Duration
	InputTokens int // 0: the provider's default
}

// Runtime is the configuration of the API and the worker.
type Runtime struct {
	DatabaseURL Secret
	RedisURL    Secret
	Identity    string // marks the Redis; empty: nobody else can reach it
	ObjectStore ObjectStore

	SecretKey    []byte
	PreviousKeys [][]byte
	APIToken     Secret
	AnthropicKey Secret
	OpenAIKey    Secret
	// Classification is what the settings begin with.
	Classification Classification

	AllowedHosts   []string
	AllowedOrigins []string
	ListenAddr     string
	MetricsAddr    string
	MaxUploadBytes int64
	TrashFor       time.Duration
	Concurrency    int
	OCRLanguages   []string
	Extract        Extract
	Classify       Classify
	Log            Log
	Pprof          bool // on MetricsAddr
	Traces         bool
}

// Migrate is the configuration of `docvault migrate`.
type Migrate struct {
	DatabaseURL Secret
	Identity    string // marks the database; empty: it is marked otherwise
	AppLogin    string // that has no default privileges; empty: it has
	ResultFile  string // empty: none
	Log         Log
}

// Provision is the configuration of `docvault provision`: where to, and what shall exist there.
type Provision struct {
	PostgresAdminURL  Secret
	MinioRootUser     string
	MinioRootPassword Secret

	DatabaseURL        Secret
	DatabaseMigrateURL Secret
	ObjectStore        ObjectStore
	Log                Log
}

// LoadRuntime reads the environment through get. The error is of type Problems and holds all that is wrong.
func LoadRuntime(get func(string) string) (Runtime, error) {
	e := &environment{get: get}
	c := Runtime{
		DatabaseURL: e.postgres(DatabaseURL),
		RedisURL:    e.redis(RedisURL),
		Identity:    get(VaultIdentity),
		ObjectStore: e.objectStore(),

		SecretKey:    e.key(SecretKey),
		PreviousKeys: e.keys(SecretKeysPrevious),
		APIToken:     e.token(APIToken),
		AnthropicKey: Secret(get(AnthropicAPIKey)),
		OpenAIKey:    Secret(get(OpenAIAPIKey)),

		Classification: e.classification(),

		AllowedHosts:   e.hosts(AllowedHosts),
		AllowedOrigins: e.origins(CORSAllowedOrigins),
		ListenAddr:     e.address(ListenAddr, APIPort),
		MetricsAddr:    e.address(MetricsAddr, MetricsPort),
		MaxUploadBytes: e.size(MaxUploadBytes, DefaultMaxUploadBytes, 1, largestUpload),
		TrashFor:       time.Duration(e.number(TrashDays, DefaultTrashDays, 0, 36_500)) * 24 * time.Hour,
		Concurrency:    e.number(WorkerConcurrency, runtime.GOMAXPROCS(0), 1, 1_000),
		OCRLanguages:   e.languages(OCRLanguages, DefaultOCRLanguages),
		Extract:        e.extract(),
		Classify:       e.classify(),
		Log:            e.log(),
		Pprof:          e.boolean(MetricsPprof, false),
		Traces:         e.traces(),
	}
	if samePlace(c.ListenAddr, c.MetricsAddr) {
		e.problem(MetricsAddr, "is another port than that of "+ListenAddr)
	}
	return c, e.err()
}

// samePlace reports whether two servers would be in each other's way.
func samePlace(a, b string) bool {
	hostA, portA, _ := net.SplitHostPort(a)
	hostB, portB, _ := net.SplitHostPort(b)
	everywhere := func(host string) bool { return host == "" || net.ParseIP(host).IsUnspecified() }
	return portA == portB && portA != "0" && (hostA == hostB || everywhere(hostA) || everywhere(hostB))
}

// LoadMigrate reads the environment through get. Errors as LoadRuntime.
func LoadMigrate(get func(string) string) (Migrate, error) {
	e := &environment{get: get}
	c := Migrate{
		DatabaseURL: e.postgres(DatabaseMigrateURL), Identity: get(VaultIdentity), AppLogin: get(DatabaseAppLogin),
		ResultFile: get(MigrateResultFile), Log: e.log(),
	}
	return c, e.err()
}

// LoadProvision reads the environment through get. Errors as LoadRuntime.
func LoadProvision(get func(string) string) (Provision, error) {
	e := &environment{get: get}
	c := Provision{
		PostgresAdminURL:  e.postgres(PostgresAdminURL),
		MinioRootUser:     e.required(MinioRootUser),
		MinioRootPassword: Secret(e.required(MinioRootPassword)),

		DatabaseURL:        e.postgres(DatabaseURL),
		DatabaseMigrateURL: e.postgres(DatabaseMigrateURL),
		ObjectStore:        e.objectStore(),
		Log:                e.log(),
	}
	return c, e.err()
}

func (e *environment) extract() Extract {
	return Extract{
		MaxPages:     e.number(ExtractMaxPages, DefaultExtractMaxPages, 1, 1_000_000),
		MaxTextBytes: e.size(ExtractMaxTextBytes, DefaultExtractMaxTextBytes, 1, 256<<20),
		MaxIndexed:   e.size(ExtractMaxIndexed, DefaultExtractMaxIndexed, 1, 16<<20),
		MemoryBytes:  e.size(ExtractMemoryBytes, DefaultExtractMemoryBytes, leastExtractMemory, largestUpload),
		Timeout:      time.Duration(e.number(ExtractTimeoutSeconds, DefaultExtractTimeoutSeconds, 1, 86_400)) * time.Second,

		MaxExpandedBytes: e.size(ExtractMaxExpandedBytes, DefaultExtractMaxExpandedBytes, 1, largestUpload),
		MaxEntries:       e.number(ExtractMaxEntries, DefaultExtractMaxEntries, 1, 1_000_000),
		MaxRatio:         e.number(ExtractMaxRatio, DefaultExtractMaxRatio, 1, 1_100), // beyond, deflate cannot go
		MaxDepth:         e.number(ExtractMaxDepth, DefaultExtractMaxDepth, 8, 10_000),

		MaxPixels:      e.number(ExtractMaxPixels, DefaultExtractMaxPixels, 1, 2_000_000_000),
		OCRPageTimeout: time.Duration(e.number(ExtractOCRPageSeconds, DefaultExtractOCRPageSeconds, 1, 86_400)) * time.Second,
	}
}

// languageName is how tesseract names a language: eng, chi_sim, script/Latin.
var languageName = regexp.MustCompile(`^[A-Za-z][A-Za-z_/]*$`)

func (e *environment) languages(name, otherwise string) []string {
	languages := list(e.text(name, otherwise))
	for _, language := range languages {
		if !languageName.MatchString(language) {
			e.problem(name, "holds names of languages as tesseract has them, separated by commas, such as eng,deu")
			return nil
		}
	}
	return languages
}

func (e *environment) classify() Classify {
	return Classify{
		Timeout:     time.Duration(e.number(ClassifyTimeoutSeconds, DefaultClassifyTimeoutSeconds, 1, 3_600)) * time.Second,
		InputTokens: e.number(ClassifyInputTokens, 0, 0, 10_000_000),
	}
}

func (e *environment) objectStore() ObjectStore {
	return ObjectStore{
		Endpoint:       e.endpoint(MinioEndpoint),
		PublicEndpoint: e.publicEndpoint(MinioPublicEndpoint),
		Secure:         e.boolean(MinioSecure, false),
		Region:         e.text(MinioRegion, DefaultRegion),
		Bucket:         e.bucket(MinioBucket),
		AccessKey:      e.required(MinioAccessKey),
		SecretKey:      Secret(e.required(MinioSecretKey)),
	}
}

// bucketName is what S3 takes, old names too: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
var bucketName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$`)

func (e *environment) bucket(name string) string {
	text := e.text(name, DefaultBucket)
	if !bucketName.MatchString(text) {
		e.problem(name, "is the name of a bucket: 3 to 63 letters, digits, dots and hyphens")
	}
	return text
}

// postgres also takes the URLs of the Python product (postgresql+psycopg://), and gives them the form that Postgres knows.
func (e *environment) postgres(name string) Secret {
	text := e.required(name)
	if text == "" {
		return ""
	}
	scheme, rest, _ := strings.Cut(text, "://")
	scheme, _, _ = strings.Cut(scheme, "+")
	u, err := url.Parse("postgresql://" + rest)
	if err != nil || (scheme != "postgres" && scheme != "postgresql") || u.Host == "" || strings.Trim(u.Path, "/") == "" {
		e.problem(name, "is a URL of the form postgresql://user:password@host:5432/database")
		return ""
	}
	return Secret("postgresql://" + rest)
}

func (e *environment) redis(name string) Secret {
	text := e.required(name)
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "redis" && u.Scheme != "rediss") || u.Hostname() == "" || !isPort(cmp.Or(u.Port(), "6379")) ||
		!isNumber(cmp.Or(strings.Trim(u.Path, "/"), "0")) {
		e.problem(name, "is a URL of the form redis://user:password@host:6379/0")
		return ""
	}
	return Secret(text)
}

func (e *environment) endpoint(name string) string {
	text := e.required(name)
	if text == "" {
		return ""
	}
	if u, err := url.Parse("//" + text); err != nil || u.Host != text || u.Hostname() == "" || !isPort(u.Port()) {
		e.problem(name, "is host:port, without a scheme and a path")
	}
	return text
}

func (e *environment) publicEndpoint(name string) string {
	text := e.get(name)
	if text == "" {
		return ""
	}
	origin, ok := originOf(text)
	if !ok {
		e.problem(name, "is a URL without a path, such as https://files.example.com")
	}
	return origin
}

// token must not be one that nobody sees. Files that hold one end with a line break, which no header can carry.
func (e *environment) token(name string) Secret {
	given := e.get(name)
	text := strings.TrimSpace(given)
	if given != "" && text == "" {
		e.problem(name, "must not be blank")
	}
	return Secret(text)
}

func (e *environment) hosts(name string) []string {
	given := list(e.get(name))
	for _, host := range given {
		if _, _, err := net.SplitHostPort(host); err == nil || strings.ContainsAny(host, "/@ ") {
			e.problem(name, "holds host names, such as docs.example.com or *.example.com, without a scheme or a port, separated by commas")
			return nil
		}
	}
	return given
}

// origins are compared with what browsers send, which is in lower case.
func (e *environment) origins(name string) []string {
	given := list(e.get(name))
	for i, text := range given {
		origin, ok := originOf(text)
		if !ok {
			e.problem(name, "holds origins, such as https://app.example.com, separated by commas")
			return nil
		}
		given[i] = strings.ToLower(origin)
	}
	return given
}

func (e *environment) address(name string, port int) string {
	text := e.get(name)
	if text == "" {
		return net.JoinHostPort("", strconv.Itoa(port))
	}
	if _, number, err := net.SplitHostPort(text); err != nil || !isPort(number) {
		e.problem(name, "is host:port or :port")
	}
	return text
}

// traces tells whether traces are wanted: when there is an endpoint to send them to, unless they are turned off.
func (e *environment) traces() bool {
	endpoint := e.get(OTelEndpoint) + e.get(OTelTracesEndpoint)
	if endpoint == "" || e.boolean(OTelDisabled, false) || e.get(OTelExporter) == "none" {
		return false
	}
	for _, name := range []string{OTelProtocol, OTelTracesProtocol} {
		if protocol := e.text(name, "http/protobuf"); protocol != "http/protobuf" {
			e.problem(name, "is http/protobuf: no other is built in")
		}
	}
	if exporter := e.text(OTelExporter, "otlp"); exporter != "otlp" {
		e.problem(OTelExporter, "is otlp or none")
	}
	return true
}

func (e *environment) log() Log {
	var l Log
	if err := l.Level.UnmarshalText([]byte(e.text(LogLevel, "info"))); err != nil {
		e.problem(LogLevel, "is debug, info, warn or error")
	}
	switch e.text(LogFormat, "json") {
	case "json":
		l.JSON = true
	case "text":
	default:
		e.problem(LogFormat, "is json or text")
	}
	return l
}
