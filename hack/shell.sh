# Sourced by the scripts that deal with containers and clusters: where things
# are kept, and how to say what is going on. No commands are run by sourcing it.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${DOCVAULT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/docvault}
mkdir -p "$cache"

# help_asked prints what a script's head says of it, and ends, where its first argument asks for help.
help_asked() {
  case ${1:-} in -h | -help | --help) awk 'NR > 1 && !/^#/ { exit } NR > 1 { sub(/^# ?/, ""); print }' "$0"; exit ;; esac
}

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*"; exit 1; }
have() { command -v "$1" >/dev/null 2>&1; }
tool() { "$repo/hack/tool" "$1"; }

# As in the Makefile.
GOTOOLCHAIN=$(awk '$1 == "toolchain" { print $2 "+auto" }' "$repo/go.mod")
export GOTOOLCHAIN CGO_ENABLED=0
if have go; then GOFLAGS="$(go env GOFLAGS) -trimpath" && export GOFLAGS; fi

# within SECONDS COMMAND... ends a command that takes longer, where the system can (macOS has no timeout).
within() {
  if have timeout; then timeout "$@"; else "${@:2}"; fi
}
sha256=(sha256sum)
have sha256sum || sha256=(shasum -a 256)

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

# apt_install PACKAGE... installs what is missing. Debian and its children only.
apt_install() {
  local missing=() package
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
  done
  [ ${#missing[@]} = 0 ] && return
  have apt-get || die "needs ${missing[*]}: please install them"
  say "installing ${missing[*]}"
  as_root apt-get update -qq >&2
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# What the worker reads images with; elsewhere than on Debian one that is there has to do.
install_tesseract() { { have tesseract && ! have apt-get; } || apt_install tesseract-ocr tesseract-ocr-deu tesseract-ocr-fra; }

# docker_build ARGS... with BuildKit where the client has it, else with the legacy builder. Without attestations: they hold the
# time of the build, so the same sources would never make the same image.
docker_build() {
  if docker buildx version >/dev/null 2>&1; then
    BUILDX_NO_DEFAULT_ATTESTATIONS=1 DOCKER_BUILDKIT=1 docker build "$@"
  else
    DOCKER_BUILDKIT=0 docker build "$@"
  fi
}

# hash_of FILE... prints a short hash of names and contents (directories: of all below).
hash_of() {
  (cd "$repo" && find "$@" -type f -print0 | LC_ALL=C sort -z | xargs -0 "${sha256[@]}" | "${sha256[@]}" | cut -c1-12)
}
