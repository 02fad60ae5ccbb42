// Waiting for a broker before anything is recorded that would have to be published.

public import Broker
import Executors

extension BrokerProbe {
    /// Returns when the broker has let this user declare `topology`; one that is away, or has no connection left, is asked
    /// again until `patience` is over.
    /// - Throws: `BrokerError`, at once when asking again cannot help: a wrong password, a missing right,
    ///   an untrusted certificate.
    public static func awaitBroker(
        _ url: BrokerURL, declaring topology: Topology, patience: Duration
    ) async throws {
        let deadline = ContinuousClock.now + patience
        let backoff = Backoff(base: .milliseconds(100), cap: .seconds(5))
        var attempt = 0
        while true {
            do {
                try await declare(topology, at: url)
                return
            } catch {
                let left = deadline - ContinuousClock.now
                guard !error.isPermanent, left > .zero else { throw error }
                try await Task.sleep(for: min(left, backoff.delay(attempt: attempt)))
                attempt += 1
            }
        }
    }
}
