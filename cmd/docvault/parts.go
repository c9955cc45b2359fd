package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/docvault/docvault/runtime/blob"
	"github.com/docvault/docvault/runtime/classify"
	"github.com/docvault/docvault/runtime/config"
	"github.com/docvault/docvault/runtime/extract"
	"github.com/docvault/docvault/runtime/queue"
	"github.com/docvault/docvault/runtime/seal"
	"github.com/docvault/docvault/runtime/store"
	"github.com/docvault/docvault/runtime/vault"
)

// parts are what API and worker stand on.
type parts struct {
	store *store.Store
	blobs *blob.S3
	redis redis.UniversalClient
	keys  *seal.Keys
	self  string
	ocr   extract.OCR // of the worker
}

// assemble connects to nothing yet: the programs start, and say that they are not ready, while a dependency is away. So its only
// errors are of the configuration.
func assemble(ctx context.Context, c config.Runtime, log *slog.Logger) (*parts, error) {
	database, err := store.Open(ctx, c.DatabaseURL.Reveal())
	if err != nil {
		return nil, config.Problems{fmt.Sprintf("%s: %v", config.DatabaseURL, err)}
	}
	client, err := queue.Connect(c.RedisURL.Reveal())
	if err != nil {
		return nil, config.Problems{fmt.Sprintf("%s: %v", config.RedisURL, err)}
	}
	o := c.ObjectStore
	blobs, err := blob.OpenS3(blob.Config{
		Endpoint: o.Endpoint, Secure: o.Secure, PublicEndpoint: o.PublicEndpoint, Region: o.Region, Bucket: o.Bucket,
		AccessKey: o.AccessKey, SecretKey: o.SecretKey.Reveal(),
	})
	if err != nil {
		return nil, config.Problems{fmt.Sprintf("%s: %v", config.MinioEndpoint, err)}
	}
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	keys, err := seal.NewKeys(vault.KeyPurpose, c.SecretKey, c.PreviousKeys...)
	if err != nil {
		return nil, config.Problems{fmt.Sprintf("%s: %v", config.SecretKey, err)}
	}
	redis.SetLogger(quiet{log})
	return &parts{store: database, blobs: blobs, redis: client, keys: keys, self: self}, nil
}

func (p *parts) close() {
	p.store.Close()
	_ = p.redis.Close()
}

func (p *parts) alone(c config.Runtime, log *slog.Logger) *alone {
	return &alone{redis: p.redis, identity: c.Identity, log: log}
}

func (p *parts) vault(c config.Runtime, log *slog.Logger, metrics prometheus.Registerer) *vault.Vault {
	return vault.New(vault.Parts{
		Store: p.store, Blobs: p.blobs, Queue: queue.New(p.redis, config.Queue), Log: log, Metrics: metrics, Keys: p.keys,
		Factory: classify.NewFactory(classify.Limits{Timeout: c.Classify.Timeout, InputTokens: c.Classify.InputTokens}, metrics),
		Extractor: extract.New(extract.Limits{
			MaxPages: c.Extract.MaxPages, MaxTextBytes: int(c.Extract.MaxTextBytes), MemoryBytes: c.Extract.MemoryBytes,
			Timeout: c.Extract.Timeout, MaxExpandedBytes: c.Extract.MaxExpandedBytes, MaxEntries: c.Extract.MaxEntries,
			MaxRatio: c.Extract.MaxRatio, MaxDepth: c.Extract.MaxDepth,
			MaxPixels: c.Extract.MaxPixels, OCRPageTimeout: c.Extract.OCRPageTimeout,
		}, p.self, filepath.Join(os.TempDir(), "docvault-cache")).WithOCR(p.ocr),
	}, vault.Rules{
		MaxUploadBytes: c.MaxUploadBytes, MaxIndexedBytes: int(c.Extract.MaxIndexed), TrashFor: c.TrashFor,
		Classification: c.Classification,
		ProviderKeys:   map[string]config.Secret{classify.NameAnthropic: c.AnthropicKey, classify.NameOpenAI: c.OpenAIKey},
	})
}

// quiet gives what go-redis says of its own accord, which is about each broken connection, to the debug log.
type quiet struct{ log *slog.Logger }

// Printf implements go-redis' logger.
func (q quiet) Printf(ctx context.Context, format string, args ...any) {
	q.log.DebugContext(ctx, "redis", "message", fmt.Sprintf(format, args...))
}
