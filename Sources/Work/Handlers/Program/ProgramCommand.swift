// How a generator program is called.

import Foundation

/// A program, its arguments and its limits.
public struct ProgramCommand: Sendable, Hashable {
    /// The executable's absolute path.
    public let path: String
    /// What it is called with; no shell reads it.
    public let arguments: [String]
    /// How long a batch may take, and, when it is tried task by task, each task.
    public let timeLimit: Duration
    /// How long it may take from its start to its ready line.
    public let startLimit: Duration

    /// A batch's time limit when none is given.
    public static let usualTimeLimit = Duration.seconds(600)
    /// The limit of the start when none is given: models of many gigabytes load in it.
    public static let usualStartLimit = Duration.seconds(300)

    /// Refers to an executable.
    /// - Parameter path: a relative path begins at this process's working folder; PATH is not searched.
    /// - Throws: ``ProgramError`` when there is no such executable file.
    public init(
        path: String, arguments: [String] = [], timeLimit: Duration = usualTimeLimit,
        startLimit: Duration = usualStartLimit
    ) throws(ProgramError) {
        precondition(timeLimit > .zero && startLimit > .zero, "a program needs some time")
        let url = URL(fileURLWithPath: path).standardizedFileURL
        var isFolder: ObjCBool = false
        guard unsafe FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) else {
            throw ProgramError(.start, "program \(path): expected an executable file, found none at \(url.path)")
        }
        guard !isFolder.boolValue, FileManager.default.isExecutableFile(atPath: url.path) else {
            let found = isFolder.boolValue ? "a folder" : "a file that may not be executed; chmod +x it"
            throw ProgramError(.start, "program \(path): expected an executable file, found \(found)")
        }
        guard !arguments.contains(where: { $0.utf8.contains(0) }) else {
            throw ProgramError(.start, "program \(path): expected arguments without a NUL byte, found one")
        }
        self.path = url.path
        self.arguments = arguments
        self.timeLimit = timeLimit
        self.startLimit = startLimit
    }

    /// What people call it before it has said its name.
    var name: String { URL(fileURLWithPath: path).lastPathComponent }

    /// Variables that hold credentials, or belong to this process alone.
    static let withheld: Set<String> = [
        "AMQP_URL", "DATABASE_URL", "RABBITMQ_MANAGEMENT_URL", "PGPASSWORD", "PGPASSFILE", "DETDIFFUSION_FAILPOINTS",
    ]

    /// A variable that no other run of a program gets: what a program leaves behind is known by it.
    static func mark() -> String { "DETDIFFUSION_PROGRAM_RUN=\(UUID().uuidString.lowercased())" }

    /// The environment that it gets: that of the worker without ``withheld``, and its mark.
    static func environment(
        from worker: [String: String] = ProcessInfo.processInfo.environment, mark: String
    ) -> [String] {
        let kept = worker.filter { !withheld.contains($0.key) && !mark.hasPrefix($0.key + "=") }
        return (kept.map { "\($0.key)=\($0.value)" } + [mark]).sorted()
    }
}
