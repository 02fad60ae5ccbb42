# Scope: whether the broker's quorum queues are led, and mending those that never will be. Sourced, never run.
# shellcheck shell=bash disable=SC2154,SC2034 # ops/stack and its parts share folder, port, secret, tls
#
# A quorum queue declared less than about a second before the broker is killed comes back without members: it takes
# part in no election, and a client that declares, publishes or consumes waits forever. The management interface still
# calls it running and names a leader; only Raft's own table tells. On a single node such a queue holds nothing.

# Prints the queues of the virtual host without a leader, after giving elections six seconds. A node whose port mapper
# was killed registers again within two seconds of its return, so the question is put more than once.
leaderless_queues() {
  local answer attempt
  for attempt in 1 2 3 4 5 6; do
    if answer=$(ask_for_leaderless_queues 2>"$folder/log/rabbitmqctl.log"); then
      printf '%s' "${answer%ok}"
      return 0
    fi
    sleep 0.5
  done
  return 1
}

# The list, a line each, and then `ok`.
ask_for_leaderless_queues() {
  rabbitmq_tool eval --quiet "
    Names = [{amqqueue:get_pid(Q), amqqueue:get_name(Q)} || Q <- rabbit_amqqueue:list(<<\"$virtual_host\">>),
             amqqueue:get_type(Q) =:= rabbit_quorum_queue],
    Leaderless = fun() -> [Name || {{Id, _}, {resource, _, _, Name}} <- Names, ets:lookup(ra_state, Id) =/= [{Id, leader}]] end,
    Wait = fun Again(0) -> Leaderless();
               Again(N) -> case Leaderless() of [] -> []; _ -> timer:sleep(20), Again(N - 1) end end,
    [io:format(\"~s~n\", [Name]) || Name <- Wait(300)], ok." </dev/null
}

# Every queue of the topology is there and led, or the start fails.
await_queues() {
  local queue leaderless
  leaderless=$(leaderless_queues) || fail "asking RabbitMQ for its queues failed; see $folder/log/rabbitmqctl.log"
  [[ -n $leaderless ]] || return 0
  for queue in $leaderless; do
    note "mending queue $queue: it was declared just before the broker was killed, and came back without members"
    rabbitmq_tool --quiet delete_queue --vhost "$virtual_host" "$queue" >/dev/null || fail "deleting queue $queue failed"
  done
  rabbitmq_tool --quiet import_definitions "$folder/rabbitmq/definitions.json" >/dev/null || fail "importing the topology again failed"
  leaderless=$(leaderless_queues) || fail "asking RabbitMQ for its queues failed; see $folder/log/rabbitmqctl.log"
  [[ -z $leaderless ]] || fail "queues without a leader: ${leaderless//$'\n'/, }; see $folder/log/rabbitmq.log"
}
