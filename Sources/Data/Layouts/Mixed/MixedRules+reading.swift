// Rules as people write them: read strictly, each fault in one line with its place.

import ErrorLines
import JSON

extension MixedRules {
    /// The most rules of a file.
    static let mostRules = 1000

    /// Reads a file of rules; its JSON Schema is `schemas/rules.schema.json`.
    ///
    /// Throws ``LayoutError`` for a file that cannot be read, JSON that is none, keys that are unknown, missing or there
    /// twice, numbers out of range, and rules that contradict themselves or an earlier one.
    public init(file path: String) throws(LayoutError) {
        let document = RulesDocument(path: path)
        self = try document.rules(of: try document.read())
        try checkContradictions(in: document)
    }

    /// Refuses rules that cannot be meant: without any object by what they say, or the same objects decided twice.
    private func checkContradictions(in document: RulesDocument) throws(LayoutError) {
        for (index, rule) in rules.enumerated() {
            let condition = rule.when ?? Condition()
            for (name, range) in [("frequency", condition.frequencies), ("area", condition.areas)] where range.isEmpty {
                throw document.fault(
                    "rule \(index + 1), when", expected: "\(name)_at_least less than \(name)_below",
                    found: "at least \(range.lowerBound), and not more", fix: "no object is like that")
            }
            if rule.when == nil, rule.share == nil {
                throw document.fault(
                    "rule \(index + 1)", expected: "\"when\" or \"share\"", found: "neither",
                    fix: "what all other objects get is \"otherwise\"")
            }
            let same = rules[..<index].firstIndex { $0.when == rule.when && $0.share == nil && $0.use != rule.use }
            if let same {
                throw document.fault(
                    "rule \(index + 1)", expected: "objects that no earlier rule decides",
                    found: "those of rule \(same + 1), which makes them \(rules[same].use.rawValue), not "
                        + rule.use.rawValue, fix: "remove one of the two")
            }
        }
    }

    /// The rules that decide nothing because an earlier one decides all of their objects: both, by position.
    var shadowed: [(rule: Int, by: Int)] {
        rules.indices.compactMap { index in
            let condition = rules[index].when ?? Condition()
            let cover = rules[..<index].firstIndex {
                $0.share == nil && ($0.when ?? Condition()).covers(condition)
            }
            return cover.map { (index, $0) }
        }
    }
}

/// A file of rules, and how its faults are said.
private struct RulesDocument {
    let path: String

    func fault(_ place: String, expected: String, found: String, fix: String) -> LayoutError {
        LayoutError(
            .content,
            "cannot use the rules of \(path): \(place): expected \(expected), found \(found); \(fix)")
    }

    private static let form =
        #"rules are {"rules":[{"when":{"frequency_below":0.002},"use":"hard"}],"otherwise":"origin"}"#

    func read() throws(LayoutError) -> JSONValue {
        let bytes = try TextFile(path: path, subject: "rules").readAll()
        do {
            return try JSONReader<JSONFault>(bytes).document()
        } catch let fault {
            if let key = fault.repeatedKey {
                throw self.fault(
                    "key \(ErrorLine.quoted(key))", expected: "each key once", found: "it twice", fix: "leave one out")
            }
            throw self.fault(
                "byte \(fault.byte)", expected: fault.expected, found: fault.found, fix: Self.form)
        }
    }

    func rules(of document: JSONValue) throws(LayoutError) -> MixedRules {
        typealias Keys = MixedRules.CodingKeys
        let file = try members(document, at: "the file", keys: ["$schema"] + Keys.allCases.map(\.rawValue))
        guard let list = file[Keys.rules.rawValue]?.list, (1...MixedRules.mostRules).contains(list.count) else {
            throw fault(
                "rules", expected: "a list of 1 to \(MixedRules.mostRules) rules",
                found: found(file[Keys.rules.rawValue]), fix: Self.form)
        }
        var rules: [MixedRules.Rule] = []
        for (index, value) in list.enumerated() { rules.append(try rule(value, at: "rule \(index + 1)")) }
        return MixedRules(rules: rules, otherwise: try choice(file[Keys.otherwise.rawValue], at: "otherwise"))
    }

    private func rule(_ value: JSONValue, at place: String) throws(LayoutError) -> MixedRules.Rule {
        typealias Keys = MixedRules.Rule.CodingKeys
        let members = try members(value, at: place, keys: Keys.allCases.map(\.rawValue))
        let condition = try members[Keys.when.rawValue].map { value throws(LayoutError) in
            try self.condition(value, at: "\(place), when")
        }
        return MixedRules.Rule(
            when: condition, share: try share(members[Keys.share.rawValue], at: "\(place), share"),
            use: try choice(members[Keys.use.rawValue], at: "\(place), use"))
    }

    private func condition(_ value: JSONValue, at place: String) throws(LayoutError) -> MixedRules.Condition {
        typealias Keys = MixedRules.Condition.CodingKeys
        let members = try members(value, at: place, keys: Keys.allCases.map(\.rawValue))
        guard !members.isEmpty else {
            throw fault(place, expected: "a condition", found: "'{}'", fix: "leave \"when\" out for all objects")
        }
        func bound(_ key: Keys) throws(LayoutError) -> Double? {
            try share(members[key.rawValue], at: "\(place).\(key.rawValue)")
        }
        var condition = MixedRules.Condition()
        if let value = members[Keys.categories.rawValue] {
            let names = value.list?.compactMap(\.string) ?? []
            guard !names.isEmpty, names.count == value.list?.count else {
                throw fault(
                    "\(place).categories", expected: "a list of category names", found: found(value),
                    fix: #"write it like ["person", "dog"]"#)
            }
            condition.categories = names
        }
        condition.frequencyBelow = try bound(.frequencyBelow)
        condition.frequencyAtLeast = try bound(.frequencyAtLeast)
        condition.areaBelow = try bound(.areaBelow)
        condition.areaAtLeast = try bound(.areaAtLeast)
        return condition
    }

    private func members(
        _ value: JSONValue, at place: String, keys: [String]
    ) throws(LayoutError) -> [String: JSONValue] {
        guard let members = value.object else {
            throw fault(place, expected: "a JSON object", found: found(value), fix: Self.form)
        }
        if let unknown = Set(members.keys).subtracting(keys).min() {
            throw fault(
                place, expected: "keys of \(keys.filter { $0 != "$schema" }.joined(separator: ", "))",
                found: ErrorLine.quoted(unknown), fix: "correct or remove it")
        }
        return members
    }

    private func choice(_ value: JSONValue?, at place: String) throws(LayoutError) -> MixedRules.Choice {
        guard let choice = value?.string.flatMap(MixedRules.Choice.init) else {
            let names = MixedRules.Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
            throw fault(
                place, expected: "one of \(names)", found: found(value), fix: "say what these objects get")
        }
        return choice
    }

    /// A share above 0 and up to 1; nil where there is none.
    private func share(_ value: JSONValue?, at place: String) throws(LayoutError) -> Double? {
        guard let value else { return nil }
        guard let share = value.double, share > 0, share <= 1 else {
            throw fault(
                place, expected: "a share above 0 and up to 1", found: found(value), fix: "0.002 means 0.2 %")
        }
        return share
    }

    private func found(_ value: JSONValue?) -> String {
        value.map { ErrorLine.quoted($0.description) } ?? "none"
    }
}

extension Range<Double> {
    fileprivate func contains(_ other: Range<Double>) -> Bool {
        lowerBound <= other.lowerBound && other.upperBound <= upperBound
    }
}
