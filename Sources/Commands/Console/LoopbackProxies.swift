// Proxies that the environment names are for other hosts than this one.

import Foundation

/// The variables that curl hears, under Foundation's requests.
enum LoopbackProxies {
    private static let variables = ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]
    private static let hosts = ["localhost", "127.0.0.1", "::1", "127.0.0.0/8"]

    /// Keeps connections to this host away from a proxy, which would be given the password and would look for the server
    /// on its own host. Called while nothing else runs in the process.
    static func keepAway() {
        let environment = ProcessInfo.processInfo.environment
        guard variables.contains(where: { environment[$0] != nil }) else { return }
        let names = ["no_proxy", "NO_PROXY"]
        let value = list(beside: names.lazy.compactMap { environment[$0] }.first { !$0.isEmpty })
        for name in names { setenv(name, value, 1) }
    }

    /// The hosts of `exceptions` and those of ours.
    static func list(beside exceptions: String?) -> String {
        // `*` is every host only where it stands alone.
        guard exceptions?.filter({ !$0.isWhitespace }) != "*" else { return "*" }
        return ([exceptions].compactMap { $0 } + hosts).joined(separator: ",")
    }
}
