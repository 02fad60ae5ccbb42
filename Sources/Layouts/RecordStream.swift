// Drives a record parser over a file with yajl, a piece at a time.

import CYajl
import Foundation

/// Reads a JSON file in pieces of 256 KiB through yajl's event interface into a ``RecordParser``.
@safe struct RecordStream {
    static let pieceSize = 256 * 1024

    let path: String
    /// What the file is, for messages, for example `annotations`.
    let subject: String
    /// What to do when it is not, for messages.
    let fix: String

    /// Parses the whole file; throws when it cannot be read, is not JSON or has not the parser's shape.
    func read(into parser: consuming RecordParser) throws(LayoutError) {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw fileError(errno) }
        defer { close(descriptor) }
        let context = UnsafeMutablePointer<RecordParser>.allocate(capacity: 1)
        unsafe context.initialize(to: parser)
        // yajl keeps the address of the callback table until the handle is freed.
        let callbacks = UnsafeMutablePointer<yajl_callbacks>.allocate(capacity: 1)
        unsafe callbacks.initialize(to: RecordCallbacks.table)
        defer {
            unsafe context.deinitialize(count: 1)
            unsafe context.deallocate()
            unsafe callbacks.deallocate()
        }
        guard let handle = unsafe yajl_alloc(callbacks, nil, context) else {
            preconditionFailure("yajl could not allocate a parser")
        }
        defer { unsafe yajl_free(handle) }
        try unsafe pump(descriptor, handle, context)
        let missing = unsafe context.pointee.missingSections
        guard missing.isEmpty else {
            throw contentError(
                at: "top", expected: "the keys \(missing.joined(separator: ", "))", found: "none of that name")
        }
    }

    /// Feeds the file to yajl piece by piece up to its end.
    private func pump(
        _ descriptor: Int32, _ handle: yajl_handle, _ context: UnsafeMutablePointer<RecordParser>
    ) throws(LayoutError) {
        var piece = [UInt8](repeating: 0, count: Self.pieceSize)
        var offset = 0
        while true {
            let count = unsafe piece.withUnsafeMutableBytes {
                unsafe Foundation.read(descriptor, $0.baseAddress, $0.count)
            }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw fileError(errno) }
            let status = unsafe count > 0 ? yajl_parse(handle, piece, count) : yajl_complete_parse(handle)
            guard status == yajl_status_ok else {
                let place = unsafe offset + (count > 0 ? yajl_get_bytes_consumed(handle) : 0)
                throw unsafe parseError(handle, context.pointee, offset: place, isAtEnd: count == 0)
            }
            if count == 0 { return }
            offset += count
        }
    }

    private func parseError(
        _ handle: yajl_handle, _ parser: RecordParser, offset: Int, isAtEnd: Bool
    ) -> LayoutError {
        if let failure = parser.failure {
            return contentError(
                at: "byte \(offset), \(failure.place)", expected: failure.expected, found: failure.found)
        }
        var reason = "a syntax error"
        if let text = unsafe yajl_get_error(handle, 0, nil, 0) {
            reason = unsafe String(cString: UnsafeRawPointer(text).assumingMemoryBound(to: UInt8.self))
                .trimmingCharacters(in: .whitespacesAndNewlines)
            reason = LayoutError.cleaned(reason)
            unsafe yajl_free_error(handle, text)
        }
        // At the end yajl reports whatever token was cut, for example a number without its last digits.
        let found = isAtEnd ? "the file's end in the middle (it is truncated)" : reason
        return contentError(at: "byte \(offset), \(parser.place)", expected: "JSON", found: found)
    }

    private func contentError(at place: String, expected: String, found: String) -> LayoutError {
        LayoutError(
            .content, "cannot read \(subject) from \(path) at \(place): expected \(expected), found \(found); \(fix)")
    }

    private func fileError(_ number: Int32) -> LayoutError {
        let reason = unsafe String(cString: strerror(number))
        return LayoutError(
            .file, "cannot read \(subject) from \(path): \(reason); check the path and that this user may read the file"
        )
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
/// With `yajl_number` set, yajl hands over a number's text and converts nothing, so skipped numbers cost almost
/// nothing.
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
