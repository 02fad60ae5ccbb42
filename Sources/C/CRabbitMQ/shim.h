// What Swift cannot import from librabbitmq as it stands: variadic functions and macros with casts.
#ifndef DETDIFFUSION_CRABBITMQ_SHIM_H
#define DETDIFFUSION_CRABBITMQ_SHIM_H

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>

/// `amqp_login_with_properties` is variadic, which Swift does not import; PLAIN takes a user and a password.
static inline amqp_rpc_reply_t detdiffusion_login_plain(
    amqp_connection_state_t state, const char *virtual_host, int frame_max, int heartbeat,
    const amqp_table_t *properties, const char *user, const char *password) {
    return amqp_login_with_properties(state, virtual_host, 0, frame_max, heartbeat, properties,
                                      AMQP_SASL_METHOD_PLAIN, user, password);
}

// The method numbers are macros with a cast, which Swift does not import.
static const amqp_method_number_t detdiffusion_connection_close = AMQP_CONNECTION_CLOSE_METHOD;
static const amqp_method_number_t detdiffusion_connection_close_ok = AMQP_CONNECTION_CLOSE_OK_METHOD;
static const amqp_method_number_t detdiffusion_connection_blocked = AMQP_CONNECTION_BLOCKED_METHOD;
static const amqp_method_number_t detdiffusion_connection_unblocked = AMQP_CONNECTION_UNBLOCKED_METHOD;
static const amqp_method_number_t detdiffusion_channel_close = AMQP_CHANNEL_CLOSE_METHOD;
static const amqp_method_number_t detdiffusion_channel_close_ok = AMQP_CHANNEL_CLOSE_OK_METHOD;
static const amqp_method_number_t detdiffusion_basic_deliver = AMQP_BASIC_DELIVER_METHOD;
static const amqp_method_number_t detdiffusion_basic_return = AMQP_BASIC_RETURN_METHOD;
static const amqp_method_number_t detdiffusion_basic_ack = AMQP_BASIC_ACK_METHOD;
static const amqp_method_number_t detdiffusion_basic_nack = AMQP_BASIC_NACK_METHOD;
static const amqp_method_number_t detdiffusion_basic_cancel = AMQP_BASIC_CANCEL_METHOD;

#endif
