# One image for each program: docker build --target docvault | docvault-operator | minio
# Works with BuildKit and with the legacy builder, which builds every stage above
# the target: keep what is slow and unrelated below.

FROM golang:1.26-bookworm AS build
ARG GOPROXY GOSUMDB
# auto: the toolchain that go.mod names, where the image's is older.
ENV CGO_ENABLED=0 GOFLAGS=-trimpath GOTOOLCHAIN=auto
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
# The dependencies that take minutes, compiled into a layer of their own: a change
# of source then rebuilds in seconds. It only saves time; what is missing here is built below.
RUN go build \
  github.com/hibiken/asynq \
  github.com/jackc/pgx/v5/pgxpool \
  github.com/klippa-app/go-pdfium/webassembly \
  github.com/minio/minio-go/v7 \
  github.com/pressly/goose/v3 \
  sigs.k8s.io/controller-runtime
COPY . .
ARG VERSION=dev COMMIT=unknown
RUN go build -buildvcs=false -ldflags "-s -w -X main.version=$VERSION -X main.commit=$COMMIT" -o /out/ ./cmd/docvault ./cmd/docvault-operator

FROM debian:bookworm-slim AS base
RUN apt-get update \
  && apt-get install -y --no-install-recommends ca-certificates \
  && rm -rf /var/lib/apt/lists/*
# Any other UID works too; nothing but /tmp is written.
ENV HOME=/tmp
USER 65532:65532
WORKDIR /

FROM base AS docvault
# Text recognition, with English, German and French.
USER root
RUN apt-get update \
  && apt-get install -y --no-install-recommends tesseract-ocr tesseract-ocr-deu tesseract-ocr-fra \
  && rm -rf /var/lib/apt/lists/*
USER 65532:65532
COPY --from=build /out/docvault /usr/local/bin/docvault
EXPOSE 8000 9090
ENTRYPOINT ["docvault"]

FROM base AS docvault-operator
COPY --from=build /out/docvault-operator /usr/local/bin/docvault-operator
ENTRYPOINT ["docvault-operator"]

# The object store for laptops and demos. Its last published image is older than the
# fix of CVE-2025-62506, so it is built from its module, unchanged: a separate program
# under the AGPL (licence and source: see the labels), of which DocVault links nothing.
FROM golang:1.26-bookworm AS minio-build
ARG GOPROXY GOSUMDB
ENV CGO_ENABLED=0 GOFLAGS=-trimpath
WORKDIR /src
COPY hack/tools/minio/go.mod hack/tools/minio/go.sum ./
RUN go mod download
RUN mkdir /out \
  && released=2026-02-12T20:18:48Z \
  && go build -ldflags "-s -w \
    -X github.com/minio/minio/cmd.Version=$released \
    -X github.com/minio/minio/cmd.ReleaseTag=RELEASE.$(echo $released | tr : -)" \
    -o /out/minio github.com/minio/minio \
  && cp "$(go list -m -f '{{.Dir}}' github.com/minio/minio)/LICENSE" /out/LICENSE

FROM base AS minio
LABEL org.opencontainers.image.licenses=AGPL-3.0-only \
  org.opencontainers.image.source=https://github.com/minio/minio
COPY --from=minio-build /out/LICENSE /usr/share/doc/minio/LICENSE
COPY --from=minio-build /out/minio /usr/local/bin/minio
USER root
RUN mkdir /data && chown 65532:65532 /data
USER 65532:65532
VOLUME /data
EXPOSE 9000
ENTRYPOINT ["minio"]
CMD ["server", "/data"]
