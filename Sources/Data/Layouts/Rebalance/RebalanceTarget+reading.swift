// A target as people write it.

import ErrorLines
import JSON

extension RebalanceTarget {
    /// Reads `{"shares":{"toaster":0.01,"hair drier":0.01}}`; its JSON Schema is `schemas/target.schema.json`.
    ///
    /// Throws ``LayoutError`` for a file that cannot be read and for anything else in it. Whether the names are bins, and
    /// the shares add up, is asked when they meet a set.
    public init(file path: String) throws(LayoutError) {
        func fault(_ place: String, expected: String, found: String, fix: String? = nil) -> LayoutError {
            let form = #"a target is {"shares":{"toaster":0.01,"hair drier":0.01}}"#
            return LayoutError(
                .content,
                "cannot use the target of \(path): \(place): expected \(expected), found \(found); \(fix ?? form)")
        }
        func found(_ value: JSONValue?) -> String { value.map { ErrorLine.quoted($0.description) } ?? "none" }
        let bytes = try TextFile(path: path, subject: "target").readAll()
        let document: JSONValue
        do {
            document = try JSONReader<JSONFault>(bytes).document()
        } catch let error {
            guard let key = error.repeatedKey else {
                throw fault("byte \(error.byte)", expected: error.expected, found: error.found)
            }
            throw fault(
                "key \(ErrorLine.quoted(key))", expected: "each key once", found: "it twice", fix: "leave one out")
        }
        guard let members = document.object else {
            throw fault("the file", expected: "a JSON object", found: found(document))
        }
        if let unknown = Set(members.keys).subtracting(["$schema", "shares"]).min() {
            throw fault("the file", expected: "the key shares", found: ErrorLine.quoted(unknown))
        }
        guard let named = members["shares"]?.object, !named.isEmpty else {
            throw fault("shares", expected: "an object of shares by bin", found: found(members["shares"]))
        }
        var shares: [String: Double] = [:]
        for (name, value) in named.sorted(by: { $0.key < $1.key }) {
            guard let share = value.double, (0...1).contains(share) else {
                throw fault(
                    "shares, \(ErrorLine.quoted(name))", expected: "a share from 0 to 1", found: found(value),
                    fix: "0.01 is one object in a hundred")
            }
            shares[name] = share
        }
        self = .shares(shares)
    }
}
