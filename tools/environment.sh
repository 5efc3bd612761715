# Sourced by the scripts of this folder: goes to the repository's root, finds Swift, sets the shell's strict mode.
# shellcheck shell=bash
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Where the archive of swift.org is usually unpacked, and where swiftly puts its proxies.
for directory in /opt/swift/usr/bin "${SWIFTLY_BIN_DIR:-$HOME/.local/share/swiftly/bin}"; do
  if ! command -v swift >/dev/null && [ -x "$directory/swift" ]; then PATH=$PATH:$directory; fi
done

# One line that says what happens next. Status goes to stderr: stdout is for data.
phase() { printf '== %s\n' "$*" >&2; }

# Ends the script with one of the exit codes of sysexits.h: 64 usage, 69 something needed is unavailable.
fail() {
  local code=$1
  shift
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit "$code"
}

# The head comment of the script is its usage text.
usage() { sed -n '2,/^[^#]/ s/^# \{0,1\}//p' "$0"; }

# Builds the release binary and says where it is, in $fluxgraph. On a terminal SwiftPM shows its progress in one
# line; elsewhere what it prints goes to a log.
build_release() {
  phase 'building fluxgraph (release; the first time takes some minutes)'
  mkdir -p .build/logs
  local log=.build/logs/release.log
  if [ -t 2 ]; then
    swift build -c release --product fluxgraph >&2
  elif ! swift build -c release --product fluxgraph >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    fail 70 "the build failed; all of its output is in $log"
  fi
  # shellcheck disable=SC2034  # read by the scripts that call this
  fluxgraph=$(swift build -c release --show-bin-path)/fluxgraph
}
