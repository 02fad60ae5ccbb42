// The thread of a connection: connect, serve, wait, begin again.

import Executors
import Foundation
import Logging

/// What a publisher or a consumer does with the connection that the loop keeps for it. Runs on the loop's thread only.
protocol ConnectionRole {
    /// What the broker lists the connection as.
    var name: String { get }
    /// Prepares a fresh connection.
    mutating func opened(_ connection: AMQPConnection) throws(BrokerError)
    /// Does what other threads asked for; true when there is more that could be done at once.
    mutating func perform(_ connection: AMQPConnection) throws(BrokerError) -> Bool
    /// Whether something waits for room in the socket.
    var wantsToWrite: Bool { get }
    /// Takes an event.
    mutating func handle(_ event: ConnectionEvent, _ connection: AMQPConnection) throws(BrokerError)
    /// The connection is gone, or could not be made.
    mutating func lost(_ error: BrokerError)
    /// A graceful end begins: ``perform(_:)`` is called until it has no more to do.
    mutating func stopping()
    /// The last call: nothing comes after it.
    mutating func ended(_ error: BrokerError?)
}

/// Runs one role over one connection at a time on its own thread.
///
/// ``serve()`` keeps the thread for the whole life of the publisher or consumer: calls of librabbitmq block, and
/// heartbeats go out only inside them.
actor ConnectionLoop<Role: ConnectionRole> {
    /// How many events are handled before commands are looked at again.
    private static var eventsPerTurn: Int { 256 }

    private let thread: DedicatedThread
    nonisolated var unownedExecutor: UnownedSerialExecutor { unsafe thread.asUnownedSerialExecutor() }

    private let url: BrokerURL
    private let control: ConnectionControl
    private let logger: Logger
    private let reportsOutages: Bool
    private var role: Role
    private var lifecycle = ConnectionLifecycle()
    private var connection: AMQPConnection?

    /// - Parameter reportsOutages: whether an outage is a warning, once; all else about it is information.
    init(
        url: BrokerURL, control: ConnectionControl, logger: Logger, reportsOutages: Bool, threadName: String,
        role: sending Role
    ) {
        thread = DedicatedThread(name: threadName)
        self.url = url
        self.control = control
        self.logger = logger
        self.reportsOutages = reportsOutages
        self.role = role
    }

    /// Serves until the control says stop.
    /// - Throws: what only a person can mend, when it comes before the first connection.
    func serve() throws(BrokerError) {
        var action = lifecycle.start()
        while true {
            if control.isStopping { action = lifecycle.stop() }
            switch action {
            case .connect: action = connect()
            case .serve: action = serveOpenConnection()
            case .wait(let delay): action = wait(delay)
            case .finish:
                closeGracefully()
                role.ended(nil)
                return
            case .fail(let error):
                role.ended(error)
                throw error
            }
        }
    }

    private func connect() -> ConnectionLifecycle.Action {
        do throws(BrokerError) {
            let connection = try AMQPConnection(url, name: role.name, control: control)
            try role.opened(connection)
            self.connection = connection
            control.setConnected(true)
            logger.info("connected to the broker", metadata: ["broker.url": "\(url)"])
            return lifecycle.connected()
        } catch {
            let action = lifecycle.failed(error, draw: .random(in: 0...1))
            report("connecting to the broker failed", error)
            role.lost(error)
            return action
        }
    }

    private func serveOpenConnection() -> ConnectionLifecycle.Action {
        guard let connection else { return lifecycle.stop() }
        let start = ContinuousClock.now
        do throws(BrokerError) {
            while !control.isStopping { try turn(connection) }
            return lifecycle.stop()
        } catch {
            control.setConnected(false)
            self.connection = nil
            let action = lifecycle.lost(error, openFor: .now - start, draw: .random(in: 0...1))
            report("lost the broker", error)
            role.lost(error)
            return action
        }
    }

    private func report(_ message: Logger.Message, _ error: BrokerError) {
        guard !control.isStopping else { return }
        if reportsOutages, lifecycle.isOutageNew {
            logger.log(
                level: .warning,
                error.isPermanent
                    ? "the broker refuses this; it is tried again until somebody has mended it"
                    : "the broker is away; it is tried again until it is back", error)
        } else {
            logger.log(level: .info, message, error)
        }
    }

    /// Commands, then events, then sleep until there are more of either.
    private func turn(_ connection: AMQPConnection) throws(BrokerError) {
        var isBusy = try role.perform(connection)
        var count = 0
        while let event = try connection.nextEvent() {
            try role.handle(event, connection)
            count += 1
            if count == Self.eventsPerTurn { break }
        }
        isBusy = isBusy || count > 0 || connection.hasBufferedFrames
        guard !isBusy else { return }
        _ = Readiness.wait(
            socket: connection.socket, wakeup: control.wakeup, forWriting: role.wantsToWrite,
            timeout: connection.longestWait)
    }

    private func wait(_ delay: Duration) -> ConnectionLifecycle.Action {
        let deadline = ContinuousClock.now + delay
        while !control.isStopping {
            let remaining = deadline - .now
            guard remaining > .zero else { break }
            _ = Readiness.wait(socket: -1, wakeup: control.wakeup, forWriting: false, timeout: remaining)
        }
        return control.isStopping ? lifecycle.stop() : lifecycle.waited()
    }

    /// Sends what was asked for before the stop, and says goodbye.
    private func closeGracefully() {
        control.setConnected(false)
        guard let connection else { return }
        do throws(BrokerError) {
            role.stopping()
            while try role.perform(connection) {}
        } catch {
            logger.log(level: .info, "the broker went away while stopping", error)
        }
        connection.close()
        self.connection = nil
    }
}

extension Logger {
    /// A constant message with the error as metadata.
    fileprivate func log(level: Logger.Level, _ message: Logger.Message, _ error: BrokerError) {
        log(level: level, message, metadata: ["broker.error": "\(error)"])
    }
}
