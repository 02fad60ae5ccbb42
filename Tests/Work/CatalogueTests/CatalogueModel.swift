// The catalogue as a value: what each of its statements should do to one job, without a server.

import Tasks

/// One job's shards and tasks, moved by the same operations as the catalogue's rows.
struct CatalogueModel {
    struct Work: Equatable {
        var state = TaskState.open
        var epoch = 0
        var attempt = 0
        var deaths = 0
        var lease: Int64?
        var isDue = false
    }

    struct Shard {
        var state = ShardState.open
        var tasks: [Work]
        var pack: Work?

        func count(_ state: TaskState) -> Int { tasks.count { $0.state == state } }
    }

    struct Lease { var shard: Int; var kind: TaskKind }

    var jobState = JobState.running
    var allowedDead = 0
    let maximumAttempts: Int
    var shards: [Shard]
    var leases: [Int64: Lease] = [:]

    init(shardSizes: [Int], maximumAttempts: Int) {
        self.maximumAttempts = maximumAttempts
        shards = shardSizes.map { Shard(tasks: Array(repeating: Work(), count: $0)) }
    }

    /// The task rows of a kind, by number.
    subscript(shard: Int, kind: TaskKind) -> [Work] {
        get { kind == .pack ? shards[shard].pack.map { [$0] } ?? [] : shards[shard].tasks }
        set { if kind == .pack { shards[shard].pack = newValue.first } else { shards[shard].tasks = newValue } }
    }

    /// The numbers that a claim should take.
    func claimable(_ kind: TaskKind, shard: Int, range: Range<Int>, limit: Int) -> [Int] {
        guard jobState == .running, shards[shard].state == (kind == .pack ? .generated : .open) else { return [] }
        let work = self[shard, kind]
        let open = range.filter { work.indices.contains($0) && work[$0].state == .open }
        let healthy = open.filter { work[$0].deaths < 2 }
        return healthy.isEmpty ? Array(open.prefix(1)) : Array(healthy.prefix(limit))
    }

    mutating func claim(_ kind: TaskKind, shard: Int, numbers: [Int], lease: Int64) {
        leases[lease] = Lease(shard: shard, kind: kind)
        for number in numbers {
            self[shard, kind][number].state = .leased
            self[shard, kind][number].epoch += 1
            self[shard, kind][number].lease = lease
        }
    }

    /// Records results of a batch.
    /// - Returns: accepted, fenced and failed numbers, as a report should say.
    mutating func finish(
        _ batch: TaskBatch, results: [TaskResult], shard: Int, isDue: Bool
    ) -> (accepted: [Int], fenced: [Int], failed: [Int]) {
        let epochs = Dictionary(uniqueKeysWithValues: batch.items.map { ($0.number, $0.epoch) })
        var failed: [Int] = []
        for result in results {
            guard let number = holding(result.number, epoch: epochs[result.number], batch.kind, shard) else { continue }
            switch result.outcome {
            case .image, .result: move(number, batch.kind, shard, to: .done)
            case .archive:
                move(number, batch.kind, shard, to: .done)
                if shards[shard].state == .generated { shards[shard].state = .finished }
            case .failed(_, let isPermanent):
                failed.append(number)
                fail(number, batch.kind, shard, isPermanent: isPermanent, isDue: isDue)
            }
        }
        settle(shard)
        var accepted: [Int] = [], fenced: [Int] = []
        for result in results where !failed.contains(result.number) {
            let work = self[shard, batch.kind]
            let stands =
                work.indices.contains(result.number) && work[result.number].state == .done
                && work[result.number].epoch == epochs[result.number]
            if stands { accepted.append(result.number) } else { fenced.append(result.number) }
        }
        dropIfEmpty(batch.lease)
        return (accepted, fenced, failed)
    }

    mutating func release(_ batch: TaskBatch, shard: Int) {
        for item in batch.items {
            guard let number = holding(item.number, epoch: item.epoch, batch.kind, shard) else { continue }
            move(number, batch.kind, shard, to: .open)
        }
        dropIfEmpty(batch.lease)
        settle(shard)
    }

