// Package config is the one place that knows the names, defaults and rules of the runtime's environment. The operator uses the
// names when it writes the environment of its pods; the programs read and validate what they get.
package config

// Names of the environment variables of the runtime; docs/configuration.md lists their meaning.
const (
	DatabaseURL        = "DATABASE_URL"
	DatabaseMigrateURL = "DATABASE_MIGRATE_URL"
	DatabaseAppLogin   = "DATABASE_APP_LOGIN" // is given its rights by migrate, where nobody else has
	RedisURL           = "REDIS_URL"

	// VaultIdentity marks the Redis of API and worker, and the database of migrate, as one vault's alone. Another's mark is refused.
	VaultIdentity = "VAULT_IDENTITY"

	MinioEndpoint       = "MINIO_ENDPOINT"
	MinioAccessKey      = "MINIO_ACCESS_KEY"
	MinioSecretKey      = "MINIO_SECRET_KEY"
	MinioBucket         = "MINIO_BUCKET"
	MinioRegion         = "MINIO_REGION"
	MinioSecure         = "MINIO_SECURE"
	MinioPublicEndpoint = "MINIO_PUBLIC_ENDPOINT"

	SecretKey          = "SECRET_KEY"
	SecretKeysPrevious = "SECRET_KEYS_PREVIOUS"
	APIToken           = "API_TOKEN"
	AllowedHosts       = "ALLOWED_HOSTS"
	CORSAllowedOrigins = "CORS_ALLOWED_ORIGINS"
	AnthropicAPIKey    = "ANTHROPIC_API_KEY"
	OpenAIAPIKey       = "OPENAI_API_KEY"

	// What the settings of classification are until they are changed. Model, base URL and key are the named provider's; the key goes to
	// that base URL alone.
	ClassificationProvider     = "CLASSIFICATION_PROVIDER"
	ClassificationModel        = "CLASSIFICATION_MODEL"
	ClassificationBaseURL      = "CLASSIFICATION_BASE_URL"
	ClassificationAPIKey       = "CLASSIFICATION_API_KEY"
	ClassificationSystemPrompt = "CLASSIFICATION_SYSTEM_PROMPT"

	ListenAddr        = "LISTEN_ADDR"
	MetricsAddr       = "METRICS_ADDR"
	MaxUploadBytes    = "MAX_UPLOAD_BYTES"
	TrashDays         = "TRASH_DAYS"
	WorkerConcurrency = "WORKER_CONCURRENCY"
	OCRLanguages      = "OCR_LANGUAGES"
	LogLevel          = "LOG_LEVEL"
	LogFormat         = "LOG_FORMAT"

	MetricsPprof = "METRICS_PPROF"

	// Of OpenTelemetry: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables. Its library reads these and
	// more by itself; these say whether there are traces at all.
	OTelDisabled       = "OTEL_SDK_DISABLED"
	OTelExporter       = "OTEL_TRACES_EXPORTER"
	OTelEndpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	OTelTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	OTelProtocol       = "OTEL_EXPORTER_OTLP_PROTOCOL"
	OTelTracesProtocol = "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"

	// Limits of what reading one document may cost.
	ExtractMaxPages       = "EXTRACT_MAX_PAGES"
	ExtractMaxTextBytes   = "EXTRACT_MAX_TEXT_BYTES"
	ExtractMaxIndexed     = "EXTRACT_MAX_INDEXED_BYTES"
	ExtractMemoryBytes    = "EXTRACT_MEMORY_BYTES"
	ExtractTimeoutSeconds = "EXTRACT_TIMEOUT_SECONDS"

	// Those of files that hold others, or nest.
	ExtractMaxExpandedBytes = "EXTRACT_MAX_EXPANDED_BYTES"
	ExtractMaxEntries       = "EXTRACT_MAX_ENTRIES"
	ExtractMaxRatio         = "EXTRACT_MAX_RATIO"
	ExtractMaxDepth         = "EXTRACT_MAX_DEPTH"

	// Those of images and text recognition.
	ExtractMaxPixels      = "EXTRACT_MAX_PIXELS"
	ExtractOCRPageSeconds = "EXTRACT_OCR_PAGE_SECONDS"
	// Limits of what one call of a model provider may cost.
	ClassifyTimeoutSeconds = "CLASSIFY_TIMEOUT_SECONDS"
	ClassifyInputTokens    = "CLASSIFY_INPUT_TOKENS"

	// Of `docvault migrate` alone: where its result goes.
	MigrateResultFile = "MIGRATE_RESULT_FILE"

	// Of `docvault provision` alone.
	PostgresAdminURL  = "POSTGRES_ADMIN_URL"
	MinioRootUser     = "MINIO_ROOT_USER"
	MinioRootPassword = "MINIO_ROOT_PASSWORD"
)

// RedisMarkKey is where a vault's identity stands in a Redis that is its alone, and RedisTaken what a program ends with that finds
// another's there: the operator looks for it.
const (
	RedisMarkKey = "docvault:vault"
	RedisTaken   = "the Redis is another vault's"
)

// Ports of the containers, and the asynq queues that workers take tasks from.
const (
	APIPort      = 8000
	MetricsPort  = 9090
	Queue        = "documents"
	PreviewQueue = "previews" // of its own, so that who looks at a page need not wait for ten thousand documents to be read
)
