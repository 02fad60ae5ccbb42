// One process as /proc shows it.

import CProcesses
import Foundation

/// A process at a moment. Its number may be somebody else's later, so what makes it the same is number and start.
struct ProcessEntry: Sendable {
    let identifier: pid_t
    let parent: pid_t
    let group: pid_t
    let session: pid_t
    /// Clock ticks between the system's start and its own.
    let start: UInt64
    /// Whether it has ended, and only waits for somebody to take note.
    let isOver: Bool
    /// What it calls itself; up to 15 bytes.
    let name: String

    /// What a look at all processes found.
    struct Sighting {
        var entries: [ProcessEntry] = []
        /// The numbers of those that were gone before they were looked at: they may have left others, which were not seen.
        var gone: [pid_t] = []
    }

    /// Every process that this one may see, but those of some numbers; none where there is no /proc.
    static func all(except known: Set<pid_t> = []) -> Sighting {
        var sighting = Sighting()
        // Without it the caller knows of the program itself and its group, which need no /proc.
        guard let folder = unsafe opendir("/proc") else { return sighting }
        defer { unsafe closedir(folder) }
        while let entry = unsafe readdir(folder) {
            guard let number = unsafe number(of: &entry.pointee), !known.contains(number) else { continue }
            if let entry = ProcessEntry(number) {
                sighting.entries.append(entry)
            } else {
                sighting.gone.append(number)
            }
        }
        return sighting
    }

    private static func number(of entry: inout dirent) -> pid_t? {
        unsafe withUnsafeBytes(of: &entry.d_name) { name in
            let digits = unsafe String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
            return pid_t(digits)
        }
    }

    /// The process of this number; `nil` when there is none.
    init?(_ identifier: pid_t) {
        var found = detdiffusion_process()
        guard unsafe detdiffusion_look_at_process(identifier, &found) else { return nil }
        let name = unsafe withUnsafeBytes(of: &found.name) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        let state = UInt8(bitPattern: found.state)
        self.init(
            identifier: identifier, parent: found.parent, group: found.group, session: found.session,
            start: found.start, isOver: state == UInt8(ascii: "Z") || state == UInt8(ascii: "X"), name: name)
    }

    init(
        identifier: pid_t, parent: pid_t, group: pid_t, session: pid_t, start: UInt64, isOver: Bool, name: String
    ) {
        self.identifier = identifier
        self.parent = parent
        self.group = group
        self.session = session
        self.start = start
        self.isOver = isOver
        self.name = name
    }

    /// Whether it still runs.
    var isAlive: Bool {
        guard let now = ProcessEntry(identifier) else { return false }
        return now == self && !now.isOver
    }

    /// Whether its environment began with `variable`, as in `NAME=value`.
    func began(with variable: String) -> Bool { unsafe detdiffusion_process_began_with(identifier, variable) }

    /// Sends a signal to this process, and to no other that has its number by now.
    func signal(_ signal: Int32) {
        let descriptor = detdiffusion_open_process(identifier)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard ProcessEntry(identifier) == self else { return }
        // Where processes cannot be opened, the moment between looking and sending is all that is left open. That it
        // did not help is seen by whoever waits for the end.
        if descriptor >= 0 { _ = detdiffusion_signal_process(descriptor, signal) } else { kill(identifier, signal) }
    }
}

extension ProcessEntry: Hashable {
    static func == (one: ProcessEntry, other: ProcessEntry) -> Bool {
        one.identifier == other.identifier && one.start == other.start
    }

    func hash(into hasher: inout Hasher) { hasher.combine(identifier) }
}

extension ProcessEntry: CustomStringConvertible {
    /// `4711 'sleep'`.
    var description: String { "\(identifier) \(quoted(name))" }
}
