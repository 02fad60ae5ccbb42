// A pickle machine that builds weights and nothing else.

/// Reads the pickle of a torch file, protocols 2 to 5, in one pass: time and memory grow with the pickle's bytes only.
///
/// It runs nothing: a class or function that is not in ``PickleGlobal`` is refused by its name. Source of the operations:
/// the documentation in CPython's `pickletools`.
struct Unpickler {
    /// The most values that a pickle may push or keep; a tensor takes about 30.
    static let valueLimit = 1_000_000

    let reader: TorchReader
    private let bytes: [UInt8]
    private(set) var position = 0
    private var stack: [PickleValue] = []
    /// The heights of the stack at which groups of values begin.
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private var pushed = 0

    /// What ``PickleValue``'s tuples, lists and dictionaries hold.
    private(set) var containers: [[PickleValue]] = []
    var storages: [PickleStorage] = []
    var tensors: [PickleTensor] = []

    init(_ bytes: [UInt8], reader: TorchReader) {
        self.bytes = bytes
        self.reader = reader
    }

    /// The value that the pickle makes.
    mutating func run() throws(WeightError) -> PickleValue {
        while true {
            let place = position
            let code = try byte()
            guard let operation = PickleOperation(rawValue: code) else {
                position = place
                throw failure(expected: "an operation that weights need", found: "0x" + String(code, radix: 16))
            }
            if operation == .stop { return try pop() }
            try perform(operation)
        }
    }

    func failure(expected: String, found: String) -> WeightError {
        .content(reader.path, "data.pkl, byte \(position)", expected: expected, found: found)
    }
}

// The bytes.
extension Unpickler {
    mutating func byte() throws(WeightError) -> UInt8 {
        guard position < bytes.count else { throw failure(expected: "more operations", found: "the end") }
        position += 1
        return bytes[position - 1]
    }

    mutating func take(_ count: Int) throws(WeightError) -> ArraySlice<UInt8> {
        guard count >= 0, count <= bytes.count - position else {
            throw failure(expected: "\(count) bytes", found: "\(bytes.count - position)")
        }
        position += count
        return bytes[position - count..<position]
    }

    /// An unsigned number of up to 8 bytes that fits an `Int`.
    mutating func unsigned(_ count: Int) throws(WeightError) -> Int {
        let value = try take(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard let fitting = Int(exactly: value) else { throw failure(expected: "a smaller number", found: "\(value)") }
        return fitting
    }

    /// A number in two's complement.
    mutating func signed(_ count: Int) throws(WeightError) -> Int {
        guard count <= 8 else { throw failure(expected: "a number of at most 8 bytes", found: "\(count)") }
        let value = try take(count).reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard count > 0 else { return 0 }
        let unused = 64 - 8 * count
        return Int(Int64(bitPattern: value << unused) >> unused)
    }

    mutating func text(_ count: Int) throws(WeightError) -> String {
        guard let text = String(validating: try take(count), as: UTF8.self) else {
            throw failure(expected: "text in UTF-8", found: "other bytes")
        }
        return text
    }

    /// Text up to the end of its line, which is not part of it.
    mutating func line() throws(WeightError) -> String {
        let rest = bytes[position...].prefix(257)
        guard let end = rest.firstIndex(of: 0x0A) else {
            throw failure(expected: "a line of at most 256 bytes", found: "a longer one")
        }
        defer { position = end + 1 }
        return try text(end - position)
    }
}

// The stack, its groups and the memo.
extension Unpickler {
    private mutating func count() throws(WeightError) {
        pushed += 1
        guard pushed <= Self.valueLimit else {
            throw failure(expected: "at most \(Self.valueLimit) values", found: "more")
        }
    }

    mutating func push(_ value: PickleValue) throws(WeightError) {
        try count()
        stack.append(value)
    }

    mutating func pop() throws(WeightError) -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.popLast() else {
            throw failure(expected: "a value on the stack", found: "none")
        }
        return value
    }

    func top() throws(WeightError) -> PickleValue {
        guard stack.count > marks.last ?? 0, let value = stack.last else {
            throw failure(expected: "a value on the stack", found: "none")
        }
        return value
    }

    mutating func mark() throws(WeightError) {
        try count()
        marks.append(stack.count)
    }

    /// The values since the last mark, which goes too.
    mutating func popGroup() throws(WeightError) -> [PickleValue] {
        guard let start = marks.popLast() else { throw failure(expected: "a mark on the stack", found: "none") }
        let group = Array(stack[start...])
        stack.removeLast(group.count)
        return group
    }

    mutating func pop(_ count: Int) throws(WeightError) -> [PickleValue] {
        var values: [PickleValue] = []
        for _ in 0..<count { values.append(try pop()) }
        return values.reversed()
    }

    /// The index of a new container.
    mutating func container(_ values: [PickleValue]) -> Int {
        containers.append(values)
        return containers.count - 1
    }

    mutating func append(_ values: [PickleValue]) throws(WeightError) {
        guard case .list(let index) = try top() else {
            throw failure(expected: "a list to append to", found: try top().kind)
        }
        containers[index] += values
    }

    mutating func setItems(_ values: [PickleValue]) throws(WeightError) {
        guard case .dictionary(let index) = try top(), values.count.isMultiple(of: 2) else {
            throw failure(expected: "a dictionary and pairs to put into it", found: try top().kind)
        }
        containers[index] += values
    }

    mutating func memoize(at index: Int?) throws(WeightError) {
        try count()
        memo[index ?? memo.count] = try top()
    }

    mutating func recall(_ index: Int) throws(WeightError) {
        guard let value = memo[index] else { throw failure(expected: "a value kept as \(index)", found: "none") }
        try push(value)
    }
}
