#!/usr/bin/env bash
# Checks the simulated provider with the official clients, unmodified, and that batchrun's requests are theirs.
#
#   run.sh MOCKPROVIDER BATCHRUN [WORK_DIR]      WORK_DIR: sdk-check beside the provider, unless given
#
# The packages are installed into WORK_DIR, never into the source tree, and kept there for the next run. Ends with 77
# ("skipped" to ctest) when node is not there or the packages cannot be fetched.
set -euo pipefail

skip() {
  echo "skipped: $1"
  exit 77
}

here=$(cd "$(dirname "$0")" && pwd)
if [[ $# -lt 2 || $# -gt 3 ]]; then
  echo "usage: run.sh MOCKPROVIDER BATCHRUN [WORK_DIR]" >&2
  exit 2
fi
mockprovider=$(realpath "$1")
batchrun=$(realpath "$2")
for program in "$mockprovider" "$batchrun"; do
  [[ -x $program ]] || { echo "error: $program is no program" >&2; exit 2; }
done
command -v node >/dev/null || skip "node is not installed"
command -v npm >/dev/null || skip "npm is not installed"
major=$(node -p 'process.versions.node.split(".")[0]')
((major >= 20)) || skip "node $major is too old for the clients (20 or later)"

work=${3:-$(dirname "$mockprovider")/sdk-check}
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
MOCKPROVIDER=$mockprovider BATCHRUN=$batchrun node --test ./*.test.mjs
