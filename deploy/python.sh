# Sourced by up and test: finds the project's folder ($root) and a Python that Turnout runs on ($python).
# shellcheck shell=sh disable=SC2034  # both are for who sources this

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)

suitable() {
    told=$("$1" -I -c 'import sys, venv, ensurepip; print(sys.version_info >= (3, 11))' 2>/dev/null) || return 1
    [ "$told" = True ]
}

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        suitable "$PYTHON" && echo "$PYTHON" && return
        echo "PYTHON=$PYTHON is not a Python 3.11 or newer with venv." >&2
        return 1
    fi
    for name in "$root/.venv/bin/python" python3 python3.14 python3.13 python3.12 python3.11 python; do
        suitable "$name" && echo "$name" && return
    done
    echo "Turnout needs Python 3.11 or newer with venv (on Debian and Ubuntu: python3 and python3-venv)." >&2
    return 1
}

python=$(find_python) || exit 1
