#include "certificates.h"

#include <netdb.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

const int detdiffusion_certificate_expired = X509_V_ERR_CERT_HAS_EXPIRED;
const int detdiffusion_certificate_not_yet_valid = X509_V_ERR_CERT_NOT_YET_VALID;
const int detdiffusion_certificate_wrong_purpose = X509_V_ERR_INVALID_PURPOSE;

static void write_day(const ASN1_TIME *moment, char day[16]) {
    struct tm parts;
    if (ASN1_TIME_to_tm(moment, &parts) == 1) strftime(day, 16, "%Y-%m-%d", &parts);
}

/// Called for every certificate of a chain; changes nothing about the outcome.
static int note_verification(int is_good, X509_STORE_CTX *store) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct detdiffusion_certificate_fault *fault = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (is_good || !fault || fault->error != 0) return is_good;
    fault->error = X509_STORE_CTX_get_error(store);
    fault->depth = X509_STORE_CTX_get_error_depth(store);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    if (certificate) {
        write_day(X509_get0_notBefore(certificate), fault->not_before);
        write_day(X509_get0_notAfter(certificate), fault->not_after);
    }
    return is_good;
}

void detdiffusion_watch_certificates(void *context, struct detdiffusion_certificate_fault *fault) {
    SSL_CTX_set_app_data((SSL_CTX *)context, fault);
    if (fault) SSL_CTX_set_verify(context, SSL_CTX_get_verify_mode(context), note_verification);
}

void detdiffusion_forget_tls_errors(void) { ERR_clear_error(); }

int detdiffusion_peer_closed(void) {
    // Nothing in the queue is a failure of the socket itself, such as a reset.
    unsigned long reason = ERR_peek_error();
    return reason == 0 ||
           (ERR_GET_LIB(reason) == ERR_LIB_SSL && ERR_GET_REASON(reason) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
}

/// A connected socket whose every wait is limited, or -1.
static int dial(const char *host, const char *port, int seconds) {
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *addresses = NULL;
    struct timeval limit = {.tv_sec = seconds};
    int descriptor = -1;
    if (getaddrinfo(host, port, &hints, &addresses) != 0) return -1;
    for (struct addrinfo *next = addresses; next && descriptor < 0; next = next->ai_next) {
        descriptor = socket(next->ai_family, next->ai_socktype | SOCK_CLOEXEC, next->ai_protocol);
        if (descriptor < 0) continue;
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        if (connect(descriptor, next->ai_addr, next->ai_addrlen) == 0) break;
        close(descriptor);
        descriptor = -1;
    }
    freeaddrinfo(addresses);
    return descriptor;
}

void detdiffusion_ask_postgres(const char *host, const char *port, const char *name, const char *authorities, int seconds,
                               struct detdiffusion_certificate_fault *fault) {
    static const unsigned char request[8] = {0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f};  // SSLRequest
    char answer = 0;
    memset(fault, 0, sizeof *fault);
    int descriptor = dial(host, port, seconds);
    if (descriptor < 0) return;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = NULL;
    if (context && SSL_CTX_load_verify_locations(context, authorities, NULL) == 1 &&
        send(descriptor, request, sizeof request, MSG_NOSIGNAL) == sizeof request &&
        recv(descriptor, &answer, 1, 0) == 1 && answer == 'S') {
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
        detdiffusion_watch_certificates(context, fault);
        ssl = SSL_new(context);
        if (ssl && SSL_set_fd(ssl, descriptor) == 1) {
            SSL_set_tlsext_host_name(ssl, name);
            SSL_connect(ssl);
        }
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
    close(descriptor);
    ERR_clear_error();
}
