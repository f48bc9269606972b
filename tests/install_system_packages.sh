#!/bin/sh
# What the tests need from the system: a browser with Japanese fonts, redis-server, gettext, curl. Installed on Debian as root; elsewhere named.
set -eu
missing=""
command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing="$missing chromium"
command -v redis-server >/dev/null || missing="$missing redis-server"
command -v curl >/dev/null || missing="$missing curl"
command -v msgfmt >/dev/null || missing="$missing gettext"
command -v fc-list >/dev/null && fc-list :lang=ja | grep -q . || missing="$missing fontconfig fonts-noto-cjk"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "Installing$missing"
  apt-get update -qq
  # shellcheck disable=SC2086  # the words are package names
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $missing >/dev/null
else
  echo "The tests need$missing, which this command can install only as root on Debian or Ubuntu." >&2
  echo "Install them with your system's package manager, then run make test again." >&2
  exit 1
fi
