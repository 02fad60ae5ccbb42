// One child process in its own group, with three pipes, started without a shell.

import CProcesses
import Foundation

/// A started executable.
///
/// Foundation's `Process` is not used: on Linux it takes a child for alive as long as any of its descendants is.
struct ChildProcess {
    /// The process's id, and its group's.
    let identifier: pid_t
    /// Write what it shall read; does not block.
    let input: Int32
    /// Read what it writes; does not block.
    let output: Int32
    /// Read what it complains of; does not block.
    let errors: Int32

    /// A pipe, both of whose ends close when a program is executed.
    struct Pipe {
        let read: Int32
        let write: Int32

        /// - Parameter lowest: the lowest number of a descriptor that may be taken. Standard output or error may be
        ///   closed in this process, and what is printed must not go to a program.
        /// - Throws: the number of the error.
        init(lowest: Int32 = 3) throws(Failure) {
            var ends: [Int32] = [-1, -1]
            let code = unsafe detdiffusion_pipe(&ends, lowest)
            guard code == 0 else { throw Failure(code) }
            (read, write) = (ends[0], ends[1])
        }

        func close() {
            Foundation.close(read)
            Foundation.close(write)
        }
    }

    /// What the system said.
    struct Failure: Error, CustomStringConvertible {
        let description: String

        init(_ code: Int32) { description = unsafe String(cString: strerror(code)) }
    }

    /// Starts `arguments[0]` in `folder`.
    init(_ arguments: [String], environment: [String], folder: String) throws(Failure) {
        var pipes: [Pipe] = []
        do throws(Failure) {
            for _ in 0..<3 { pipes.append(try Pipe()) }
            let descriptors = [pipes[0].read, pipes[1].write, pipes[2].write]
            identifier = try ProgramChildren.shared.start { () throws(Failure) in
                try Self.spawn(arguments, environment: environment, folder: folder, descriptors: descriptors)
            }
        } catch {
            for pipe in pipes { pipe.close() }
            throw error
        }
        for descriptor in [pipes[0].read, pipes[1].write, pipes[2].write] { close(descriptor) }
        (input, output, errors) = (pipes[0].write, pipes[1].read, pipes[2].read)
        for descriptor in [input, output, errors] { _ = fcntl(descriptor, F_SETFL, O_NONBLOCK) }
    }

    private static func spawn(
        _ arguments: [String], environment: [String], folder: String, descriptors: [Int32]
    ) throws(Failure) -> pid_t {
        let argv = unsafe arguments.map { unsafe strdup($0) } + [nil]
        let envp = unsafe environment.map { unsafe strdup($0) } + [nil]
        defer { unsafe (argv + envp).forEach { unsafe free($0) } }
        var identifier: pid_t = 0
        let code = unsafe detdiffusion_spawn(&identifier, argv, envp, folder, descriptors)
        guard code == 0 else { throw Failure(code) }
        return identifier
    }

    /// Whether it has ended; it stays a zombie, so that its id and its group's stay its own.
    var hasEnded: Bool { detdiffusion_has_ended(identifier) }

    /// How many bytes of ``input`` nobody has read.
    var unreadInput: Int { Int(detdiffusion_unread(input)) }
}
