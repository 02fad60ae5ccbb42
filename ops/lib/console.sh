# Scope: what every command of ops/ prints, and how it fails. Sourced, never run.
# shellcheck shell=bash

# The name under which messages are printed; a command sets its own.
console_name=${console_name:-ops}

say() { printf '%s\n' "$*"; }

# Progress and warnings go to standard error: standard output is for what a caller asked for.
note() { printf '%s: %s\n' "$console_name" "$*" >&2; }

# One clear line, and a non-zero exit.
fail() {
  printf '%s: %s\n' "$console_name" "$*" >&2
  exit 1
}

# Seconds with one decimal since a time taken with `moment`.
moment() { printf '%s' "${EPOCHREALTIME/[.,]/}"; }
elapsed() {
  local tenths=$((($(moment) - $1) / 100000))
  printf '%d.%d s' $((tenths / 10)) $((tenths % 10))
}
