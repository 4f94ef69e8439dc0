#!/bin/sh
# Makes .venv from the hashed requirements. Uses only a Python 3.11 with venv; safe to repeat.
set -eu
cd "$(dirname "$0")/.."

is_python_311() {
    "$1" -c 'import sys; raise SystemExit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1
}

python=""
for candidate in ${PYTHON:-} python3.11 python3 python; do
    if is_python_311 "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "ASTRA needs Python 3.11 (found: $(python3 --version 2>&1 || true))." >&2
    echo "Install it, or name it: make setup PYTHON=/path/to/python3.11" >&2
    exit 1
fi

if [ ! -x .venv/bin/python ]; then
    if ! "$python" -m venv .venv; then
        rm -rf .venv
        echo "This Python has no working venv module. On Debian: apt install python3.11-venv" >&2
        exit 1
    fi
fi
if ! is_python_311 .venv/bin/python; then
    echo "The folder .venv belongs to another Python: remove it and try again." >&2
    exit 1
fi

echo "Installing the locked packages into .venv ..."
.venv/bin/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt || true
set -- --require-hashes -r requirements/base.txt -r requirements/whisper.txt -r requirements/dev.txt
if ! .venv/bin/uv pip install -q --compile-bytecode --python .venv/bin/python "$@"; then
    echo "uv could not install them; trying pip (about two minutes) ..."
    .venv/bin/python -m pip install -q --disable-pip-version-check "$@"
fi
