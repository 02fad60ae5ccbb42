// Reading what a program writes: the lines `ready` and `result`. Pure.

import Foundation

/// Why a line was refused: one clear line without the program's name.
struct LineRefusal: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

/// A line from the program.
enum ProgramReply: Sendable {
    case ready(ReadyLine)
    case result(ResultLine)

    /// Reads a line; unknown keys are left alone, unknown types are refused.
    init(decoding line: [UInt8]) throws(LineRefusal) {
        struct Header: Decodable {
            var type: String
        }
        let data = Data(line)
        let header: Header
        do {
            header = try JSONDecoder().decode(Header.self, from: data)
        } catch {
            throw LineRefusal(
                "expected a line of JSON with a type on standard output, found \(quoted(line)); write everything else to "
                    + "standard error")
        }
        do {
            switch header.type {
            case "ready": self = .ready(try JSONDecoder().decode(ReadyLine.self, from: data))
            case "result": self = .result(try JSONDecoder().decode(ResultLine.self, from: data))
            default: throw LineRefusal("expected a line of type ready or result, found type \(quoted(header.type))")
            }
        } catch let error as DecodingError {
            throw LineRefusal("\(header.type) line: \(Self.place(of: error)); see schemas/plugin")
        } catch let error as LineRefusal {
            throw error
        } catch {
            throw LineRefusal("\(header.type) line: expected JSON as in schemas/plugin, found \(quoted(line))")
        }
    }

    private static func place(of error: DecodingError) -> String {
        func path(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
            let keys = context.codingPath + (key.map { [$0] } ?? [])
            return "key '\(keys.map { $0.intValue.map(String.init) ?? $0.stringValue }.joined(separator: "."))'"
        }
        return switch error {
        case .keyNotFound(let key, let context): "\(path(context, key)): expected a value, found none"
        case .typeMismatch(let type, let context): "\(path(context)): expected \(type), found another type"
        case .valueNotFound(let type, let context): "\(path(context)): expected \(type), found null"
        case .dataCorrupted(let context): "\(path(context)): expected a value in range, found another"
        @unknown default: "expected another shape"
        }
    }
}

/// The line `result`: what became of each task of a batch.
struct ResultLine: Decodable, Sendable {
    struct Item: Decodable, Sendable {
        var id: Int
        /// The name of the image file in the batch's folder.
        var file: String?
        /// Why there is none.
        var error: String?
        /// Whether another attempt cannot help.
        var permanent: Bool?
    }

    var id: Int
    var results: [Item]

    /// The items in the order of the tasks, whose ids are 0 ..< `count`.
    /// - Throws: when an id is missing, unknown or there twice, or an item says both or neither.
    func items(ofBatch batch: Int, count: Int) throws(LineRefusal) -> [Item] {
        guard id == batch else { throw LineRefusal("result line: expected batch \(batch), found batch \(id)") }
        var places: [Item?] = Array(repeating: nil, count: count)
        for item in results {
            guard places.indices.contains(item.id) else {
                throw LineRefusal("result line: expected task ids 0 to \(count - 1), found the extra id \(item.id)")
            }
            guard places[item.id] == nil else {
                throw LineRefusal("result line: expected each task id once, found id \(item.id) twice")
            }
            guard (item.file == nil) != (item.error == nil) else {
                throw LineRefusal(
                    "result line: task \(item.id): expected either file or error, found "
                        + (item.file == nil ? "neither" : "both"))
            }
            places[item.id] = item
        }
        var items: [Item] = []
        for (place, item) in places.enumerated() {
            guard let item else {
                throw LineRefusal("result line: expected all of \(count) task ids, found none for id \(place)")
            }
            items.append(item)
        }
        return items
    }
}

/// Text of a program for an error line: in quotes, without control characters, at most 80 characters.
func quoted(_ text: String) -> String {
    let plain = String(String.UnicodeScalarView(text.unicodeScalars.prefix(81).map { isControl($0) ? " " : $0 }))
    return "'\(plain.prefix(80))\(plain.count > 80 ? "…" : "")'"
}

/// Bytes of a program for an error line.
func quoted(_ bytes: [UInt8]) -> String { quoted(String(decoding: bytes.prefix(324), as: UTF8.self)) }

/// Whether a terminal would act on it instead of showing it.
func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator: true
    default: false
    }
}
