// The exit codes of all commands, and how errors map to them.

import ArgumentParser
import Broker
import Catalogue
import Detectors
import Diffusion
import Digests
import ErrorLines
import Layouts
import Postgres
import Stores
import Tasks
import Tensors
import Weights

/// What a command's exit code says; documented in README.md. The numbers are those of sysexits.h where it has one.
public enum ExitStatus: Int32, Sendable, CaseIterable {
    case success = 0
    /// What was asked for does not hold: an audit, a verification, a check of `doctor`.
    case failed = 1
    /// Options that are unknown, missing or contradict one another.
    case usage = 64
    /// A file's contents.
    case data = 65
    /// A file that is missing.
    case noInput = 66
    /// A server cannot be reached, or a device does not compute.
    case unavailable = 69
    /// A defect of this program.
    case software = 70
    /// The object directory or an output file cannot be written.
    case cannotWrite = 73
    /// Asked to stop before it was done.
    case interrupted = 75
    /// Credentials or rights.
    case noPermission = 77
    /// The request contradicts what the catalogue holds, or the schema is not this program's.
    case refused = 78
}

/// An error of the command line itself.
public struct CommandError: Error, CustomStringConvertible, Sendable {
    /// The exit code.
    public let status: ExitStatus
    /// One line.
    public let description: String

    /// Makes an error from its one line.
    public init(_ status: ExitStatus, _ description: String) {
        self.status = status
        self.description = ErrorLine.text(description)
    }
}

extension ExitStatus {
    /// The code for an error of any module.
    public init(_ error: any Error) {
        switch error {
        case let error as CommandError: self = error.status
        case let error as PostgresError: self = Self.status(of: error)
        case let error as BrokerError: self = Self.status(of: error)
        case let error as LayoutError: self = error.code == .file ? .noInput : (error.code == .content ? .data : .usage)
        case let error as DetectorError: self = error.code == .file ? .noInput : .data
        case is DigestError: self = .noInput
        case let error as CheckpointError: self = Self.status(of: error)
        case let error as WeightError: self = error.code == .missing || error.code == .file ? .noInput : .data
        case let error as GenerationError: self = Self.status(of: error)
        case is DeviceError: self = .unavailable
        case let error as WorkerUnfit: self = ExitStatus(error.cause)
        case let error as TaskError: self = error.code == .invalid ? .usage : .data
        case is CatalogueError: self = .refused
        case let error as StoreError: self = Self.status(of: error)
        case is CancellationError: self = .interrupted
        case is ValidationError, is CleanExit: self = .usage
        default: self = .software
        }
    }

    private static func status(of error: CheckpointError) -> ExitStatus {
        switch error.code {
        case .file: .noInput
        case .device: .unavailable
        case .content, .unsupported, .weights: .data
        }
    }

    private static func status(of error: GenerationError) -> ExitStatus {
        switch error.code {
        case .notFinite: .data
        case .outOfMemory: .unavailable
        case .prompt, .options: .usage
        }
    }

    private static func status(of error: PostgresError) -> ExitStatus {
        switch error.code {
        case .unavailable, .retryable, .commitUnknown: .unavailable
        case .authentication: .noPermission
        case .configuration, .pooling: .usage
        case .migration: .refused
        // No right to it, or no such database: as with a broker's virtual host, waiting does not help.
        default: ["42501", "3D000", "3F000"].contains(error.sqlstate) ? .noPermission : .software
        }
    }

    private static func status(of error: StoreError) -> ExitStatus {
        switch error.code {
        case .away: .noInput
        case .foreign: .refused
        default: .cannotWrite
        }
    }

    private static func status(of error: BrokerError) -> ExitStatus {
        switch error.code {
        case .authentication: .noPermission
        case .invalidURL: .usage
        case _ where error.isMissingRight: .noPermission
        default: .unavailable
        }
    }
}
