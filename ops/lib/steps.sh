# Scope: numbered steps on a terminal: one calm line each, the noise in a log, the log's end when something fails.
# Sourced, never run. A command sets log_folder first.
# shellcheck shell=bash disable=SC2154 # log_folder is the command's

begin_steps() {
  steps=$1
  step_number=0
}

# step TITLE COMMAND ...
step() {
  local title=$1 begun log
  shift
  begun=$(moment)
  step_number=$((step_number + 1))
  log=$log_folder/step-$step_number.log
  [[ ! -t 1 ]] || printf '%2d/%d  %-40s ...' "$step_number" "$steps" "$title"
  if ("$@") >"$log" 2>&1 </dev/null; then
    [[ ! -t 1 ]] || printf '\r'
    printf '%2d/%d  %-40s %8s\n' "$step_number" "$steps" "$title" "$(elapsed "$begun")"
    return 0
  fi
  [[ ! -t 1 ]] || printf '\r'
  printf '%2d/%d  %-40s   failed\n\n' "$step_number" "$steps" "$title"
  tail -n 40 "$log" >&2
  fail "'$title' failed; everything it said is in $log"
}

# A step that talks to the user itself.
headline() {
  step_number=$((step_number + 1))
  printf '%2d/%d  %s\n' "$step_number" "$steps" "$1"
}
