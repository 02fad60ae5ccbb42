# Scope: users, permissions, queues and policies of the private broker, as a RabbitMQ definitions file.
# Sourced, never run.
# shellcheck shell=bash disable=SC2154,SC2034 # ops/stack and its parts share folder, port, secret, tls

work_queues=(
  detdiffusion.v1.generate.sketch detdiffusion.v1.generate.sketch.high
  detdiffusion.v1.pack.archive detdiffusion.v1.pack.archive.high
)
dead_letters=detdiffusion.v1.dead
control_exchange=detdiffusion.v1.control

# Queues are declared with their type alone; all else is policy, so that it can be changed while they live.
print_definitions() {
  cat <<END
{
  "users": [$(joined print_user "${roles[@]}")],
  "vhosts": [{"name": "$virtual_host"}],
  "permissions": [$(joined print_permission "${roles[@]}")],
  "policies": [
    {"vhost": "$virtual_host", "name": "detdiffusion-work", "apply-to": "queues", "priority": 10,
     "pattern": "^detdiffusion\\\\.v[0-9]+\\\\.(?!dead$)", "definition": {
       "delivery-limit": 20, "overflow": "reject-publish",
       "dead-letter-exchange": "$dead_letters", "dead-letter-strategy": "at-least-once",
       "max-length": 500000, "max-length-bytes": 268435456}},
    {"vhost": "$virtual_host", "name": "detdiffusion-dead", "apply-to": "queues", "priority": 10,
     "pattern": "^detdiffusion\\\\.v[0-9]+\\\\.dead$", "definition": {
       "overflow": "drop-head", "max-length": 10000, "max-length-bytes": 67108864, "message-ttl": 2592000000}}
  ],
  "queues": [$(joined print_queue "${work_queues[@]}" "$dead_letters")],
  "exchanges": [$(joined print_exchange "$control_exchange" "$dead_letters")],
  "bindings": [
    {"vhost": "$virtual_host", "source": "$dead_letters", "destination": "$dead_letters",
     "destination_type": "queue", "routing_key": "", "arguments": {}}
  ]
}
END
}

# Prints $1 ITEM for every further item, with commas between.
joined() {
  local print=$1 item comma=''
  shift
  for item in "$@"; do
    printf '%s\n    ' "$comma" && "$print" "$item" && comma=,
  done
}

print_user() {
  local tags=''
  [[ $1 != admin ]] || tags='"administrator"'
  printf '{"name": "%s", "tags": [%s], "hashing_algorithm": "rabbit_password_hashing_sha256", "password_hash": "%s"}' \
    "$1" "$tags" "$(password_hash "${secret[rabbitmq_$1]}" "${secret[rabbitmq_salt_$1]}")"
}

# base64(salt, sha256(salt, password)); the salt is four bytes.
password_hash() {
  local salt='' digits=$2
  while [[ -n $digits ]]; do salt+="\\x${digits:0:2}" && digits=${digits:2}; done
  {
    printf '%b' "$salt"
    { printf '%b' "$salt" && printf '%s' "$1"; } | openssl dgst -sha256 -binary
  } | base64 -w 0
}

# A producer publishes to queues that are there; a worker consumes from them too, and has its own queue for job
# control; a reader has nothing to do on the broker. Publishing through the nameless exchange is a write to amq.default.
# As BrokerRole.swift has it: a test compares.
print_permission() {
  local configure='^$' writes='^$' reads='^$'
  case $1 in
    admin) configure='.*' writes='.*' reads='.*' ;;
    producer) writes='^amq\\.default$' ;;
    worker)
      configure='^amq\\.gen.*$' writes='^(amq\\.gen.*|amq\\.default)$'
      reads='^(amq\\.gen.*|detdiffusion\\.v[0-9]+\\.(?!dead$).*)$'
      ;;
  esac
  printf '{"user": "%s", "vhost": "%s", "configure": "%s", "write": "%s", "read": "%s"}' \
    "$1" "$virtual_host" "$configure" "$writes" "$reads"
}

print_queue() {
  printf '{"vhost": "%s", "name": "%s", "durable": true, "auto_delete": false, "arguments": {"x-queue-type": "quorum"}}' \
    "$virtual_host" "$1"
}

print_exchange() {
  printf '{"vhost": "%s", "name": "%s", "type": "fanout", "durable": true, "auto_delete": false, "internal": false, "arguments": {}}' \
    "$virtual_host" "$1"
}
