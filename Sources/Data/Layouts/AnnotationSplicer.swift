// Copies a COCO annotation file byte by byte and stops where records may be appended.
//
// Nothing is decoded: numbers, polygons, spaces and unknown keys come out as they went in. It relies on the file being
// JSON of the right shape, which ``AnnotationSummary/read(path:)`` has checked before.

/// Follows an annotation file that passes through it in pieces.
///
/// Feed it with ``advance(through:count:from:into:)``; it stops before the closing bracket of each list that can be
/// extended, and at the name of each image's file, which whoever calls writes.
public struct AnnotationSplicer: Sendable {
    /// A place where something is to be done.
    public enum Stop: Hashable, Sendable {
        /// The end of the images, where records can be appended; whether there are none yet.
        case endOfImages(isEmpty: Bool)
        /// The end of the annotations; whether there are none yet.
        case endOfAnnotations(isEmpty: Bool)
        /// Within the quotes of an image's file name: the bytes between them, escapes and all, which are not copied.
        case fileName([UInt8])
    }

    private var depth = 0
    private var isInString = false
    private var isEscaped = false
    /// The last string of depth 1 (a list's name) or of an image's record, to know it when it turns out to be a key.
    private var text: [UInt8] = []
    private var section: [UInt8] = []
    /// The value of a file name comes next.
    private var isBeforeName = false
    /// The string at hand is a file name.
    private var isInName = false
    /// The open list has no record yet.
    private var isEmpty = true
    /// The stop at the present byte was reported; the next call goes past it.
    private var isPastStop = false

    private static let images = Array("images".utf8)
    private static let annotations = Array("annotations".utf8)
    private static let fileName = Array("file_name".utf8)

    /// Begins a file.
    public init() {}

    /// Copies bytes of `piece`, up to its `count`th, from `position` on to the end of `output`, and moves `position`
    /// behind them.
    ///
    /// Returns at a place where something may be appended to `output`, and then wants the same piece again; `nil` when
    /// the piece is used up.
    public mutating func advance(
        through piece: [UInt8], count: Int, from position: inout Int, into output: inout [UInt8]
    ) -> Stop? {
        var copied = position
        defer { output.append(contentsOf: piece[copied..<position]) }
        while position < count {
            let byte = piece[position]
            if isInName {
                if let name = followName(byte) { return .fileName(name) }
                // The closing quote is copied again, what stands before it is not.
                copied = isInName ? position + 1 : position
            } else if isInString {
                follow(byte)
            } else if byte == UInt8(ascii: "\"") {
                isEmpty = isEmpty && depth != 2
                beginString()
                isInName = isBeforeName
                isBeforeName = false
                if isInName {
                    output.append(contentsOf: piece[copied...position])
                    copied = position + 1
                }
            } else if let stop = structure(byte) {
                return stop
            }
            position += 1
        }
        return nil
    }

    /// Takes a byte of a file name; returns the name once, at its closing quote.
    private mutating func followName(_ byte: UInt8) -> [UInt8]? {
        if isPastStop {
            (isPastStop, isInName, isInString) = (false, false, false)
            return nil
        }
        if byte == UInt8(ascii: "\""), !isEscaped {
            isPastStop = true
            return text
        }
        isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
        text.append(byte)
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
        case UInt8(ascii: ","): isBeforeName = false
        case UInt8(ascii: "}"):
            isBeforeName = false
            depth -= 1
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
