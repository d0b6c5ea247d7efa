#!/usr/bin/env bash
# Regenerates the committed Python stubs from the .proto files into the folder given (proto/gen by default).
set -euo pipefail
cd "$(dirname "$0")"
python=${PYTHON:-../.venv/bin/python}
out=${1:-gen}
mkdir -p "$out"
PATH="$(dirname "$python"):$PATH" "$python" -m grpc_tools.protoc -I . \
  --python_out="$out" --mypy_out="quiet:$out" \
  --grpc_python_out="$out" --mypy_grpc_out="quiet:$out" \
  margingate/v1/*.proto
for folder in "$out/margingate" "$out/margingate/v1"; do
  : > "$folder/__init__.py"
  : > "$folder/py.typed"
done
