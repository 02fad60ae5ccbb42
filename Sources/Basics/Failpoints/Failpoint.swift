// Named places where a test makes a process die, freeze or fail, chosen by an environment variable.

import Foundation
import Synchronization

/// Places in the code that crash tests aim at.
///
/// `DETDIFFUSION_FAILPOINTS="worker.after-claim=kill@3;store.after-write=error"` kills this process with SIGKILL at the
/// third passage of `worker.after-claim`, and makes every ``check(_:)`` of `store.after-write` throw. Actions: `kill`,
/// `stop` (SIGSTOP) and `error`; `@n` means at the n-th passage only (default 1 for `kill` and `stop`, every one for
/// `error`). Without the variable a passage costs the read of one constant.
public enum Failpoint {
    private static let table: FailpointTable? = {
        guard let text = ProcessInfo.processInfo.environment["DETDIFFUSION_FAILPOINTS"], !text.isEmpty else {
            return nil
        }
        return FailpointTable(FailpointRule.parse(text))
    }()

    /// Passes the failpoint `name`; does not return when a `kill` rule names this passage.
    public static func hit(_ name: String) {
        guard let table else { return }
        _ = table.pass(name)
    }

    /// Passes the failpoint `name` and throws ``FailpointError`` when an `error` rule names this passage.
    public static func check(_ name: String) throws(FailpointError) {
        guard let table, table.pass(name) else { return }
        throw FailpointError(name: name)
    }
}

/// What ``Failpoint/check(_:)`` throws.
public struct FailpointError: Error, CustomStringConvertible, Sendable {
    /// The failpoint that was passed.
    public let name: String
    /// One line naming the failpoint.
    public var description: String { "failpoint \(name) was set to fail by DETDIFFUSION_FAILPOINTS" }
}

/// One rule of the variable.
struct FailpointRule: Equatable, Sendable {
    enum Action: String, Sendable { case kill, stop, error }
    var name: String
    var action: Action
    /// The passage it acts on, counted from 1; `nil` for every one.
    var passage: Int?

    /// Reads the variable's text; a rule that cannot be read stops the process, since the test would prove nothing.
    static func parse(_ text: String) -> [FailpointRule] {
        text.split(separator: ";").map { part in
            let sides = part.split(separator: "=", maxSplits: 1)
            let actionAndCount = sides.count == 2 ? sides[1].split(separator: "@", maxSplits: 1) : []
            guard let word = actionAndCount.first, let action = Action(rawValue: String(word)) else {
                preconditionFailure("DETDIFFUSION_FAILPOINTS: expected NAME=kill|stop|error[@N], found '\(part)'")
            }
            let count = actionAndCount.count == 2 ? Int(actionAndCount[1]) : (action == .error ? nil : 1)
            return FailpointRule(name: String(sides[0]), action: action, passage: count)
        }
    }
}

private final class FailpointTable: Sendable {
    private let rules: [FailpointRule]
    private let passages = Mutex<[String: Int]>([:])

    init(_ rules: [FailpointRule]) { self.rules = rules }

    /// Counts the passage and acts on it; true when an `error` rule names it.
    func pass(_ name: String) -> Bool {
        let matching = rules.filter { $0.name == name }
        guard !matching.isEmpty else { return false }
        let count = passages.withLock { counts in
            counts[name, default: 0] += 1
            return counts[name, default: 0]
        }
        var fails = false
        for rule in matching where rule.passage == nil || rule.passage == count {
            switch rule.action {
            case .kill: kill(getpid(), SIGKILL)
            // To this thread: a signal to the process stops whichever thread takes it first, and this one goes on for a while.
            case .stop: pthread_kill(pthread_self(), SIGSTOP)
            case .error: fails = true
            }
        }
        return fails
    }
}
