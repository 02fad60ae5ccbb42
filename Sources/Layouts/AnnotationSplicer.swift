// Copies a COCO annotation file byte by byte and stops where records may be appended.
//
// Nothing is decoded: numbers, polygons, spaces and unknown keys come out as they went in. It relies on the file being
// JSON of the right shape, which ``AnnotationSummary/read(path:)`` has checked before.

/// Follows an annotation file that passes through it in pieces.
///
/// Feed it with ``advance(through:from:into:)``; it stops before the closing bracket of each list that can be extended,
/// and can put a prefix before the images' file names on the way.
public struct AnnotationSplicer: Sendable {
    /// A place where records can be appended.
    public enum Stop: Hashable, Sendable {
        /// The end of the images; whether there are none yet.
        case endOfImages(isEmpty: Bool)
        /// The end of the annotations; whether there are none yet.
        case endOfAnnotations(isEmpty: Bool)
    }

    /// File names that were given the prefix.
    public private(set) var prefixedNames = 0

    private let prefix: [UInt8]
    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// The last string of depth 1 (a list's name) or of an image's record, to know it when it turns out to be a key.
    private var text: [UInt8] = []
    private var section: [UInt8] = []
    /// The file name's value comes next.
    private var isBeforeName = false
    /// The open list has no record yet.
    private var isEmpty = true
    /// The stop at the present bracket was reported; the next call goes past it.
    private var isPastStop = false

    private static let images = Array("images".utf8)
    private static let annotations = Array("annotations".utf8)
    private static let fileName = Array("file_name".utf8)

    /// Begins a file.
    /// - Parameter fileNamePrefix: put before each image's file name as it is; none if empty.
    public init(fileNamePrefix: String = "") {
        var text = JSONText()
        text.append(quoted: fileNamePrefix)
        prefix = Array(text.bytes.dropFirst().dropLast())
    }

    /// Copies bytes of `piece` from `position` on to the end of `output`, and moves `position` behind them.
    ///
    /// Returns at a place where records may be appended to `output`, and then wants the same piece again; `nil` when
    /// the
    /// piece is used up.
    public mutating func advance(
        through piece: [UInt8], from position: inout Int, into output: inout [UInt8]
    ) -> Stop? {
        var copied = position
        defer { output.append(contentsOf: piece[copied..<position]) }
        while position < piece.count {
            let byte = piece[position]
            if isInString {
                follow(byte)
            } else if byte == UInt8(ascii: "\"") {
                isEmpty = isEmpty && depth != 2
                beginString()
                if isBeforeName, !prefix.isEmpty {
                    output.append(contentsOf: piece[copied...position])
                    output.append(contentsOf: prefix)
                    copied = position + 1
                    prefixedNames += 1
                }
                isBeforeName = false
            } else if let stop = structure(byte) {
                return stop
            }
            position += 1
        }
        return nil
    }

    /// Strings of interest are kept: the file's own keys, and the keys and texts of images' records.
    private var keepsText: Bool { depth == 1 || (depth == 3 && section == Self.images) }

    private mutating func beginString() {
        isInString = true
        if keepsText { text.removeAll(keepingCapacity: true) }
    }

    private mutating func follow(_ byte: UInt8) {
        if isEscaped {
            isEscaped = false
        } else if byte == UInt8(ascii: "\"") {
            isInString = false
            return
        } else if byte == UInt8(ascii: "\\") {
            isEscaped = true
        }
        if keepsText { text.append(byte) }
    }

    /// Takes a byte outside strings.
    private mutating func structure(_ byte: UInt8) -> Stop? {
        switch byte {
        case UInt8(ascii: ":"):
            if depth == 1 { section = text }
            if depth == 3, section == Self.images { isBeforeName = text == Self.fileName }
        case UInt8(ascii: "["), UInt8(ascii: "{"):
            if depth == 1 { isEmpty = true }
            if depth == 2 { isEmpty = false }
            depth += 1
        case UInt8(ascii: "]"):
            if depth == 2, !isPastStop, let stop {
                isPastStop = true
                return stop
            }
            isPastStop = false
            depth -= 1
        case UInt8(ascii: "}"): depth -= 1
        default: break
        }
        return nil
    }

    private var stop: Stop? {
        switch section {
        case Self.images: .endOfImages(isEmpty: isEmpty)
        case Self.annotations: .endOfAnnotations(isEmpty: isEmpty)
        default: nil
        }
    }
}
