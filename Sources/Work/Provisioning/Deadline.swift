// A limit for whatever a check waits for: a check that hangs would hide what the others found.

import Synchronization

enum Deadline {
    /// Runs `body` for at most `limit`.
    ///
    /// The body is cancelled and left alone after that: a system call on a dead network file system, or a name
    /// resolution, cannot be interrupted. It is therefore no child task, which would have to be waited for.
    static func run<Value: Sendable>(
        _ limit: Duration, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let race = Race<Value>()
        let work = Task {
            do { race.end(.success(try await body())) } catch { race.end(.failure(error)) }
        }
        let timer = Task {
            do { try await Task.sleep(for: limit) } catch { return }  // Cancelled: the body was first.
            race.end(.failure(ProvisioningError(.timeout, "no answer within \(limit.components.seconds) s")))
            work.cancel()
        }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { race.begin($0) }
        } onCancel: {
            race.end(.failure(CancellationError()))
            work.cancel()
        }
    }
}

/// Resumes one continuation once, with whatever comes first.
private final class Race<Value: Sendable>: Sendable {
    private enum State {
        case idle
        case waiting(CheckedContinuation<Value, any Error>)
        case ended(Result<Value, any Error>)
    }

    private let state = Mutex(State.idle)

    func begin(_ continuation: CheckedContinuation<Value, any Error>) {
        let result: Result<Value, any Error>? = state.withLock { state in
            if case .ended(let result) = state { return result }
            state = .waiting(continuation)
            return nil
        }
        if let result { continuation.resume(with: result) }
    }

    func end(_ result: Result<Value, any Error>) {
        let waiting: CheckedContinuation<Value, any Error>? = state.withLock { state in
            switch state {
            case .idle: state = .ended(result)
            case .waiting(let continuation):
                state = .ended(result)
                return continuation
            case .ended: break
            }
            return nil
        }
        waiting?.resume(with: result)
    }
}
