# `make` says what there is. What each target does is in hack/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT ?= $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
# The toolchain that go.mod names, fetched where the machine has another: its standard library has the fixes that `make vuln` asks for.
export GOTOOLCHAIN := $(shell awk '$$1 == "toolchain" { print $$2 "+auto" }' go.mod)
# As in the images, for linters and tests too: what these and the tools share is compiled once.
export CGO_ENABLED := 0
export GOFLAGS := $(shell go env GOFLAGS 2>/dev/null) -trimpath
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: go ## Build bin/docvault and bin/docvault-operator
	go build -ldflags "$(LDFLAGS)" -o bin/ ./cmd/docvault ./cmd/docvault-operator

.PHONY: test
test: go ## Run every test, on real servers that are started and stopped for it
	hack/services run go test -vet=off -timeout 45m ./... # vet is golangci-lint's

.PHONY: test-web
test-web: go ## Run the page's tests in Chromium, on real servers
	hack/services run hack/web-test

.PHONY: test-e2e
test-e2e: go ## Run the black-box suite on a kind cluster, and the compose stack
	hack/e2e
	hack/compose-test

.PHONY: bench
bench: go ## Run the benchmarks (docs/benchmarks.md)
	hack/services run hack/bench

.PHONY: fuzz
fuzz: go ## Give each parser 5 s of made-up files, or FUZZ_SECONDS
	hack/fuzz $(FUZZ_SECONDS)

.PHONY: chaos
chaos: export CHAOS_SECONDS ?= 600
chaos: export CHAOS_VAULTS ?= 50
chaos: go ## Kill the operator at random for ten minutes while fifty vaults come and go, or CHAOS_SECONDS, CHAOS_VAULTS
	hack/services run go test -count 1 -timeout 1h -v -run '^TestOperatorsAreKilledWhileVaultsComeAndGo$$' ./controllers

.PHONY: corpus
corpus: go ## Measure how well the files of DIR are read: NAME.input.EXT against NAME.expected.txt
	go run ./test/corpus $(DIR)

.PHONY: bench-search
bench-search: go ## Lists and searches among a million documents (five minutes)
	hack/services run hack/bench-search

.PHONY: bench-operator
bench-operator: go ## One operator with 10 to 1,000 vaults (an hour)
	hack/services run hack/bench-operator

.PHONY: demo
demo: go ## From nothing to a vault with documents, on a kind cluster
	hack/demo up

.PHONY: demo-down
demo-down: ## Delete the demo's cluster
	hack/demo down

.PHONY: generate
generate: go ## Write CRDs, RBAC, deep copies, apply configurations, queries
	hack/generate

.PHONY: verify
verify: go ## Check that generated files are current, go.mod is tidy, and all linters are content
	hack/verify

.PHONY: lint
lint: go ## Run golangci-lint and eslint; LINTFLAGS=--fix repairs what they can
	"$$(hack/tool golangci-lint)" run $(LINTFLAGS)
	hack/web lint $(LINTFLAGS)

.PHONY: vuln
vuln: go ## Look for known vulnerabilities in what is linked
	hack/vuln

.PHONY: dev
dev: go ## Run the vault here without containers, built anew on each change; Ctrl-C ends it
	@hack/dev

.PHONY: web
web: go ## Build the page (web/) into runtime/web/dist, which is committed
	hack/web build

.PHONY: web-dev
web-dev: ## Serve the page on port 5173 as it is edited; beside make dev
	@hack/web dev

.PHONY: services-up
services-up: go ## Start the test services and leave them; then: eval "$(hack/services env)"
	hack/services up

.PHONY: services-down
services-down: ## Stop the test services
	hack/services down

.PHONY: clean
clean: ## Delete bin/ (the cache of tools and servers stays: see CONTRIBUTING.md)
	rm -rf bin coverage.out

# Go 1.21 and later fetch what go.mod asks for, where GOTOOLCHAIN and the network allow: what counts is what they end up with.
WANTED_GO := $(shell awk '$$1 == "go" { print $$2 }' go.mod)
.PHONY: go
go:
	@command -v go >/dev/null || { echo "Go is not installed: go.mod asks for $(WANTED_GO) or newer (https://go.dev/dl)"; exit 1; }
	@have=$$(go env GOVERSION) && printf '%s\n' "go$(WANTED_GO)" "$$have" | sort -VC || \
	  { echo "$$have is too old: go.mod asks for $(WANTED_GO) or newer (https://go.dev/dl)"; exit 1; }
