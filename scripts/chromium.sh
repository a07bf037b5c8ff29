#!/bin/sh
# Find a Chromium for the browser tests, or install Debian's; print where it is.
set -eu

find_browser() {
    for name in chromium chromium-browser google-chrome; do
        command -v "$name" && return 0
    done
    return 1
}

install_with() {
    # Another apt may hold the lock for a while on a machine that has just booted.
    options="-o DPkg::Lock::Timeout=300 -qq"
    # shellcheck disable=SC2086  # the options are words
    "$@" apt-get $options update && "$@" apt-get $options install -y chromium >/dev/null
}

find_browser && exit 0

export DEBIAN_FRONTEND=noninteractive
if command -v apt-get >/dev/null; then
    if [ "$(id -u)" -eq 0 ]; then
        echo "citespan: installing Debian's chromium for the browser tests" >&2
        install_with env || true
    elif sudo -n true 2>/dev/null; then
        echo "citespan: installing Debian's chromium for the browser tests, with sudo" >&2
        install_with sudo || true
    fi
fi

find_browser && exit 0

echo "citespan: found no chromium, chromium-browser or google-chrome on PATH; the browser tests" \
    "expect one of them; as root: apt-get update && apt-get install -y chromium" >&2
exit 1
