// Drives a record parser with yajl, a piece at a time.
//
// Other JSON goes through JSONReader. Annotation files do not, for their size: on one as large as train2017's (448 MB), a
// whole `plan` takes 1.45 s of processor time and 305 MB with yajl, the file's digest and the planning included, and
// JSONReader takes 1.6 s and 890 MB to do no more than pass over the same text, since it has all of it in memory.

import CYajl
import ErrorLines
import Foundation

/// Follows a JSON text that arrives in pieces, through yajl's event interface into a ``RecordParser``.
@safe final class RecordReader {
    private let form: RecordFileForm
    private let path: String
    private let context = UnsafeMutablePointer<RecordParser>.allocate(capacity: 1)
    /// yajl keeps the address of the callback table until the handle is freed.
    private let callbacks = UnsafeMutablePointer<yajl_callbacks>.allocate(capacity: 1)
    private let handle: yajl_handle
    /// Bytes of text before the present piece.
    private var offset = 0

    /// Begins a text; `path` is for messages.
    init(_ form: RecordFileForm, path: String, parser: consuming RecordParser) {
        self.form = form
        self.path = path
        unsafe context.initialize(to: parser)
        unsafe callbacks.initialize(to: RecordCallbacks.table)
        guard let handle = unsafe yajl_alloc(callbacks, nil, context) else {
            preconditionFailure("yajl could not allocate a parser")
        }
        unsafe self.handle = handle
    }

    deinit {
        unsafe yajl_free(handle)
        unsafe context.deinitialize(count: 1)
        unsafe context.deallocate()
        unsafe callbacks.deallocate()
    }

    /// Reads a whole file into `parser`.
    /// - Parameter onText: is shown the text, piece by piece, as it is parsed: what a digest of the file is made of.
    static func read(
        _ form: RecordFileForm, path: String, into parser: consuming RecordParser,
        onText: (ArraySlice<UInt8>) -> Void = { _ in }
    ) throws(LayoutError) {
        let file = try TextFile(path: path, subject: form.subject)
        let reader = RecordReader(form, path: path, parser: parser)
        var piece = TextFile.makePiece()
        while true {
            let count = try file.read(into: &piece)
            if count == 0 { return try reader.finish() }
            onText(piece[..<count])
            try reader.feed(piece, count: count)
        }
    }

    /// Takes the next `count` bytes of text, the first of `piece`.
    func feed(_ piece: [UInt8], count: Int) throws(LayoutError) {
        guard unsafe yajl_parse(handle, piece, count) == yajl_status_ok else {
            let consumed = unsafe yajl_get_bytes_consumed(handle)
            throw parseError(at: offset + consumed, near: piece[max(0, consumed - 1)..<count])
        }
        offset += count
    }

    /// Ends the text; throws when it is cut off or lacks a section.
    func finish() throws(LayoutError) {
        guard unsafe yajl_complete_parse(handle) == yajl_status_ok else { throw parseError(at: offset, near: nil) }
        let missing = unsafe context.pointee.missingSections
        guard missing.isEmpty else {
            throw contentError(
                at: "top", expected: "the keys \(missing.joined(separator: ", "))", found: "none of that name",
                fix: form.advice(on: .shape))
        }
    }

    /// - Parameter near: the text from where yajl stopped; nil at the file's end.
    private func parseError(at place: Int, near: ArraySlice<UInt8>?) -> LayoutError {
        let parser = unsafe context.pointee
        if let failure = parser.failure {
            return contentError(
                at: "byte \(place), \(failure.place)", expected: failure.expected, found: failure.found,
                fix: form.advice(on: failure.place == "top" ? .shape : .value(failure.kind, found: failure.found)))
        }
        let expected = "JSON"
        guard let near else {
            // At the end yajl reports whatever token was cut, for example a number without its last digits.
            let found = offset == 0 ? "an empty file" : "the file's end in the middle (it is truncated)"
            return contentError(
                at: "byte \(place), \(parser.place)", expected: expected, found: found,
                fix: form.advice(on: offset == 0 ? .empty : .truncated))
        }
        let words = String(decoding: near.prefix(40), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        let text = ErrorLine.beginning(of: words, limit: 24)
        return contentError(
            at: "byte \(place), \(parser.place)", expected: expected, found: "\(yajlReason) near '\(text)'",
            fix: form.advice(on: .syntax(text)))
    }

    /// yajl's words for what it stopped at.
    private var yajlReason: String {
        guard let text = unsafe yajl_get_error(handle, 0, nil, 0) else { return "a syntax error" }
        defer { unsafe yajl_free_error(handle, text) }
        let reason = unsafe String(cString: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self))
        return ErrorLine.beginning(of: reason.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    private func contentError(at place: String, expected: String, found: String, fix: String) -> LayoutError {
        LayoutError(
            .content,
            "cannot read \(form.subject) from \(path) at \(place): expected \(expected), found \(found); \(fix)")
    }
}

extension RecordParser {
    /// The quoted names of the sections that the file did not have.
    var missingSections: [String] {
        if isBareList { return [] }
        return sections.indices.filter { seenSections & 1 << UInt32($0) == 0 }.map { "\"\(sections[$0].name)\"" }
    }
}

/// yajl's callbacks: each finds the parser behind the context pointer and passes the event on.
///
/// With `yajl_number` set, yajl hands over a number's text and converts nothing, so skipped numbers
/// cost almost nothing.
private enum RecordCallbacks {
    static var table: yajl_callbacks {
        unsafe yajl_callbacks(
            yajl_null: { unsafe $0!.parser.pointee.null() ? 1 : 0 },
            yajl_boolean: { unsafe $0!.parser.pointee.boolean($1 != 0) ? 1 : 0 },
            yajl_integer: nil,
            yajl_double: nil,
            yajl_number: { context, text, count in
                let bytes = unsafe UnsafeRawPointer(text!).assumingMemoryBound(to: UInt8.self)
                return unsafe context!.parser.pointee.number(UnsafeBufferPointer(start: bytes, count: count)) ? 1 : 0
            },
            yajl_string: { unsafe $0!.parser.pointee.string(UnsafeBufferPointer(start: $1, count: $2)) ? 1 : 0 },
            yajl_start_map: { unsafe $0!.parser.pointee.startContainer(isObject: true) ? 1 : 0 },
            yajl_map_key: { unsafe $0!.parser.pointee.key(UnsafeBufferPointer(start: $1, count: $2)) ? 1 : 0 },
            yajl_end_map: { unsafe $0!.parser.pointee.endContainer() ? 1 : 0 },
            yajl_start_array: { unsafe $0!.parser.pointee.startContainer(isObject: false) ? 1 : 0 },
            yajl_end_array: { unsafe $0!.parser.pointee.endContainer() ? 1 : 0 })
    }
}

extension UnsafeMutableRawPointer {
    /// The parser that a callback's context pointer points to.
    fileprivate var parser: UnsafeMutablePointer<RecordParser> { unsafe assumingMemoryBound(to: RecordParser.self) }
}
