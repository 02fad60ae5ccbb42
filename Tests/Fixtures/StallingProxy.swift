// A network that stalls: no byte goes on, and no connection ends.

import Foundation
import Synchronization

/// Forwards connections of its own port to another one of 127.0.0.1, until it is told to stall.
public final class StallingProxy: Sendable {
    /// Where it listens.
    public let port: UInt16
    private let target: UInt16
    private let listener: Int32
    private let gate = Gate()

    /// Listens from now on.
    public init(to target: UInt16) throws {
        self.target = target
        (listener, port) = try LoopbackPort.listener()
        let (listener, gate) = (listener, gate)
        Thread.detachNewThread { Self.accept(on: listener, to: target, gate) }
    }

    /// Ends the listening thread; connections end with their ends.
    deinit {
        gate.open()
        _ = shutdown(listener, Int32(SHUT_RDWR))
    }

    /// Keeps every byte from now on.
    public func stall() { gate.close() }

    /// Sends on what was kept, and what comes.
    public func goOn() { gate.open() }

    private static func accept(on listener: Int32, to target: UInt16, _ gate: Gate) {
        while true {
            let client = Foundation.accept(listener, nil, nil)
            guard client >= 0 else { break }
            Thread.detachNewThread {
                gate.pass()
                let server = LoopbackPort.connect(to: target)
                guard server >= 0 else { close(client); return }
                Thread.detachNewThread { pump(from: server, to: client, gate) }
                pump(from: client, to: server, gate)
            }
        }
        close(listener)
    }

    /// Either end that leaves ends both ways; the descriptors stay, so that the other thread never hits another's.
    private static func pump(from source: Int32, to sink: Int32, _ gate: Gate) {
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = recv(source, &buffer, buffer.count, 0)
            guard count > 0 else { break }
            gate.pass()
            var sent = 0
            while sent < count {
                let written = buffer[sent..<count].withUnsafeBytes {
                    send(sink, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard written > 0 else { break }
                sent += written
            }
            guard sent == count else { break }
        }
        for descriptor in [source, sink] { _ = shutdown(descriptor, Int32(SHUT_RDWR)) }
    }
}

/// What every byte has to pass.
///
/// `@unchecked Sendable`: `isClosed` is only touched while `condition` is locked.
private final class Gate: @unchecked Sendable {
    private let condition = NSCondition()
    private var isClosed = false

    func close() { set(true) }
    func open() { set(false) }

    func pass() {
        condition.lock()
        while isClosed { condition.wait() }
        condition.unlock()
    }

    private func set(_ isClosed: Bool) {
        condition.lock()
        self.isClosed = isClosed
        condition.broadcast()
        condition.unlock()
    }
}
