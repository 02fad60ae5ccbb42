// Ports of 127.0.0.1 for servers that a test starts itself.

import Foundation

/// A free port.
public enum LoopbackPort {
    /// A listening socket on a port that the system chose, and its number.
    public static func listener() throws -> (descriptor: Int32, port: UInt16) {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isListening = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &length) == 0
            }
        }
        guard descriptor >= 0, isListening else { throw ProcessFailure("no port of 127.0.0.1 is free") }
        return (descriptor, UInt16(bigEndian: address.sin_port))
    }

    /// The number of a port on which nobody listens at the moment.
    public static func free() throws -> UInt16 {
        let (descriptor, port) = try listener()
        close(descriptor)
        return port
    }

    /// Whether somebody listens on a port.
    public static func isTaken(_ port: UInt16) -> Bool {
        let descriptor = connect(to: port)
        if descriptor >= 0 { close(descriptor) }
        return descriptor >= 0
    }

    /// A socket that is connected to a port, or -1.
    public static func connect(to port: UInt16) -> Int32 {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        address.sin_port = port.bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { close(descriptor); return -1 }
        return descriptor
    }
}
