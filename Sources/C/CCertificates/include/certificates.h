// What OpenSSL finds wrong with a peer's certificates, for libraries that keep it to themselves.
#ifndef DETDIFFUSION_CERTIFICATES_H
#define DETDIFFUSION_CERTIFICATES_H

/// The first thing that is wrong with the certificates that a peer showed.
struct detdiffusion_certificate_fault {
    /// X509_V_ERR_...; 0 where nothing is wrong.
    int error;
    /// How far up the chain: 0 is the peer's own certificate.
    int depth;
    /// The days between which that certificate holds, such as 2026-11-30.
    char not_before[16], not_after[16];
};

extern const int detdiffusion_certificate_expired;
extern const int detdiffusion_certificate_not_yet_valid;
extern const int detdiffusion_certificate_wrong_purpose;

/// Writes the first fault of every handshake under an SSL_CTX into `fault` from now on; with NULL no more.
void detdiffusion_watch_certificates(void *context, struct detdiffusion_certificate_fault *fault);

/// Forgets this thread's errors of OpenSSL.
void detdiffusion_forget_tls_errors(void);

/// Whether this thread's failed handshake ended because the peer closed the connection, rather than over what it said.
int detdiffusion_peer_closed(void);

/// Asks a PostgreSQL server for its certificates and goes away, before any name or password is sent.
/// Every wait takes at most `seconds`; where the server does not answer, `fault` stays empty.
void detdiffusion_ask_postgres(const char *host, const char *port, const char *name, const char *authorities, int seconds,
                               struct detdiffusion_certificate_fault *fault);

#endif
