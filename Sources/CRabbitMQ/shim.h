// What Swift cannot import from librabbitmq as it stands: variadic functions and macros with casts; and what librabbitmq
// keeps to itself of a TLS connection that failed.
#ifndef DETDIFFUSION_CRABBITMQ_SHIM_H
#define DETDIFFUSION_CRABBITMQ_SHIM_H

#include <amqp.h>
#include <amqp_framing.h>
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <time.h>

/// `amqp_login_with_properties` is variadic, which Swift does not import; PLAIN takes a user and a password.
static inline amqp_rpc_reply_t detdiffusion_login_plain(
    amqp_connection_state_t state, const char *virtual_host, int frame_max, int heartbeat,
    const amqp_table_t *properties, const char *user, const char *password) {
    return amqp_login_with_properties(state, virtual_host, 0, frame_max, heartbeat, properties,
                                      AMQP_SASL_METHOD_PLAIN, user, password);
}

/// Why a TLS connection was not made.
struct detdiffusion_tls_report {
    /// The first thing wrong with the peer's certificates, X509_V_...; 0 where nothing is.
    int verify_error;
    /// How far up the chain: 0 is the peer's own certificate.
    int verify_depth;
    /// The days between which that certificate holds, such as 2026-11-30.
    char not_before[16], not_after[16];
    /// Whether the peer closed the connection without a word of TLS.
    int was_closed;
};

static const int detdiffusion_certificate_expired = X509_V_ERR_CERT_HAS_EXPIRED;
static const int detdiffusion_certificate_not_yet_valid = X509_V_ERR_CERT_NOT_YET_VALID;
static const int detdiffusion_certificate_wrong_purpose = X509_V_ERR_INVALID_PURPOSE;

static inline void detdiffusion_write_day(const ASN1_TIME *moment, char day[16]) {
    struct tm parts;
    if (ASN1_TIME_to_tm(moment, &parts) == 1) strftime(day, 16, "%Y-%m-%d", &parts);
}

/// Called for every certificate of the peer's chain; changes nothing about the outcome.
static inline int detdiffusion_note_verification(int is_good, X509_STORE_CTX *store) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct detdiffusion_tls_report *report = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (!is_good && report && report->verify_error == 0) {
        report->verify_error = X509_STORE_CTX_get_error(store);
        report->verify_depth = X509_STORE_CTX_get_error_depth(store);
        X509 *certificate = X509_STORE_CTX_get_current_cert(store);
        if (certificate) {
            detdiffusion_write_day(X509_get0_notBefore(certificate), report->not_before);
            detdiffusion_write_day(X509_get0_notAfter(certificate), report->not_after);
        }
    }
    return is_good;
}

/// `amqp_socket_open_noblock`, and why it failed: the library's status stands for many reasons, and it frees OpenSSL's
/// objects, which know the one, before it returns.
static inline int detdiffusion_open_tls(amqp_socket_t *socket, const char *host, int port, struct timeval *timeout,
                                        struct detdiffusion_tls_report *report) {
    SSL_CTX *context = (SSL_CTX *)amqp_ssl_socket_get_context(socket);
    *report = (struct detdiffusion_tls_report){0};
    SSL_CTX_set_app_data(context, report);
    SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), detdiffusion_note_verification);
    ERR_clear_error();
    int status = amqp_socket_open_noblock(socket, host, port, timeout);
    SSL_CTX_set_app_data(context, NULL);
    // Nothing in the queue is a failure of the socket itself, such as a reset.
    unsigned long reason = ERR_peek_error();
    report->was_closed =
        status == AMQP_STATUS_SSL_CONNECTION_FAILED &&
        (reason == 0 || (ERR_GET_LIB(reason) == ERR_LIB_SSL && ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING));
    ERR_clear_error();
    return status;
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
