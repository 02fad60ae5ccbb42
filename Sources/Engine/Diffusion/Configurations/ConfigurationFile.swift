// A configuration file of a checkpoint: known keys, checked as they are read.

import ErrorLines
import JSON

/// The JSON object in one file, as diffusers and transformers save their settings.
///
/// A key that is absent or null takes the published default. Every reader says file, key and value when a value is not
/// what it can be.
struct ConfigurationFile: Sendable {
    /// The most bytes of such a file.
    static let sizeLimit = 1 << 22
    /// What sizes can be: beyond these bounds they are a damaged file, not a model, and within them no product of sizes
    /// that is computed anywhere leaves an Int.
    static let sides = 1...4096
    /// Channels of images, and of texts.
    static let channels = 1...16_384
    /// Layers, each time that a file says how many.
    static let layers = 1...1000
    /// Rows of tables, for example a vocabulary's.
    static let rows = 1...1 << 20
    /// Resolutions of an image; each doubles its sides.
    static let blocks = 1...8

    let path: String
    let values: [String: JSONValue]

    /// Reads the file; throws when it is missing, too long or not a JSON object.
    init(path: String) throws(CheckpointError) {
        let bytes = try SmallFile.read(
            path, limit: Self.sizeLimit, expected: "a configuration of a diffusers checkpoint")
        let document = try JSONReader<CheckpointError>(
            bytes, path: path, fix: "save the file again", takesPythonNumbers: true
        ).document()
        guard let values = document.object else {
            throw CheckpointError(
                .content, "\(path): expected a JSON object, found another value; save the file again")
        }
        self.init(path: path, values: values)
    }

    init(path: String, values: [String: JSONValue]) {
        self.path = path
        self.values = values
    }

    /// The file if there is one.
    static func optional(path: String) throws(CheckpointError) -> ConfigurationFile? {
        try SmallFile.isThere(path) ? try ConfigurationFile(path: path) : nil
    }

    subscript(_ key: String) -> JSONValue? { values[key] == .null ? nil : values[key] }

    func integer(_ key: String, default value: Int, in range: ClosedRange<Int>) throws(CheckpointError) -> Int {
        guard let found = self[key] else { return value }
        guard let integer = found.integer, range.contains(integer) else {
            throw mistake(key, expected: "an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    /// `count` integers: a list of them, or one that stands for all.
    func integers(
        _ key: String, count: Int, default value: Int, in range: ClosedRange<Int>
    ) throws(CheckpointError) -> [Int] {
        guard case .list(let list) = self[key] else {
            return Array(repeating: try integer(key, default: value, in: range), count: count)
        }
        guard list.count == count else { throw mistake(key, expected: "\(count) integers, one a block") }
        return try integers(list, key, in: range)
    }

    /// A list of integers, one a block.
    func integers(
        _ key: String, default value: [Int], in range: ClosedRange<Int>
    ) throws(CheckpointError) -> [Int] {
        guard let found = self[key] else { return value }
        guard case .list(let list) = found, Self.blocks.contains(list.count) else {
            throw mistake(key, expected: "a list of \(Self.blocks.lowerBound) to \(Self.blocks.upperBound) integers")
        }
        return try integers(list, key, in: range)
    }

    private func integers(
        _ list: [JSONValue], _ key: String, in range: ClosedRange<Int>
    ) throws(CheckpointError) -> [Int] {
        let integers = list.compactMap(\.integer).filter(range.contains)
        guard integers.count == list.count else {
            throw mistake(key, expected: "integers from \(range.lowerBound) to \(range.upperBound)")
        }
        return integers
    }

    /// A number above 0 that is a normal one in float32.
    func positive(_ key: String, default value: Float) throws(CheckpointError) -> Float {
        guard let found = self[key] else { return value }
        guard case .number(let number) = found, number > 0, Float(number).isNormal else {
            throw mistake(key, expected: "a number above 0, within float32's range")
        }
        return Float(number)
    }

    func flag(_ key: String, default value: Bool) throws(CheckpointError) -> Bool {
        guard let found = self[key] else { return value }
        guard case .flag(let flag) = found else { throw mistake(key, expected: "true or false") }
        return flag
    }

    /// One of `choices`.
    func choice<Choice>(_ key: String, default value: Choice, of choices: KeyValuePairs<String, Choice>)
        throws(CheckpointError) -> Choice
    {
        guard let found = self[key] else { return value }
        guard case .text(let text) = found else { throw mistake(key, expected: "text") }
        return try pick(text, key, of: choices)
    }

    /// A list of `choices`.
    func choices<Choice>(_ key: String, default value: [Choice], of choices: KeyValuePairs<String, Choice>)
        throws(CheckpointError) -> [Choice]
    {
        guard let found = self[key] else { return value }
        guard case .list(let list) = found, !list.isEmpty else { throw mistake(key, expected: "a list of names") }
        var picked: [Choice] = []
        for element in list {
            guard case .text(let text) = element else { throw mistake(key, expected: "a list of names") }
            picked.append(try pick(text, key, of: choices))
        }
        return picked
    }

    private func pick<Choice>(_ text: String, _ key: String, of choices: KeyValuePairs<String, Choice>)
        throws(CheckpointError) -> Choice
    {
        guard let choice = choices.first(where: { $0.key == text }) else {
            throw unsupported(key, .text(text), expected: choices.map { "'\($0.key)'" }.joined(separator: " or "))
        }
        return choice.value
    }

    /// Throws unless the key is absent, null or one of `values`: anything else asks for what is not computed here.
    func require(_ key: String, _ values: JSONValue...) throws(CheckpointError) {
        guard let found = self[key], !values.contains(found) else { return }
        let expected = values.isEmpty ? "null" : values.map(shown).joined(separator: " or ")
        throw unsupported(key, found, expected: expected)
    }

    private func shown(_ value: JSONValue) -> String { value.string.map { "'\($0)'" } ?? value.plain }

    /// The error for a value that no saved model has.
    func mistake(_ key: String, expected: String) -> CheckpointError {
        let found = ErrorLine.quoted(self[key]?.plain ?? "nothing")
        return CheckpointError(
            .content, "\(path): \(key): expected \(expected), found \(found); save the configuration again")
    }

    /// The error for a value of models that are not computed here.
    func unsupported(_ key: String, _ found: JSONValue, expected: String) -> CheckpointError {
        CheckpointError(
            .unsupported,
            "\(path): \(key): \(ErrorLine.quoted(found.plain)) is not supported, only \(expected); "
                + "use a checkpoint of Stable Diffusion 1.x or 2.x")
    }
}
