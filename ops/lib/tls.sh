# Scope: a certificate authority of the stack's own, a server certificate for localhost, a client certificate.
# Sourced, never run.
# shellcheck shell=bash disable=SC2154,SC2034 # ops/stack and its parts share folder, port, secret, tls

prepare_tls() {
  local new=$folder/tls.new
  [[ -f $folder/tls/ca.pem ]] && return 0
  rm -rf "$new"
  (
    umask 077
    mkdir "$new"
    cd "$new" || exit 1
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj '/CN=detdiffusion private stack' \
      -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign' \
      -keyout ca-key.pem -out ca.pem
    sign_certificate server localhost 'subjectAltName=DNS:localhost,IP:127.0.0.1' serverAuth
    sign_certificate client detdiffusion-client 'subjectAltName=DNS:detdiffusion-client' clientAuth
    chmod 644 ca.pem server.pem client.pem
  ) >"$folder/log/tls.log" 2>&1 || fail "making certificates in $new failed; see $folder/log/tls.log"
  mv "$new" "$folder/tls"
  chmod 755 "$folder/tls"
}

# $1 file stem, $2 common name, $3 alternative names, $4 extended key usage
sign_certificate() {
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$2" -keyout "$1-key.pem" -out "$1.csr" &&
    printf '%s\nextendedKeyUsage=%s\nbasicConstraints=CA:FALSE\n' "$3" "$4" >"$1.cnf" &&
    openssl x509 -req -in "$1.csr" -CA ca.pem -CAkey ca-key.pem -CAcreateserial -days 3650 -extfile "$1.cnf" -out "$1.pem" &&
    rm "$1.csr" "$1.cnf" || exit 1
}
