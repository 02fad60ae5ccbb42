// A publisher for the length of one piece of work.

public import Broker

extension Publisher {
    /// Runs the publisher's connection while `body` runs, and closes it afterwards.
    /// - Throws: what `body` throws, or what keeps the publisher from ever connecting.
    public func whileRunning<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask {
                try await self.run()
                return nil
            }
            group.addTask { try await body() }
            defer { group.cancelAll() }
            while let result = try await group.next() {
                if let result { return result }
            }
            throw CancellationError()
        }
    }
}
