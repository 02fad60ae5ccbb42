// Which messages wait to be sent, and which callers wait for them: the bookkeeping of a publisher as a value.

/// One call of `publish`: its messages, how many are settled, and who waits.
struct PublishBatch: Sendable {
    var total: Int
    var confirmedCount = 0
    /// Messages that are not settled: unsent, or sent and unanswered.
    var openCount: Int
    /// The first failure; messages of the batch that were not sent yet are dropped after it.
    var failure: BrokerError?
    var waiter: CheckedContinuation<Result<Void, BrokerError>, Never>?
    let onConfirmed: @Sendable (Int) -> Void
}

/// A message on its way, and its place in its batch.
struct PublishItem: Sendable {
    var outgoing: OutgoingMessage
    var batch: Int
    var index: Int
}

/// A caller that can be told its outcome; to be resumed when no lock is held.
struct SettledWaiter: Sendable {
    var continuation: CheckedContinuation<Result<Void, BrokerError>, Never>
    var result: Result<Void, BrokerError>

    func resume() { continuation.resume(returning: result) }
}

/// The messages and callers of a publisher.
///
/// No continuation leaks: one is stored only in a batch of `batches` (``attach(_:to:)`` resumes it at once when the
/// batch is settled or gone), a batch leaves `batches` only through ``settle(_:_:)``, which hands its continuation out,
/// and ``close(_:)`` settles all of them and makes later batches settle at birth.
struct PublishLedger: Sendable {
    private var batches: [Int: PublishBatch] = [:]
    /// Outcomes that nobody asked for yet.
    private var outcomes: [Int: Result<Void, BrokerError>] = [:]
    private var nextBatch = 0
    private var unsent: [PublishItem] = []
    private var head = 0
    /// Why nothing can be published any more.
    private(set) var closedBy: BrokerError?

    /// How many messages wait to be sent.
    var unsentCount: Int { unsent.count - head }

    /// Takes a batch; its number.
    mutating func add(_ messages: [OutgoingMessage], onConfirmed: @escaping @Sendable (Int) -> Void) -> Int {
        nextBatch += 1
        if let closedBy {
            outcomes[nextBatch] = .failure(closedBy)
        } else if messages.isEmpty {
            outcomes[nextBatch] = .success(())
        } else {
            batches[nextBatch] = PublishBatch(
                total: messages.count, openCount: messages.count, onConfirmed: onConfirmed)
            for (index, message) in messages.enumerated() {
                unsent.append(PublishItem(outgoing: message, batch: nextBatch, index: index))
            }
        }
        return nextBatch
    }

    /// Stores the caller until its batch settles; what can be resumed at once is returned.
    mutating func attach(
        _ waiter: CheckedContinuation<Result<Void, BrokerError>, Never>, to batch: Int
    ) -> SettledWaiter? {
        if batches[batch] != nil {
            batches[batch]?.waiter = waiter
            return nil
        }
        let abandoned = BrokerError(.stopped, "this publish was given up before its outcome was asked for")
        return SettledWaiter(
            continuation: waiter, result: outcomes.removeValue(forKey: batch) ?? .failure(abandoned))
    }

    /// The next messages to send, at most `count`, leaving out what nobody waits for any more.
    mutating func take(_ count: Int) -> [PublishItem] {
        var items: [PublishItem] = []
        while items.count < count, head < unsent.count {
            let item = unsent[head]
            head += 1
            if batches[item.batch] != nil { items.append(item) }
        }
        if head == unsent.count || head > 4096 {
            unsent.removeFirst(head)
            head = 0
        }
        return items
    }

    /// Puts messages back in front, in their order: they were sent, and the connection was lost before their answer.
    mutating func putBack(_ items: [PublishItem]) {
        unsent.replaceSubrange(..<head, with: items)
        head = 0
    }

    /// Whether a message's caller still waits, and the callback of its batch.
    func callback(of item: PublishItem) -> (@Sendable (Int) -> Void)? { batches[item.batch]?.onConfirmed }

    /// Counts confirmed messages; the callers whose batch is complete by it.
    mutating func confirmed(_ items: [PublishItem]) -> [SettledWaiter] {
        items.compactMap { item in
            guard batches[item.batch] != nil else { return nil }
            batches[item.batch]?.confirmedCount += 1
            return close(item)
        }
    }

    /// Counts a message that failed; the rest of its batch that is unsent is not sent any more.
    mutating func failed(_ item: PublishItem, _ error: BrokerError) -> SettledWaiter? {
        guard let batch = batches[item.batch] else { return nil }
        if batch.failure == nil {
            batches[item.batch]?.failure = error
            let dropped = unsent[head...].count { $0.batch == item.batch }
            unsent.removeSubrange(..<head)
            head = 0
            unsent.removeAll { $0.batch == item.batch }
            batches[item.batch]?.openCount -= dropped
        }
        return close(item)
    }

    /// Ends a batch early with an error that is told the counts; used for deadlines and cancelled callers.
    mutating func expire(_ number: Int, _ error: (_ confirmed: Int, _ total: Int) -> BrokerError) -> SettledWaiter? {
        outcomes.removeValue(forKey: number)
        guard let batch = batches[number] else { return nil }
        var failure = batch.failure ?? error(batch.confirmedCount, batch.total)
        failure.confirmedCount = batch.confirmedCount
        return settle(number, .failure(failure))
    }

    /// Drops the outcome of a batch that nobody will ask for.
    mutating func forget(_ number: Int) { outcomes.removeValue(forKey: number) }

    /// Fails every batch, as a permanent failure of the connection does.
    mutating func failAll(_ error: BrokerError) -> [SettledWaiter] {
        unsent = []
        head = 0
        return batches.keys.sorted().compactMap { number in expire(number) { _, _ in error } }
    }

    /// Fails every batch, and all later ones.
    mutating func close(_ error: BrokerError) -> [SettledWaiter] {
        closedBy = error
        return failAll(error)
    }

    private mutating func close(_ item: PublishItem) -> SettledWaiter? {
        batches[item.batch]?.openCount -= 1
        guard let batch = batches[item.batch], batch.openCount == 0 else { return nil }
        guard var failure = batch.failure else { return settle(item.batch, .success(())) }
        failure.confirmedCount = batch.confirmedCount
        failure.message += " (\(batch.confirmedCount) of \(batch.total) messages were confirmed)"
        return settle(item.batch, .failure(failure))
    }

    /// Removes a batch: its caller is handed out, or its outcome is kept until the caller asks.
    private mutating func settle(_ number: Int, _ result: Result<Void, BrokerError>) -> SettledWaiter? {
        guard let batch = batches.removeValue(forKey: number) else { return nil }
        guard let waiter = batch.waiter else {
            outcomes[number] = result
            return nil
        }
        return SettledWaiter(continuation: waiter, result: result)
    }
}
