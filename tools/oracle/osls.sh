#!/bin/sh
# osls.sh regenerates the goldens of internal/manifest/serverless with the tool they are compared to: osls, the maintained
# open fork of the Serverless Framework v3. It needs node and npm; osls itself is installed once into a cache directory.
#
#   tools/oracle/osls.sh                 regenerate every golden
#   tools/oracle/osls.sh name...         regenerate some
#   tools/oracle/osls.sh --check         change nothing; fail when a golden is not what osls says
#
# A case is a directory under testdata/oracle: a manifest and its files, and optionally case.json with
#   args     further arguments of the command line
#   env      environment variables
#   cloud    what a running cloud would answer: outputs {stack: {key: value}}, parameters {name: {Type, Value}}, objects {bucket/key: text}
#   replace  pairs of texts: what osls must be told and nube assumes (docs/serverless-differences.md)
# It runs in a copy that also holds code.js and code.zip, so that there is always something to package.
# Its golden is template.json, the compiled template, or error.txt, the reason why osls refuses the manifest.
set -eu

version=4.3.1
root=$(cd "$(dirname "$0")/../.." && pwd)
cache=${NUBE_ORACLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/nube/oracle}/osls-$version

if [ ! -d "$cache/node_modules/osls" ]; then
	mkdir -p "$cache"
	npm install --prefix "$cache" --no-audit --no-fund --no-save --ignore-scripts --silent "osls@$version" >&2
fi
goldens=$root/internal/manifest/serverless/testdata/oracle
run() { node "$root/tools/oracle/osls.js" "$cache" "$goldens" "$@"; }

[ "$*" = --check ] || { run "$@"; exit; }

# Every other case in a process of its own, beside the others: it is the longest part of the tests that has one processor only.
odd='' even=''
for case in "$goldens"/*/; do
	even="$even $(basename "$case")"
	swap=$odd odd=$even even=$swap
done
run --check $odd &
run --check $even && status=0 || status=$?
wait $! && exit $status
