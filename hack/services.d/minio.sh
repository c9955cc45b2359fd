minio_install() {
  have curl || apt_install curl
  tool minio >/dev/null
}

minio_start() {
  port minio 25900 >/dev/null
  spawn minio server env MINIO_ROOT_USER=docvault-root MINIO_ROOT_PASSWORD=docvault-root-password \
    MINIO_BROWSER=off MINIO_UPDATE=off \
    "$(tool minio)" server --quiet --address "127.0.0.1:$(port_of minio)" "$state/minio/data"
  await minio server 30 curl --fail --silent --max-time 2 "http://127.0.0.1:$(port_of minio)/minio/health/cluster"
}

minio_env() {
  echo "export TEST_MINIO_ENDPOINT='127.0.0.1:$(port_of minio)'"
  echo "export TEST_MINIO_ROOT_USER=docvault-root TEST_MINIO_ROOT_PASSWORD=docvault-root-password"
  echo "export TEST_MINIO_SERVER='$(tool minio)'"
}
