// Ending a program with all that it started, within a time limit.

import CProcesses
import Foundation

/// A program and its descendants, wherever they went: other groups, other sessions, parents that are gone.
struct ProgramFamily: Sendable {
    /// How a family ended.
    struct Ending: Sendable {
        /// How the program ended, as in "exit code 1".
        var status: String
        /// What ran outside of its group and was ended.
        var ended: [ProcessEntry]
        /// What did not end.
        var left: [ProcessEntry]
        /// Whether some of it may still go on from parent to child, faster than it was looked at.
        var isFleeing: Bool
    }

    /// How long ending it may take. What is killed ends at once, unless it waits for a device or belongs
    /// to another user.
    static let limit = Duration.seconds(5)

    /// The program's number, and its group's.
    let program: pid_t
    /// The variable that the program got, which its descendants inherit.
    let mark: String
    /// When the program started, in the clock ticks of ``ProcessEntry``.
    let start: UInt64

    /// - Parameter program: a child that nobody has waited for.
    init(program: pid_t, mark: String) {
        self.program = program
        self.mark = mark
        start = ProcessEntry(program)?.start ?? 0
    }

    /// Ends all of it. To be called once.
    func end() -> Ending {
        let begin = ContinuousClock.now
        let deadline = begin + Self.limit
        var hunt = Hunt(family: self)
        // What is stopped starts nothing, so that in the end all of it is known.
        kill(program, SIGSTOP)
        while ContinuousClock.now < begin + Self.limit / 2, hunt.look(SIGSTOP) {}
        kill(-program, SIGKILL)
        // It may have moved to another group.
        kill(program, SIGKILL)
        for member in hunt.members { member.signal(SIGKILL) }
        var isMoving = true
        while ContinuousClock.now < deadline {
            isMoving = hunt.look(SIGKILL)
            // It is waited for last, so that its number, and its group's, stay its own until then.
            if !isMoving, detdiffusion_has_ended(program), !hunt.members.contains(where: \.isAlive) { break }
            if !isMoving { usleep(1_000) }
        }
        let status = ProgramChildren.shared.reap(program)
        var left = hunt.members.filter(\.isAlive)
        if status == nil, let itself = ProcessEntry(program) { left.insert(itself) }
        let ended = hunt.members.subtracting(left).filter { $0.group != program }
        return Ending(
            status: status.map(Self.text) ?? "no end within \(Self.limit): process \(program) outlives SIGKILL",
            ended: Self.sorted(ended), left: Self.sorted(left), isFleeing: isMoving)
    }

    /// Looks for the members of a family again and again: some flee from parent to child.
    private struct Hunt {
        /// How often nothing may be found, while processes come and go, before there is nothing.
        private static let patience = 50

        let family: ProgramFamily
        private(set) var members: Set<ProcessEntry> = []
        private var others: Set<pid_t> = []
        private var misses = 0

        init(family: ProgramFamily) { self.family = family }

        /// Sends a signal to the members that were not known yet.
        /// - Returns: whether there may be more of them.
        mutating func look(_ signal: Int32) -> Bool {
            let sighting = ProgramChildren.shared.look(for: family, known: members, others: &others)
            var fresh = sighting.relatives.filter { !$0.isOver }.subtracting(members)
            for member in fresh { member.signal(signal) }
            for number in sighting.gone.sorted(by: >).prefix(4) {
                for member in ProgramChildren.shared.successors(of: number, in: family, known: members)
                where !members.contains(member) && fresh.insert(member).inserted {
                    member.signal(signal)
                }
            }
            members.formUnion(fresh)
            misses = fresh.isEmpty ? misses + 1 : 0
            return !fresh.isEmpty || (!sighting.gone.isEmpty && misses < Self.patience)
        }
    }

    private static func sorted(_ entries: Set<ProcessEntry>) -> [ProcessEntry] {
        entries.sorted { $0.identifier < $1.identifier }
    }

    private static func text(_ status: Int32) -> String {
        let signal = status & 0x7f
        return signal == 0 ? "exit code \((status >> 8) & 0xff)" : "signal \(signal)"
    }
}
