// The children that this process has because of programs: those that it started, and those that they left to it.

import CProcesses
import Foundation
import Synchronization

/// Knows which process belongs to which program. There is one for this process, as its children are its own.
final class ProgramChildren: Sendable {
    static let shared = ProgramChildren()

    private struct State {
        /// Programs that run, or were not yet waited for.
        var programs: Set<pid_t> = []
        /// Programs that outlived their end.
        var lost: Set<pid_t> = []
        /// Whether orphaned descendants become this process's children.
        var adopts = false
        /// Whether every child that is no program comes from one.
        var hasOnlyPrograms = false

        var own: Set<pid_t> { programs.union(lost) }
    }

    private let state = Mutex(State())

    /// Makes this process the parent of whatever its programs leave behind, so that it is found and ended with them.
    ///
    /// For a process that starts nothing but programs: what it adopts, it takes for theirs. As the first process of a
    /// container, and with children from before, it goes by their environment instead.
    /// - Throws: what the system said.
    func adoptOrphans() throws(ChildProcess.Failure) {
        let code = state.withLock { state in
            guard !state.adopts else { return Int32(0) }
            let code = detdiffusion_adopt_orphans()
            state.adopts = code == 0
            state.hasOnlyPrograms =
                code == 0 && getpid() != 1 && !ProcessEntry.all().entries.contains { $0.parent == getpid() }
            return code
        }
        guard code == 0 else { throw ChildProcess.Failure(code) }
    }

    /// Starts a program; until `spawn` returns, nobody takes it for an orphan.
    func start(_ spawn: () throws(ChildProcess.Failure) -> pid_t) throws(ChildProcess.Failure) -> pid_t {
        try state.withLock { state throws(ChildProcess.Failure) in
            let identifier = try spawn()
            state.programs.insert(identifier)
            return identifier
        }
    }

    /// Takes the exit status of a program that has ended; `nil` while it has not, and then it is waited for
    /// some later time.
    func reap(_ program: pid_t) -> Int32? {
        state.withLock { state in
            state.programs.remove(program)
            var status: Int32 = 0
            if unsafe waitpid(program, &status, WNOHANG) == program { return status }
            state.lost.insert(program)
            return nil
        }
    }

    /// Takes note of orphans that have ended, and of programs that outlived their end.
    func tidy() {
        guard detdiffusion_has_zombie() else { return }
        state.withLock { state in _ = Self.tidy(&state, ProcessEntry.all().entries) }
    }

    /// - Returns: the numbers of orphans that had ended.
    private static func tidy(_ state: inout State, _ all: [ProcessEntry]) -> [pid_t] {
        state.lost = state.lost.filter { waitpid($0, nil, WNOHANG) == 0 }
        guard state.adopts else { return [] }
        let over = all.filter { $0.isOver && $0.parent == getpid() && !state.own.contains($0.identifier) }
        for child in over { waitpid(child.identifier, nil, WNOHANG) }
        return over.map(\.identifier)
    }

    /// What a look for a program's processes found.
    struct Sighting {
        var relatives: Set<ProcessEntry>
        /// The numbers of processes that were just gone, of which some may have been relatives, too.
        var gone: [pid_t]
    }

    /// The processes that come from `family`'s program, but itself: its group and session, whatever carries its mark or
    /// was left to this process, and all that any of them started.
    /// - Parameters:
    ///   - known: those found before.
    ///   - others: the numbers of processes that are not looked at; those join them that were there before the program.
    func look(for family: ProgramFamily, known: Set<ProcessEntry>, others: inout Set<pid_t>) -> Sighting {
        let (sighting, all) = state.withLock { state in
            let all = ProcessEntry.all(except: others)
            let gone = all.gone + Self.tidy(&state, all.entries)
            let kin = Kinship(state, family, known)
            let candidates = all.entries.filter { kin.isPossible($0) }
            let relatives = Self.descendants(of: candidates.filter { kin.isCertain($0) }, among: candidates)
            return (Sighting(relatives: relatives, gone: gone), all.entries)
        }
        for entry in all where entry.start < family.start { others.insert(entry.identifier) }
        return sighting
    }

    /// The relatives among the processes with the numbers after `number`, the youngest first: where one that forked and
    /// ended went on.
    func successors(of number: pid_t, in family: ProgramFamily, known: Set<ProcessEntry>) -> [ProcessEntry] {
        state.withLock { state in
            let kin = Kinship(state, family, known)
            return (1...64).reversed().compactMap { ProcessEntry(number + $0) }.filter {
                !$0.isOver && kin.isPossible($0) && kin.isCertain($0)
            }
        }
    }

    /// What tells a program's processes from others.
    private struct Kinship {
        let family: ProgramFamily
        let known: Set<ProcessEntry>
        /// The program, and all that are none of it.
        let own: Set<pid_t>
        /// Whether every orphan is this program's.
        let isLast: Bool

        init(_ state: State, _ family: ProgramFamily, _ known: Set<ProcessEntry>) {
            self.family = family
            self.known = known
            own = state.own.union([getpid()])
            isLast = state.hasOnlyPrograms && state.programs.isSubset(of: [family.program])
        }

        /// The last program answers for what earlier ones hid while others still ran.
        func isPossible(_ entry: ProcessEntry) -> Bool {
            !own.contains(entry.identifier)
                && (entry.start >= family.start || (isLast && entry.parent == getpid()))
        }

        func isCertain(_ entry: ProcessEntry) -> Bool {
            [entry.group, entry.session, entry.parent].contains(family.program) || known.contains(entry)
                || (isLast ? entry.parent == getpid() : entry.began(with: family.mark))
        }
    }

    /// `seeds` and everything beneath them.
    static func descendants(of seeds: [ProcessEntry], among candidates: [ProcessEntry]) -> Set<ProcessEntry> {
        let children = Dictionary(grouping: candidates, by: \.parent)
        var found: Set<ProcessEntry> = []
        var rest = seeds
        while let entry = rest.popLast() {
            if found.insert(entry).inserted { rest += children[entry.identifier] ?? [] }
        }
        return found
    }
}
