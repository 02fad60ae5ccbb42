// SHA-256 of bytes that arrive in pieces, computed by libcrypto's EVP interface.

import CCrypto
public import Foundation

/// A running SHA-256 hash: feed it pieces with ``update(_:)``, then take the digest with ``finalize()``.
///
/// `@unchecked Sendable`: the type cannot be copied, so the one owner of the value is the only user of its EVP context,
/// which is bound to no thread.
@safe public struct SHA256Hasher: ~Copyable, @unchecked Sendable {
    private let context: OpaquePointer

    /// Begins a hash of no bytes.
    public init() {
        guard let made = unsafe EVP_MD_CTX_new() else {
            preconditionFailure("libcrypto could not allocate a digest context")
        }
        unsafe context = made
        begin()
    }

    deinit { unsafe EVP_MD_CTX_free(context) }

    /// Appends `bytes` to what is hashed.
    public mutating func update(_ bytes: some ContiguousBytes) {
        let status = unsafe bytes.withUnsafeBytes { buffer in
            unsafe EVP_DigestUpdate(context, buffer.baseAddress, buffer.count)
        }
        precondition(status == 1, "EVP_DigestUpdate cannot fail on a context that was begun")
    }

    /// Returns the digest of everything so far and begins a new hash of no bytes.
    public mutating func finalize() -> SHA256Digest {
        var bytes = [UInt8](repeating: 0, count: SHA256Digest.byteCount)
        let status = unsafe EVP_DigestFinal_ex(context, &bytes, nil)
        precondition(status == 1, "EVP_DigestFinal_ex cannot fail on a context that was begun")
        begin()
        guard let digest = SHA256Digest(bytes: bytes) else { preconditionFailure("32 bytes make a digest") }
        return digest
    }

    private func begin() {
        let status = unsafe EVP_DigestInit_ex(context, EVP_sha256(), nil)
        precondition(status == 1, "libcrypto offers no SHA-256")
    }
}
