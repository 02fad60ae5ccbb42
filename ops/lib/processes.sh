# Scope: finding, watching and ending the stack's own processes. Sourced, never run.
# shellcheck shell=bash
#
# A server is known by the folder it works in, not by a pid file: a pid file outlives a SIGKILL, and its number may
# have gone to a stranger by then. /proc/PID/cwd cannot lie, and it follows a folder that was moved or deleted.

# Pids of the processes called $2 (as in /proc/PID/comm) whose working directory is folder $1, oldest first.
processes_in() {
  local folder=$1 command=$2 entry link pid name
  while IFS=$'\t' read -r -d '' entry link; do
    [[ $link == "$folder" || $link == "$folder (deleted)" ]] || continue
    pid=${entry#/proc/}
    pid=${pid%/cwd}
    { read -r name <"/proc/$pid/comm"; } 2>/dev/null || continue
    # As an `if`: the loop's status, the last command's, must not be that of a process that is another one.
    if [[ $name == "$command" ]] && is_alive "$pid"; then printf '%s\n' "$pid"; fi
  done < <(find /proc/[0-9]*/cwd -maxdepth 0 -printf '%p\t%l\0' 2>/dev/null) | sort -n
}

# A zombie still answers kill -0; its state does not lie.
is_alive() {
  local line
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  line=${line##*) }
  [[ ${line%% *} != [ZX] ]]
}

parent_of() {
  local line
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  read -r _ line _ <<<"${line##*) }"
  printf '%s\n' "$line"
}

# Waits until the process is gone; $2 is the patience in seconds.
wait_until_gone() {
  local tries=$(($2 * 20))
  while is_alive "$1"; do
    ((tries-- > 0)) || return 1
    sleep 0.05
  done
}

# Asks with signal $2, waits $3 seconds, then insists.
end_process() {
  kill -s "$2" "$1" 2>/dev/null || return 0
  wait_until_gone "$1" "$3" && return 0
  note "process $1 did not leave within $3 s of SIG$2; sending SIGKILL"
  kill -s KILL "$1" 2>/dev/null || return 0
  wait_until_gone "$1" 10
}
