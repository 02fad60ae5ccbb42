# Scope: the stack's folder: where it is, its ports, its passwords, who may see them. Sourced, never run.
# shellcheck shell=bash disable=SC2154,SC2034 # ops/stack and its parts share folder, port, secret, tls
#
#   lock              held while servers are started, stopped or killed
#   settings          ports, and whether TLS is on
#   secrets           passwords and salts, mode 0600
#   tls/              a certificate authority of the folder's own, and what it signed
#   rabbitmq/         the broker's working directory: configuration, definitions, data, log
#   postgres/data/    the database's working directory
#   epmd/             the Erlang port mapper's working directory
#   log/              what the servers print
#   store/            the object store that DETDIFFUSION_STORE names

port_names=(amqp amqps management distribution epmd postgres)
port_block=20 # ports taken at once; from the eighth on they are rabbitmqctl's
roles=(admin producer worker reader)
declare -A port secret
tls=off

# Reads settings and secrets, if there are any.
load_folder() {
  local key value
  if [[ -f $folder/settings ]]; then
    while IFS='=' read -r key value; do
      case $key in
        tls) tls=$value ;;
        ?*) port[$key]=$value ;;
      esac
    done <"$folder/settings"
  fi
  if [[ -f $folder/secrets ]]; then
    [[ -r $folder/secrets ]] || fail "cannot read $folder/secrets: the stack belongs to $(stat -c %U "$folder"); run as that user"
    while IFS='=' read -r key value; do
      [[ -z $key ]] || secret[$key]=$value
    done <"$folder/secrets"
  fi
}

require_folder() {
  [[ -f $folder/settings && -f $folder/secrets ]] || fail "no stack in $folder; start one with: ops/stack start --dir '$folder'"
}

# Creates the folder, its secrets and its ports at the first start; completes them at later ones.
prepare_folder() {
  mkdir -p "$folder"/{log,rabbitmq/home,epmd,store}
  chmod 700 "$folder/rabbitmq" "$folder/log"
  printf '*\n' >"$folder/.gitignore"
  prepare_secrets
  prepare_ports
  save_settings
}

save_settings() {
  local name
  {
    printf 'tls=%s\n' "$tls"
    for name in "${port_names[@]}" control; do printf '%s=%s\n' "$name" "${port[$name]}"; done
  } >"$folder/settings.new"
  mv "$folder/settings.new" "$folder/settings"
}

prepare_secrets() {
  local role
  for role in "${roles[@]}"; do
    : "${secret[rabbitmq_$role]:=$(random_hex 24)}" "${secret[rabbitmq_salt_$role]:=$(random_hex 4)}"
    : "${secret[postgres_$role]:=$(random_hex 24)}"
  done
  : "${secret[postgres_superuser]:=$(random_hex 24)}" "${secret[erlang_cookie]:=$(random_hex 24)}"
  (
    umask 077
    for role in "${!secret[@]}"; do printf '%s=%s\n' "$role" "${secret[$role]}"; done | sort >"$folder/secrets.new"
  )
  mv "$folder/secrets.new" "$folder/secrets"
}

random_hex() { openssl rand -hex "$1"; }

# Ports asked for on the command line win; those in the folder stay; the rest come from a free block.
prepare_ports() {
  local name base offset=0
  base=${asked_port[base]:-}
  if [[ -z $base && -z ${port[control]:-} ]]; then base=$(free_block) || fail "found no $port_block free ports"; fi
  for name in "${port_names[@]}"; do
    if [[ -n ${asked_port[$name]:-} ]]; then
      port[$name]=${asked_port[$name]}
    elif [[ -n $base ]]; then
      port[$name]=$((base + offset))
    fi
    offset=$((offset + 1))
  done
  [[ -z $base ]] || port[control]=$((base + 8))
}

# The ports somebody listens on, on any address, as " 80 443 ... ".
listening_ports() {
  awk '$4 == "0A" { split($2, part, ":"); printf " %d", strtonum_hex(part[2]) } END { print " " }
    function strtonum_hex(text,  i, n) {
      for (i = 1; i <= length(text); i++) n = n * 16 + index("0123456789ABCDEF", substr(text, i, 1)) - 1
      return n
    }' /proc/net/tcp /proc/net/tcp6 2>/dev/null
}

# A block of free ports below the range from which the kernel takes ports for outgoing connections.
free_block() {
  local taken base candidate attempt free
  taken=$(listening_ports)
  for ((attempt = 0; attempt < 200; attempt++)); do
    base=$((20000 + (RANDOM % 600) * port_block))
    free=yes
    for ((candidate = base; candidate < base + port_block; candidate++)); do
      [[ $taken == *" $candidate "* ]] && free=no && break
    done
    [[ $free == yes ]] && printf '%s\n' "$base" && return 0
  done
  return 1
}

# A port of a server of ours that does not run must be free; otherwise say whose it is not.
require_free_port() {
  [[ $(listening_ports) != *" ${port[$1]} "* ]] ||
    fail "port ${port[$1]} ($1) is taken by another program; choose others with: ops/stack start --base-port N"
}

percent_encoded() {
  local text=$1 result='' character index LC_ALL=C
  for ((index = 0; index < ${#text}; index++)); do
    character=${text:index:1}
    case $character in
      [A-Za-z0-9/._~-]) result+=$character ;;
      *) printf -v character '%%%02X' "'$character" && result+=$character ;;
    esac
  done
  printf '%s' "$result"
}
