# Scope: the private PostgreSQL of a stack: making the cluster, starting, readiness, stopping. Sourced, never run.
# shellcheck shell=bash disable=SC2154,SC2034 # ops/stack and its parts share folder, port, secret, tls

database=detdiffusion
postgres_data=$folder/postgres/data

# The oldest postgres in the data folder that is no child of another one there.
postgres_pid() {
  local pids pid
  pids=$(processes_in "$postgres_data" postgres)
  for pid in $pids; do
    [[ " ${pids//$'\n'/ } " == *" $(parent_of "$pid") "* ]] || { printf '%s\n' "$pid" && return 0; }
  done
}

# Binaries of the version that made the data, else the newest installed.
postgres_bin() {
  local version='*'
  [[ ! -f $postgres_data/PG_VERSION ]] || read -r version <"$postgres_data/PG_VERSION"
  # shellcheck disable=SC2086 # the pattern is meant to be one
  printf '%s\n' /usr/lib/postgresql/$version/bin/postgres | sort -V | tail -n 1 | sed 's,/postgres$,,'
}

# PostgreSQL refuses root: then the server runs as the user that Debian's package made for it.
postgres_user() {
  if ((EUID == 0)); then
    if id -u postgres >/dev/null 2>&1; then printf 'postgres'; else printf 'nobody'; fi
  fi
}

# Fills the array as_postgres: what to put before a command so that it runs as the server's user and nothing leaks in.
set_as_postgres() {
  local user
  user=$(postgres_user)
  as_postgres=(env -i PATH=/usr/bin:/bin LANG=C.UTF-8)
  [[ -z $user ]] || as_postgres=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --init-groups "${as_postgres[@]}")
}

# Becomes the command $2 ..., with PGDATA for data folder $1. Root's repository may lie where the server's user may not
# go: then the server reaches its folder through a descriptor.
exec_postgres() {
  local view=$1
  set_as_postgres
  "${as_postgres[@]}" test -x "$1/." || view=/proc/self/fd/9
  exec 9<"$1"
  cd / && shift && exec "${as_postgres[@]}" PGDATA="$view" "$@"
}

launch_postgres() {
  local bin
  [[ -z $(postgres_pid) ]] || return 0
  bin=$(postgres_bin)
  [[ -x $bin/postgres ]] || fail "PostgreSQL is not installed (no /usr/lib/postgresql/*/bin/postgres); run ops/setup"
  require_free_port postgres
  [[ -d $postgres_data ]] || make_cluster "$bin"
  write_postgres_configuration
  end_orphans
  (exec_postgres "$postgres_data" setsid "$bin/postgres") >"$folder/log/postgres.log" 2>&1 </dev/null &
  postgres_launched=$!
}

# The cluster is made beside its place and moved there when complete: a half-made one is never taken for one.
make_cluster() {
  local bin=$1 side=$folder/postgres/new.$$ user
  user=$(postgres_user)
  rm -rf "$folder"/postgres/new.*
  mkdir -p "$folder/postgres"
  mkdir -m 700 "$side"
  [[ -z $user ]] || chown "$user:" "$side"
  (exec_postgres "$side" "$bin/initdb" --username=postgres --auth=reject --encoding=UTF8 --locale=C.UTF-8 --data-checksums \
    --no-instructions) >"$folder/log/initdb.log" 2>&1 || fail "initdb failed in $side; see $folder/log/initdb.log"
  # Roles and database in single-user mode: no listener, no password on any command line or in any log.
  print_roles |
    (exec_postgres "$side" "$bin/postgres" --single -j -c exit_on_error=on -c log_min_messages=fatal template1) \
      >>"$folder/log/initdb.log" 2>&1 || fail "creating roles and database failed in $side; see $folder/log/initdb.log"
  mv "$side" "$postgres_data"
}