    mutating func expire(_ lease: Int64, isDue: Bool) {
        guard let held = leases.removeValue(forKey: lease) else { return }
        for (number, work) in self[held.shard, held.kind].enumerated()
        where work.state == .leased && work.lease == lease {
            self[held.shard, held.kind][number].deaths += 1
            fail(number, held.kind, held.shard, isPermanent: false, isDue: isDue)
        }
        settle(held.shard)
    }

    mutating func wake() {
        for shard in shards.indices {
            for kind in [TaskKind.generate, .pack] {
                for (number, work) in self[shard, kind].enumerated() where work.state == .waiting && work.isDue {
                    move(number, kind, shard, to: .open)
                }
            }
        }
    }

    mutating func retry() {
        for shard in shards.indices {
            if shards[shard].state == .open {
                for number in shards[shard].tasks.indices where shards[shard].tasks[number].state == .dead {
                    refresh(number, .generate, shard)
                }
            } else if shards[shard].state == .quarantined {
                refresh(0, .pack, shard)
                shards[shard].state = .generated
            }
        }
    }

    mutating func allowDead(_ count: Int) {
        allowedDead = count
        for shard in shards.indices where shards[shard].state == .open && shards[shard].count(.dead) > 0 {
            settle(shard)
        }
    }

    mutating func cancel() {
        jobState = .cancelled
        for shard in shards.indices { settle(shard) }
    }

    /// Done tasks whose images are lost open again, and the shard is packed anew.
    mutating func reopen(_ shard: Int, lost: [Int]) {
        for number in lost { refresh(number, .generate, shard) }
        if shards[shard].pack != nil {
            shards[shard].pack?.state = .cancelled
            shards[shard].pack?.epoch += 1
            shards[shard].pack?.lease = nil
        }
        if [.generated, .finished, .quarantined].contains(shards[shard].state) { shards[shard].state = .open }
        settle(shard)
    }

    /// Mending a shard whose rows are right only gives a quarantined one another chance.
    mutating func mend(_ shard: Int) {
        if shards[shard].state == .quarantined { shards[shard].state = .open }
        settle(shard)
    }

    private func holding(_ number: Int, epoch: Int?, _ kind: TaskKind, _ shard: Int) -> Int? {
        let work = self[shard, kind]
        guard work.indices.contains(number), work[number].state == .leased, work[number].epoch == epoch else {
            return nil
        }
        return number
    }

    private mutating func move(_ number: Int, _ kind: TaskKind, _ shard: Int, to state: TaskState) {
        self[shard, kind][number].state = state
        self[shard, kind][number].lease = nil
    }

    private mutating func refresh(_ number: Int, _ kind: TaskKind, _ shard: Int) {
        move(number, kind, shard, to: .open)
        self[shard, kind][number].attempt = 0
        self[shard, kind][number].deaths = 0
    }

    private mutating func fail(_ number: Int, _ kind: TaskKind, _ shard: Int, isPermanent: Bool, isDue: Bool) {
        self[shard, kind][number].attempt += 1
        self[shard, kind][number].isDue = isDue
        let isLast = isPermanent || self[shard, kind][number].attempt >= maximumAttempts
        move(number, kind, shard, to: isLast ? .dead : .waiting)
        if isLast && kind == .pack && shards[shard].state == .generated { shards[shard].state = .quarantined }
    }

    private mutating func settle(_ shard: Int) {
        if jobState == .cancelled {
            for kind in [TaskKind.generate, .pack] {
                for (number, work) in self[shard, kind].enumerated() where [.open, .waiting].contains(work.state) {
                    move(number, kind, shard, to: .cancelled)
                }
            }
            if shards[shard].state != .finished { shards[shard].state = .cancelled }
            return
        }
        let part = shards[shard]
        guard part.state == .open, part.count(.done) > 0, part.count(.done) + part.count(.dead) == part.tasks.count,
            part.count(.dead) <= allowedDead
        else { return }
        shards[shard].state = .generated
        shards[shard].pack = Work(epoch: part.pack?.epoch ?? 0)
    }

    private mutating func dropIfEmpty(_ lease: Int64) {
        guard let held = leases[lease] else { return }
        if !self[held.shard, held.kind].contains(where: { $0.state == .leased && $0.lease == lease }) {
            leases[lease] = nil
        }
    }
}
