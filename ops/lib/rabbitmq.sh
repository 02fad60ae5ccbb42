# Scope: the private RabbitMQ of a stack: its environment, starting, readiness, stopping. Sourced, never run.
# shellcheck shell=bash disable=SC2154,SC2034 # ops/stack and its parts share folder, port, secret, tls

rabbitmq_bin=/usr/lib/rabbitmq/bin # the wrappers in /usr/sbin insist on root or the rabbitmq user
virtual_host=detdiffusion

rabbitmq_pid() { processes_in "$folder/rabbitmq" beam.smp | head -n 1; }
epmd_pid() { processes_in "$folder/epmd" epmd | head -n 1; }

# The broker's and its tools' environment, and nothing else: RABBITMQ_* of the caller must not leak in.
# Fills the array rabbitmq_environment.
set_rabbitmq_environment() {
  local seen=$1
  rabbitmq_environment=(
    PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME="$seen/rabbitmq/home"
    ERL_EPMD_PORT="${port[epmd]}" ERL_EPMD_ADDRESS=127.0.0.1 ERL_CRASH_DUMP_SECONDS=0
    RABBITMQ_NODENAME=rabbit@localhost
    RABBITMQ_CONF_ENV_FILE="$seen/rabbitmq/environment.conf"
    RABBITMQ_CONFIG_FILE="$seen/rabbitmq/rabbitmq.conf"
    RABBITMQ_CONFIG_FILES="$seen/rabbitmq/conf.d/*.conf"
    RABBITMQ_ADVANCED_CONFIG_FILE="$seen/rabbitmq/advanced.config"
    RABBITMQ_ENABLED_PLUGINS_FILE="$seen/rabbitmq/enabled_plugins"
    RABBITMQ_GENERATED_CONFIG_DIR="$seen/rabbitmq/generated"
    RABBITMQ_SCHEMA_DIR="$seen/rabbitmq/generated"
    RABBITMQ_MNESIA_BASE="$seen/rabbitmq/data"
    RABBITMQ_PID_FILE="$seen/rabbitmq/pid"
    RABBITMQ_LOG_BASE="$seen/log"
    RABBITMQ_DIST_PORT="${port[distribution]}"
    RABBITMQ_CTL_DIST_PORT_MIN="${port[control]}" RABBITMQ_CTL_DIST_PORT_MAX="$((port[control] + 11))"
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1} +sbwt none'
    RABBITMQ_CTL_ERL_ARGS='-kernel inet_dist_use_interface {127,0,0,1}'
    RUNNING_UNDER_SYSTEMD=true # the start script becomes the server; without it a shell stays in front
  )
}

# The folder as the broker sees it. The start script splits its arguments at spaces, so a folder with an unusual name
# is reached through the working directory.
rabbitmq_view() {
  if [[ $folder == *[!A-Za-z0-9/._-]* ]]; then
    printf '/proc/self/cwd/..'
  else
    printf '%s' "$folder"
  fi
}

write_rabbitmq_configuration() {
  local seen=$1 home=$folder/rabbitmq
  mkdir -p "$home"/{home,generated,conf.d,data}
  if [[ ! -f $home/home/.erlang.cookie ]]; then
    (umask 077 && printf '%s' "${secret[erlang_cookie]}" >"$home/home/.erlang.cookie")
    chmod 400 "$home/home/.erlang.cookie"
  fi
  : >"$home/environment.conf"
  printf '[].\n' >"$home/advanced.config"
  printf '[rabbitmq_management].\n' >"$home/enabled_plugins"
  {
    printf 'listeners.tcp.1 = 127.0.0.1:%s\n' "${port[amqp]}"
    printf 'management.tcp.ip = 127.0.0.1\nmanagement.tcp.port = %s\n' "${port[management]}"
    printf 'load_definitions = %s/rabbitmq/definitions.json\n' "$seen"
    printf '# Twelve hours: an image may take minutes on a processor, and a closed channel costs a delivery.\n'
    printf 'consumer_timeout = 43200000\n'
    printf '# A small write-ahead log: read back quickly after a crash.\nraft.wal_max_size_bytes = 67108864\n'
    printf 'log.file = rabbitmq.log\nlog.file.level = info\n'
    if [[ $tls == on ]]; then
      printf 'listeners.ssl.1 = 127.0.0.1:%s\n' "${port[amqps]}"
      printf 'ssl_options.cacertfile = %s/tls/ca.pem\n' "$seen"
      printf 'ssl_options.certfile = %s/tls/server.pem\nssl_options.keyfile = %s/tls/server-key.pem\n' "$seen" "$seen"
      printf 'ssl_options.verify = verify_peer\nssl_options.fail_if_no_peer_cert = false\n'
    fi
  } >"$home/rabbitmq.conf"
  (umask 077 && print_definitions >"$home/definitions.json")
}

