# What scripts/run and scripts/test share: a Python that is new enough, and .venv with the project in it.
# Read by them with `source`; leaves the working folder at the project's root.

set -euo pipefail
export PIP_DISABLE_PIP_VERSION_CHECK=1

cd "$(dirname "${BASH_SOURCE[0]}")/.."
ROOT=$PWD

fail() {
    echo "$(basename "$0"): $*" >&2
    exit 1
}

# The first Python of 3.10 to 3.13 on the PATH; PYTHON=/path/to/python chooses another.
find_python() {
    local name
    for name in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
        if "$name" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 14))' 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    fail "needs Python 3.10, 3.11, 3.12 or 3.13 on the PATH, or PYTHON=/path/to/python; found $(python3 --version 2>&1)"
}

make_venv() {
    local python
    python=$(find_python)
    if ! "$python" -c 'import venv, ensurepip' 2>/dev/null; then
        fail "$python lacks the module venv; on Debian and Ubuntu: sudo apt install python3-venv"
    fi
    echo "Making .venv with $("$python" --version) ..."
    # A stopped attempt must not pass for a whole one, so the folder is emptied first.
    "$python" -m venv --clear .venv
}

# install TARGET: pip install -e TARGET, unless that has been done and pyproject.toml is the same.
install() {
    local target=$1 stamp=.venv/.installed current
    [ -x .venv/bin/python ] && .venv/bin/python -c 'import pip' 2>/dev/null || make_venv
    current="$ROOT $target $(cksum <pyproject.toml)"
    # What `.[test]` installs holds what `.` needs.
    if [ -f "$stamp" ] && grep -qxF -e "$current" -e "$ROOT .[test] $(cksum <pyproject.toml)" "$stamp"; then
        return
    fi
    echo "Installing the project and what it needs; the first time this takes some minutes ..."
    .venv/bin/python -m pip install --quiet -e "$target" ||
        fail "the installation failed; see above. With a connection to the package index, run $(basename "$0") again."
    echo "$current" >"$stamp"
}
