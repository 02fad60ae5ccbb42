// What a batch recorded as columns of one statement, each task beside the epoch under which it was claimed.

import Digests
import Postgres
import Tasks

/// Who made the records of a batch, and on what.
struct Maker {
    /// The worker's row.
    var worker: Int64
    /// The class of the device; `nil` for callers that know none beside that of the worker's row.
    var deviceClass: String?
}

/// Records of one sort, as arrays of equal length.
protocol RecordColumns {
    /// The tasks' numbers.
    var numbers: [Int] { get }
    /// Their epochs.
    var epochs: [Int] { get }
    /// Everything else, as arguments of `unnest`.
    var values: SQL { get }
    /// The names of ``values``.
    var names: SQL { get }

    /// Writes the rows of `given g` whose tasks are in `mine`, in place of earlier ones.
    func inserting(of batch: TaskBatch, by maker: Maker) -> SQL
}

extension RecordColumns {
    var isEmpty: Bool { numbers.isEmpty }
}

/// Images, for `outputs`.
struct ImageColumns: RecordColumns {
    private(set) var numbers: [Int] = []
    private(set) var epochs: [Int] = []
    private var digests: [[UInt8]] = []
    private var bytes: [Int] = []
    private var widths: [Int] = []
    private var heights: [Int] = []
    /// Empty where an image was not judged.
    private var judgements: [String] = []
    private var areJudged = false

    /// Takes the images among the results; other outcomes are left out.
    init(_ results: [TaskResult], of batch: TaskBatch) {
        let claimed = batch.epochs
        for result in results {
            guard case .image(let image) = result.outcome, let epoch = claimed[result.number] else { continue }
            numbers.append(result.number)
            epochs.append(epoch)
            digests.append(image.digest.bytes)
            bytes.append(image.bytes)
            widths.append(image.width)
            heights.append(image.height)
            judgements.append(image.judgement ?? "")
            areJudged = areJudged || image.judgement != nil
        }
    }

    var values: SQL {
        // Jobs without a gate, almost all, carry no column for it.
        areJudged
            ? "\(digests), \(bytes), \(widths), \(heights), \(judgements)"
            : "\(digests), \(bytes), \(widths), \(heights)"
    }
    var names: SQL { areJudged ? "sha256, bytes, width, height, judgement" : "sha256, bytes, width, height" }

    func inserting(of batch: TaskBatch, by maker: Maker) -> SQL {
        """
        INSERT INTO outputs AS o (shard_id, number, sha256, bytes, width, height, epoch, worker_id, device_class,
                                  device_epoch\(sql: areJudged ? ", judgement" : ""))
        SELECT \(batch.shard), g.number, g.sha256, g.bytes, g.width, g.height, g.epoch, \(maker.worker),
               \(optional: maker.deviceClass)::text, g.epoch\(sql: areJudged ? ", nullif(g.judgement, '')::jsonb" : "")
        FROM given g JOIN mine USING (number)
        ON CONFLICT (shard_id, number) DO UPDATE
        SET sha256 = excluded.sha256, bytes = excluded.bytes, width = excluded.width, height = excluded.height,
            epoch = excluded.epoch, worker_id = excluded.worker_id, device_class = excluded.device_class,
            device_epoch = excluded.device_epoch, recorded_at = now(), lost_at = NULL\(sql: areJudged ? ", judgement = excluded.judgement" : "")
        """
    }
}

/// Results, for `results`.
struct ResultColumns: RecordColumns {
    /// Bytes of content that one statement writes at most, unless a single result has more.
    static let contentPerStatement = 64 << 20

    private(set) var numbers: [Int] = []
    private(set) var epochs: [Int] = []
    private var digests: [[UInt8]] = []
    private var forms: [String] = []
    private var contents: [[UInt8]] = []
    /// Bytes of all contents together.
    private(set) var size = 0

    /// Takes the results among the outcomes; others are left out.
    init(_ results: [TaskResult], of batch: TaskBatch) {
        let claimed = batch.epochs
        for result in results {
            guard case .result(let record) = result.outcome, let epoch = claimed[result.number] else { continue }
            numbers.append(result.number)
            epochs.append(epoch)
            digests.append(record.digest.bytes)
            forms.append(record.form.rawValue)
            contents.append(record.content)
            size += record.content.count
        }
    }

    /// The results among the outcomes, so many at once as one statement may write.
    static func pieces(_ results: [TaskResult], of batch: TaskBatch) -> [ResultColumns] {
        var pieces: [[TaskResult]] = []
        var size = 0
        for result in results {
            guard case .result(let record) = result.outcome else { continue }
            if pieces.isEmpty || size + record.content.count > contentPerStatement {
                pieces.append([])
                size = 0
            }
            pieces[pieces.count - 1].append(result)
            size += record.content.count
        }
        return pieces.map { ResultColumns($0, of: batch) }
    }

    var values: SQL { "\(digests), \(forms), \(contents)" }
    var names: SQL { "sha256, form, content" }

    func inserting(of batch: TaskBatch, by maker: Maker) -> SQL {
        """
        INSERT INTO results AS r (shard_id, kind, number, form, content, sha256, epoch, worker_id, device_class)
        SELECT \(batch.shard), \(batch.kind.rawValue), g.number, g.form, g.content, g.sha256, g.epoch, \(maker.worker),
               \(optional: maker.deviceClass)::text
        FROM given g JOIN mine USING (number)
        ON CONFLICT (shard_id, kind, number) DO UPDATE
        SET form = excluded.form, content = excluded.content, sha256 = excluded.sha256, epoch = excluded.epoch,
            worker_id = excluded.worker_id, device_class = excluded.device_class, recorded_at = now(), lost_at = NULL
        """
    }
}
