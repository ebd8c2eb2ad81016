#!/usr/bin/env bash
# Checks the simulated provider with the official clients, unmodified.
#
#   run.sh MOCKPROVIDER [WORK_DIR]      WORK_DIR: sdk-check beside the program, unless given
#
# The packages are installed into WORK_DIR, never into the source tree, and kept there for the next run. Ends with 77
# ("skipped" to ctest) when node is not there or the packages cannot be fetched.
set -euo pipefail

skip() {
  echo "skipped: $1"
  exit 77
}

here=$(cd "$(dirname "$0")" && pwd)
if [[ $# -lt 1 || $# -gt 2 ]]; then
  echo "usage: run.sh MOCKPROVIDER [WORK_DIR]" >&2
  exit 2
fi
mockprovider=$(realpath "$1")
[[ -x $mockprovider ]] || { echo "error: $mockprovider is no program" >&2; exit 2; }
command -v node >/dev/null || skip "node is not installed"
command -v npm >/dev/null || skip "npm is not installed"
major=$(node -p 'process.versions.node.split(".")[0]')
((major >= 20)) || skip "node $major is too old for the clients (20 or later)"

work=${2:-$(dirname "$mockprovider")/sdk-check}
mkdir -p "$work"
work=$(cd "$work" && pwd)
if ! cmp -s "$here/package-lock.json" "$work/installed-lock.json"; then
  rm -f "$work/installed-lock.json"
  cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$work/"
  (cd "$work" && timeout 180 npm ci --ignore-scripts --no-progress --loglevel=error) || skip "the packages cannot be fetched"
  cp "$here/package-lock.json" "$work/installed-lock.json"
fi
cp "$here"/*.mjs "$work/"
cd "$work"
MOCKPROVIDER=$mockprovider node --test ./*.test.mjs
