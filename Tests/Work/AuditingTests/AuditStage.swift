// A job in a catalogue and a store of a test's own, with as many finished shards as the test wants.

import Auditing
import Catalogue
import Digests
import Fixtures
import Foundation
import Handlers
import Layouts
import Postgres
import Stores
import Tasks
import Testing

/// A job of 4 tasks in 2 shards, worked on by hand.
struct AuditStage {
    static let name = "job"

    let test: TestCatalogue
    let store: ObjectStore
    let worker: Int64
    let job: RecordedJob
    let auditor: Auditor
    let reconciler: Reconciler

    static func with(_ body: (AuditStage) async throws -> Void) async throws {
        let root = NSTemporaryDirectory() + "auditing-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: root) }  // A leftover harms no later test.
        try await TestCatalogue.with { test in
            let found = try await test.catalogue.identity()
            let identity = StoreIdentity(catalogue: found.id, place: found.place)
            try identity.write(root: root)
            try await body(try await AuditStage(test, store: try ObjectStore(root: root, of: identity)))
        }
    }

    private init(_ test: TestCatalogue, store: ObjectStore) async throws {
        self.test = test
        self.store = store
        let specification = GenerateSpecification(
            annotations: SHA256.digest(of: "annotations"), subset: .all, strategy: .hard, template: .compact,
            bins: Bins(columns: 256, rows: 256), width: 64, height: 64, samples: 1, seed: 0, generator: "sketch",
            shardSize: 2)
        let json = try specification.canonicalJSON()
        _ = try await test.enqueue(Self.name, tasks: 4, shardSize: 2, specification: json) { number in
            let object = LayoutObject(
                annotationID: number, categoryID: 1, category: "person",
                box: Box(x: 8, y: 8, width: 24, height: 16 + Double(number)), attribute: .hard)
            let layout = Layout(
                imageID: 100 + number, fileName: "\(number).jpg", width: 64, height: 64, objects: [object])
            return try LayoutTask(
                layout: layout, prompt: "a person", sample: 0,
                seed: LayoutTask.seed(jobSeed: 0, imageID: 100 + number, sample: 0)
            ).encoded()
        }
        worker = try await test.register()
        job = try await test.catalogue.job(named: Self.name)
        auditor = Auditor(catalogue: test.catalogue, store: store)
        reconciler = Reconciler(catalogue: test.catalogue, store: store)
    }

    /// Does everything that is claimable in the shards, or only what `kinds` names.
    func work(shards: Set<Int> = [0, 1], kinds: [TaskKind] = [.generate, .pack]) async throws {
        let generate = GenerateHandler(generator: SketchGenerator(), store: store)
        let pack = PackHandler(catalogue: test.catalogue, store: store, worker: "test", host: "test")
        let numbers = try await numbers()
        while true {
            let targets = try await test.catalogue.claimable(job: job.id).filter { target in
                kinds.contains(target.queue.kind) && shards.contains(numbers[target.shard] ?? -1)
            }
            guard let target = targets.first else { return }
            let claim = try await test.catalogue.claim(
                target.hint(target.range), limit: 16, worker: worker, lease: .seconds(600))
            guard let batch = claim.batch else { return }
            let handler: any TaskHandler = batch.kind == .pack ? pack : generate
            let results = try await handler.work(on: batch)()
            _ = try await test.catalogue.finish(batch, results: results, worker: worker, backoff: { _ in .zero })
        }
    }

    /// Shard numbers by row.
    private func numbers() async throws -> [Int64: Int] {
        Dictionary(uniqueKeysWithValues: try await test.catalogue.shardRows(job: job.id).map { ($0.id, $0.number) })
    }

    func shard(_ number: Int) async throws -> ShardRow {
        try #require(try await test.catalogue.shardRows(job: job.id).first { $0.number == number })
    }

    func samples(_ shard: Int) async throws -> [ShardOutput] {
        try await test.catalogue.outputs(ofShard: try await self.shard(shard).id)
    }

    func audit(quick: Bool = false) async throws -> (JobAudit, [Finding]) {
        var findings: [Finding] = []
        let audit = try await auditor.audit(job, quick: quick) { findings.append($0) }
        if let orphans = try await auditor.orphans() { findings.append(orphans) }
        return (audit, findings)
    }

    /// Reconciles until there is nothing to do, working in between, and expects that two rounds are enough.
    func reconcile() async throws -> [String] {
        var lines: [String] = []
        _ = try await reconciler.reconcileOrphans(fix: true)
        let job = try await test.catalogue.job(named: Self.name)
        _ = try await reconciler.reconcile(job, fix: true) { lines.append($0) }
        var again: [String] = []
        let second = try await reconciler.reconcile(job, fix: true) { again.append($0) }
        #expect(second.shards == 0 && again == [], "a second time mends nothing")
        return lines
    }

    func collect(older: Duration = .zero, isDryRun: Bool = false, verify: Bool = false) async throws -> CollectionReport
    {
        try await GarbageCollection(catalogue: test.catalogue, store: store, limit: older, isDryRun: isDryRun).run(
            verify: verify)
    }

    /// Runs `body` while an empty folder stands in the place of the store, as after an unmount.
    /// - Returns: what lies in that folder then.
    func away(_ body: () async throws -> Void) async throws -> [String] {
        try FileManager.default.moveItem(atPath: store.root, toPath: store.root + ".aside")
        for folder in ["objects", "shards", "tmp"] {
            try FileManager.default.createDirectory(
                atPath: store.absolutePath(of: folder), withIntermediateDirectories: true)
        }
        try await body()
        let left = try FileManager.default.subpathsOfDirectory(atPath: store.root).sorted()
        try FileManager.default.removeItem(atPath: store.root)
        try FileManager.default.moveItem(atPath: store.root + ".aside", toPath: store.root)
        return left
    }

    /// Changes one byte of a file of the store.
    func flip(_ path: String, at offset: Int) throws {
        let url = URL(fileURLWithPath: store.absolutePath(of: path))
        var bytes = try Data(contentsOf: url)
        bytes[offset] ^= 1
        try bytes.write(to: url)
    }

    func remove(_ sample: ShardOutput) throws {
        #expect(try store.remove(sample.digest, extension: "png"))
    }
}