# Grants on tables are the migrations' and provision's; here are logins, who may connect, and what only a superuser can
# take from everyone.
print_roles() {
  local role abilities
  printf "ALTER ROLE postgres PASSWORD '%s';\n\n" "${secret[postgres_superuser]}"
  for role in "${roles[@]}"; do
    abilities=''
    [[ $role != admin ]] || abilities=' CREATEDB CREATEROLE'
    printf "CREATE ROLE detdiffusion_%s LOGIN%s PASSWORD '%s';\n\n" "$role" "$abilities" "${secret[postgres_$role]}"
  done
  printf 'GRANT SET ON PARAMETER deadlock_timeout TO detdiffusion_admin;\n\n' # tests provoke deadlocks, quickly
  # Before the database is copied from this template: everyone may make large objects otherwise.
  printf 'REVOKE EXECUTE ON FUNCTION lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) FROM PUBLIC;\n\n'
  printf 'CREATE DATABASE %s OWNER detdiffusion_admin;\n\n' "$database"
  printf 'REVOKE ALL ON DATABASE postgres, template1 FROM PUBLIC;\n\n'
  printf 'REVOKE ALL ON DATABASE %s FROM PUBLIC;\n\n' "$database"
  printf 'GRANT CONNECT ON DATABASE %s TO detdiffusion_producer, detdiffusion_worker, detdiffusion_reader;\n\n' "$database"
}

write_postgres_configuration() {
  local user
  user=$(postgres_user)
  {
    printf "listen_addresses = '127.0.0.1'\nport = %s\nunix_socket_directories = ''\n" "${port[postgres]}"
    printf "max_connections = 200\nshared_buffers = 256MB\nmax_wal_size = 2GB\ncheckpoint_timeout = 15min\n"
    printf "fsync = on\nsynchronous_commit = on\npassword_encryption = scram-sha-256\n"
    printf "timezone = 'UTC'\nlog_timezone = 'UTC'\nlog_line_prefix = '%%m [%%p] %%u '\njit = off\n"
    [[ $tls != on ]] || printf "ssl = on\nssl_cert_file = 'server.pem'\nssl_key_file = 'server-key.pem'\nssl_ca_file = 'ca.pem'\n"
  } >"$postgres_data/postgresql.conf"
  printf 'host all all 127.0.0.1/32 scram-sha-256\n' >"$postgres_data/pg_hba.conf"
  if [[ $tls == on ]]; then
    (umask 077 && cp "$folder"/tls/{ca,server,server-key}.pem "$postgres_data/")
  fi
  if [[ -n $user ]]; then
    chown "$user:" "$postgres_data"/{postgresql.conf,pg_hba.conf}
    [[ $tls != on ]] || chown "$user:" "$postgres_data"/{ca,server,server-key}.pem
  fi
}

# Backends of a postmaster that was killed hold its shared memory until they notice; a new one would refuse to start.
# A lock file whose process is no postgres of ours names a stranger with a reused number.
end_orphans() {
  local pid
  for pid in $(processes_in "$postgres_data" postgres); do
    kill -s KILL "$pid" 2>/dev/null
    wait_until_gone "$pid" 10
  done
  rm -f "$postgres_data/postmaster.pid"
}

await_postgres() {
  local tries=$((${DETDIFFUSION_STACK_PATIENCE:-60} * 20)) pid=${postgres_launched:-$(postgres_pid)}
  until postgres_answers; do
    is_alive "$pid" || fail "PostgreSQL left while starting; its last words are in $folder/log/postgres.log"
    ((tries-- > 0)) || fail "PostgreSQL (process $pid) was not ready in time; see $folder/log/postgres.log"
    sleep 0.05
  done
}

postgres_answers() { "$(postgres_bin)/pg_isready" --quiet --host=127.0.0.1 --port="${port[postgres]}" --timeout=2; }

# SIGINT is the fast shutdown: connections are closed, nothing is lost.
stop_postgres() {
  local pid
  pid=$(postgres_pid)
  [[ -z $pid ]] || end_process "$pid" INT 30
}

kill_postgres() {
  local pid
  pid=$(postgres_pid)
  [[ -n $pid ]] || fail "PostgreSQL is not running in $folder"
  kill -s KILL "$pid" && wait_until_gone "$pid" 10
  end_orphans
}

postgres_version() { "$(postgres_bin)/postgres" --version 2>/dev/null | awk '{ print $3 }'; }