start_epmd() {
  [[ -z $(epmd_pid) ]] || return 0
  require_free_port epmd
  (cd "$folder/epmd" && exec setsid epmd -port "${port[epmd]}" -address 127.0.0.1) >"$folder/log/epmd.log" 2>&1 </dev/null &
}

# Returns once the process is there; `await_rabbitmq` waits for it to serve.
launch_rabbitmq() {
  local seen
  start_epmd
  [[ -z $(rabbitmq_pid) ]] || return 0
  [[ -x $rabbitmq_bin/rabbitmq-server ]] || fail "RabbitMQ is not installed (no $rabbitmq_bin/rabbitmq-server); run ops/setup"
  require_free_port amqp
  require_free_port management
  seen=$(rabbitmq_view)
  set_rabbitmq_environment "$seen"
  write_rabbitmq_configuration "$seen"
  (
    cd "$folder/rabbitmq" || exit 1
    exec setsid env -i "${rabbitmq_environment[@]}" "$rabbitmq_bin/rabbitmq-server"
  ) >"$folder/log/rabbitmq-console.log" 2>&1 </dev/null &
  rabbitmq_launched=$!
}

await_rabbitmq() {
  local tries=$((${DETDIFFUSION_STACK_PATIENCE:-60} * 20)) pid=${rabbitmq_launched:-$(rabbitmq_pid)}
  until rabbitmq_answers; do
    is_alive "$pid" || fail "RabbitMQ left while starting; its last words are in $folder/log/rabbitmq.log and rabbitmq-console.log"
    ((tries-- > 0)) || fail "RabbitMQ (process $pid) was not ready in time; see $folder/log/rabbitmq.log"
    sleep 0.05
  done
  await_queues
  settle_queues
}

# The first declaration of a queue is safe from a SIGKILL only after a while (see queues.sh).
settle_queues() {
  [[ ! -f $folder/rabbitmq/settled ]] || return 0
  sleep 2
  : >"$folder/rabbitmq/settled"
}

# A broker that serves answers the protocol header with a method frame, whose first byte is 1.
rabbitmq_answers() {
  local first='' LC_ALL=C
  { exec 8<>"/dev/tcp/127.0.0.1/${port[amqp]}"; } 2>/dev/null || return 1
  printf 'AMQP\0\0\x09\x01' >&8
  IFS= read -r -t 2 -N 1 -u 8 first || true
  exec 8>&-
  [[ $first == $'\x01' ]]
}

# rabbitmqctl against this stack's broker.
rabbitmq_tool() {
  set_rabbitmq_environment "$folder"
  env -i TERM="${TERM:-dumb}" "${rabbitmq_environment[@]}" "$rabbitmq_bin/rabbitmqctl" "$@"
}

stop_rabbitmq() {
  local pid
  pid=$(rabbitmq_pid)
  [[ -z $pid ]] || end_process "$pid" TERM 30
}

stop_epmd() {
  local pid
  pid=$(epmd_pid)
  [[ -z $pid ]] || end_process "$pid" TERM 5
}

kill_rabbitmq() {
  local pid
  pid=$(rabbitmq_pid)
  [[ -n $pid ]] || fail "RabbitMQ is not running in $folder"
  kill -s KILL "$pid" && wait_until_gone "$pid" 10
}

rabbitmq_version() { find /usr/lib/rabbitmq/lib -maxdepth 1 -name 'rabbitmq_server-*' -printf '%f\n' 2>/dev/null | sed 's/.*-//' | sort -V | tail -n 1; }
