// Normalization form C as CLIP's tokenizer applies it: Unicode 9.0, whatever this machine's Unicode version is.

import Foundation

/// Normalization form C (Unicode Standard Annex 15) of Unicode 9.0.
///
/// Scalars that Unicode 9.0 did not know neither decompose, reorder nor compose. Foundation knows each scalar's
/// decomposition; its own normalization of longer texts does not follow the standard for some Tibetan vowels, Kannada
/// and old Hangul.
enum CanonicalComposition {
    /// Below this no scalar takes part in any reordering, and none composes with the one before it.
    static let firstInteresting: UInt32 = 0x300

    /// `scalars` in normalization form C.
    static func composed(_ scalars: [Unicode.Scalar]) -> [Unicode.Scalar] {
        guard scalars.contains(where: { $0.value >= firstInteresting }) else { return scalars }
        var parts: [(scalar: Unicode.Scalar, combiningClass: UInt8)] = []
        parts.reserveCapacity(scalars.count)
        for scalar in scalars {
            for part in decomposition(scalar) { parts.append((part, combiningClass(part))) }
        }
        sortMarks(&parts)
        return compose(parts)
    }

    private static func isKnown(_ scalar: Unicode.Scalar) -> Bool {
        guard scalar.value >= firstInteresting else { return true }
        guard let age = scalar.properties.age else { return false }
        return age.major <= 9
    }

    private static func combiningClass(_ scalar: Unicode.Scalar) -> UInt8 {
        isKnown(scalar) ? scalar.properties.canonicalCombiningClass.rawValue : 0
    }

    private static func decomposition(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        guard scalar.value >= 0xC0, isKnown(scalar) else { return [scalar] }
        return Array(String(Character(scalar)).decomposedStringWithCanonicalMapping.unicodeScalars)
    }

    /// The canonical ordering algorithm: each run of marks by combining class, equal classes in their order.
    private static func sortMarks(_ parts: inout [(scalar: Unicode.Scalar, combiningClass: UInt8)]) {
        var start = 0
        while start < parts.count {
            var end = start
            while end < parts.count, parts[end].combiningClass != 0 { end += 1 }
            if end - start > 1 { parts[start..<end].sort { $0.combiningClass < $1.combiningClass } }
            start = end + 1
        }
    }

    /// The canonical composition algorithm: a mark joins the last starter unless something of its class or above, or
    /// another starter, stands between.
    private static func compose(_ parts: [(scalar: Unicode.Scalar, combiningClass: UInt8)]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(parts.count)
        var starter: Int?
        var lastClass: UInt8 = 0
        for (scalar, combiningClass) in parts {
            if let index = starter, lastClass < combiningClass || index == result.count - 1,
                let composite = composite(result[index], scalar)
            {
                result[index] = composite
                continue
            }
            if combiningClass == 0 { starter = result.count }
            lastClass = combiningClass
            result.append(scalar)
        }
        return result
    }

    /// The primary composite of a pair, if there is one.
    private static func composite(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> Unicode.Scalar? {
        guard second.value >= firstInteresting else { return nil }
        return composites[pair(first, second)] ?? syllable(first.value, second.value)
    }

    private static func pair(_ first: Unicode.Scalar, _ second: Unicode.Scalar) -> UInt64 {
        UInt64(first.value) << 32 | UInt64(second.value)
    }

    /// Every primary composite but Hangul by its pair. All of them lie in these ranges; those excluded from
    /// composition are not their own normalization form C.
    private static let composites: [UInt64: Unicode.Scalar] = {
        var decompositions: [(parts: [Unicode.Scalar], composite: Unicode.Scalar)] = []
        for value in Array(0xC0..<0x3100) + Array(0x11000..<0x12000) {
            guard let scalar = Unicode.Scalar(UInt32(value)), isKnown(scalar) else { continue }
            let parts = decomposition(scalar)
            let isOwn = String(Character(scalar)).precomposedStringWithCanonicalMapping.unicodeScalars.first == scalar
            if parts.count > 1, isOwn { decompositions.append((parts, scalar)) }
        }
        var composites: [UInt64: Unicode.Scalar] = [:]
        // Shorter ones first: the longer ones are made of them and one mark more.
        for (parts, composite) in decompositions.sorted(by: { $0.parts.count < $1.parts.count }) {
            var first: Unicode.Scalar? = parts[0]
            for part in parts[1..<(parts.count - 1)] { first = first.flatMap { composites[pair($0, part)] } }
            if let first { composites[pair(first, parts[parts.count - 1])] = composite }
        }
        return composites
    }()

    /// The Hangul syllable of a leading consonant and a vowel, or of such a syllable and a trailing consonant (Unicode
    /// Standard, section 3.12).
    private static func syllable(_ first: UInt32, _ second: UInt32) -> Unicode.Scalar? {
        let (firstSyllable, trailing): (UInt32, UInt32) = (0xAC00, 28)
        if (0x1100..<0x1113).contains(first), (0x1161..<0x1176).contains(second) {
            return Unicode.Scalar(firstSyllable + ((first - 0x1100) * 21 + second - 0x1161) * trailing)
        }
        guard (firstSyllable..<0xD7A4).contains(first), (first - firstSyllable) % trailing == 0,
            (0x11A8..<0x11C3).contains(second)
        else { return nil }
        return Unicode.Scalar(first + second - 0x11A7)
    }
}
