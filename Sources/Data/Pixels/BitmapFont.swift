// The bitmap font: printable ASCII in cells of 5x9, drawn below as they look.

import Foundation

/// A proportional bitmap font for printable ASCII, 7 pixels high with 2 below the baseline.
///
/// At scales other than 1 the outlines are smoothed: a glyph is read as a field interpolated between its pixels, and
/// ink is where the field passes a threshold.
public enum BitmapFont {
    /// Rows from the top of a capital to the baseline, at scale 1.
    public static let capitalHeight = 7
    /// Rows of a line including what hangs below the baseline, at scale 1.
    public static let lineHeight = 9

    /// Where ink begins between a pixel with ink (1) and one without (0). Below one half, so that diagonals hold
    /// together and small text is a little stronger; at scale 1 it makes no difference.
    static let threshold = 0.38

    /// The picture of one character.
    struct Glyph: Sendable {
        /// Ink by row, nine of them; bit 0 is the leftmost column.
        var rows: [UInt8]
        /// Columns of ink.
        var width: Int

        /// 1 where there is ink, also asked for places outside.
        @inline(__always)
        func ink(_ column: Int, _ row: Int) -> Double {
            column >= 0 && column < 5 && row >= 0 && row < 9 && rows[row] >> UInt8(column) & 1 == 1 ? 1 : 0
        }
    }

    /// The glyph of a character; what the font has not got looks like `?`.
    static func glyph(_ character: Character) -> Glyph {
        let code = Int(character.asciiValue ?? 63)
        return glyphs[(32...126).contains(code) ? code - 32 : 31]
    }

    /// The text in letters that the font has: other scripts are spelled in Latin letters without accents (ICU's
    /// transliteration), as `jiao tong deng`; emoji and the like stay.
    public static func spelled(_ text: String) -> String {
        if has(text) { return text }
        return text.applyingTransform(StringTransform("Any-Latin; Latin-ASCII"), reverse: false) ?? text
    }

    /// Whether the font has every letter of a text.
    public static func has(_ text: String) -> Bool { text.utf8.allSatisfy { (32...126).contains($0) } }

    /// Width of the text in pixels, without a gap after its last character.
    public static func width(of text: String, scale: Double = 1) -> Double {
        let columns = text.reduce(0) { $0 + glyph($1).width + 1 }
        return Double(max(columns - 1, 0)) * scale
    }

    /// The text, cut and ended with `...` where it is wider than `width` pixels.
    public static func truncated(_ text: String, toWidth width: Double, scale: Double = 1) -> String {
        if Self.width(of: text, scale: scale) <= width { return text }
        var kept = text
        while !kept.isEmpty {
            kept.removeLast()
            while kept.last == " " { kept.removeLast() }
            if Self.width(of: kept + "...", scale: scale) <= width { return kept + "..." }
        }
        return ""
    }

    /// Cuts the drawing into glyphs: six bands of sixteen cells, nine rows each; digits keep their full width.
    private static let glyphs: [Glyph] = {
        let lines = drawing.split(separator: "\n").map { Array($0.utf8) }
        return (32...126).map { code in
            let (band, place) = ((code - 32) / 16, (code - 32) % 16)
            let cells = (0..<9).map { lines[band * 9 + $0][place * 6..<place * 6 + 5] }
            let rows = cells.map { cell in
                cell.enumerated().reduce(UInt8(0)) { $1.element == UInt8(ascii: "#") ? $0 | 1 << UInt8($1.offset) : $0 }
            }
            let ink = rows.reduce(0, |)
            let width = (48...57).contains(code) ? 5 : (code == 32 ? 3 : 8 - ink.leadingZeroBitCount)
            return Glyph(rows: rows, width: width)
        }
    }()

    private static let drawing = """
        ..... #.... #.#.. .#.#. ..#.. ##..# .##.. #.... ..#.. #.... ..... ..... ..... ..... ..... ....#
        ..... #.... #.#.. .#.#. .#### ##..# #..#. #.... .#... .#... ..#.. ..#.. ..... ..... ..... ....#
        ..... #.... #.#.. ##### #.#.. ...#. #.#.. #.... #.... ..#.. #.#.# ..#.. ..... ..... ..... ...#.
        ..... #.... ..... .#.#. .###. ..#.. .#... ..... #.... ..#.. .###. ##### ..... ####. ..... ..#..
        ..... #.... ..... ##### ..#.# .#... #.#.# ..... #.... ..#.. #.#.# ..#.. ..... ..... ..... .#...
        ..... ..... ..... .#.#. ####. #..## #..#. ..... .#... .#... ..#.. ..#.. .#... ..... ..... #....
        ..... #.... ..... .#.#. ..#.. #..## .##.# ..... ..#.. #.... ..... ..... .#... ..... #.... #....
        ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... #.... ..... ..... .....
        ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....

        .###. ..#.. .###. .###. ...#. ##### ..##. ##### .###. .###. ..... ..... ...#. ..... #.... .###.
        #...# .##.. #...# #...# ..##. #.... .#... ....# #...# #...# ..... ..... ..#.. ..... .#... #...#
        #..## ..#.. ....# ....# .#.#. ####. #.... ...#. #...# #...# #.... .#... .#... ####. ..#.. ....#
        #.#.# ..#.. ...#. ..##. #..#. ....# ####. ..#.. .###. .#### ..... ..... #.... ..... ...#. ...#.
        ##..# ..#.. ..#.. ....# ##### ....# #...# ..#.. #...# ....# ..... ..... .#... ####. ..#.. ..#..
        #...# ..#.. .#... #...# ...#. #...# #...# .#... #...# ...#. ..... ..... ..#.. ..... .#... .....
        .###. .###. ##### .###. ...#. .###. .###. .#... .###. .##.. #.... .#... ...#. ..... #.... ..#..
        ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... #.... ..... ..... ..... .....
        ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....

        .###. .###. ####. .###. ###.. ##### ##### .###. #...# ###.. ..### #...# #.... #...# #...# .###.
        #...# #...# #...# #...# #..#. #.... #.... #...# #...# .#... ...#. #..#. #.... ##.## #...# #...#
        #.### #...# #...# #.... #...# #.... #.... #.... #...# .#... ...#. #.#.. #.... #.#.# ##..# #...#
        #.#.# ##### ####. #.... #...# ####. ####. #.### ##### .#... ...#. ##... #.... #.#.# #.#.# #...#
        #.##. #...# #...# #.... #...# #.... #.... #...# #...# .#... ...#. #.#.. #.... #...# #..## #...#
        #.... #...# #...# #...# #..#. #.... #.... #...# #...# .#... #..#. #..#. #.... #...# #...# #...#
        .#### #...# ####. .###. ###.. ##### #.... .#### #...# ###.. .##.. #...# ##### #...# #...# .###.
        ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....
        ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....

        ####. .###. ####. .#### ##### #...# #...# #...# #...# #...# ##### ##... #.... ##... ..#.. .....
        #...# #...# #...# #.... ..#.. #...# #...# #...# #...# #...# ....# #.... #.... .#... .#.#. .....
        #...# #...# #...# #.... ..#.. #...# #...# #...# .#.#. .#.#. ...#. #.... .#... .#... #...# .....
        ####. #...# ####. .###. ..#.. #...# #...# #.#.# ..#.. ..#.. ..#.. #.... ..#.. .#... ..... .....
        #.... #.#.# #.#.. ....# ..#.. #...# #...# #.#.# .#.#. ..#.. .#... #.... ...#. .#... ..... .....
        #.... #..#. #..#. ....# ..#.. #...# .#.#. ##.## #...# ..#.. #.... #.... ....# .#... ..... .....
        #.... .##.# #...# ####. ..#.. .###. ..#.. #...# #...# ..#.. ##### ##... ....# ##... ..... .....
        ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... #####
        ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... ..... .....

        #.... ..... #.... ..... ....# ..... ..##. ..... #.... #.... ..#.. #.... #.... ..... ..... .....
        .#... ..... #.... ..... ....# ..... .#... ..... #.... ..... ..... #.... #.... ..... ..... .....
        ..... .###. #.##. .###. .##.# .###. .#... .#### #.##. #.... ..#.. #..#. #.... ##.#. #.##. .###.
        ..... ....# ##..# #.... #..## #...# ###.. #...# ##..# #.... ..#.. #.#.. #.... #.#.# ##..# #...#
        ..... .#### #...# #.... #...# ##### .#... #...# #...# #.... ..#.. ##... #.... #.#.# #...# #...#
        ..... #...# #...# #...# #...# #.... .#... #...# #...# #.... ..#.. #.#.. #.... #.#.# #...# #...#
        ..... .#### ####. .###. .#### .###. .#... .#### #...# #.... ..#.. #..#. .#... #.#.# #...# .###.
        ..... ..... ..... ..... ..... ..... ..... ....# ..... ..... #.#.. ..... ..... ..... ..... .....
        ..... ..... ..... ..... ..... ..... ..... .###. ..... ..... .#... ..... ..... ..... ..... .....

        ..... ..... ..... ..... .#... ..... ..... ..... ..... ..... ..... ..#.. #.... #.... .....
        ..... ..... ..... ..... .#... ..... ..... ..... ..... ..... ..... .#... #.... .#... .....
        ####. .#### #.##. .#### ####. #...# #...# #...# #...# #...# ##### .#... #.... .#... .#..#
        #...# #...# ##... #.... .#... #...# #...# #...# .#.#. #...# ...#. #.... #.... ..#.. #.##.
        #...# #...# #.... .###. .#... #...# #...# #.#.# ..#.. #...# ..#.. .#... #.... .#... .....
        #...# #...# #.... ....# .#... #..## .#.#. #.#.# .#.#. #...# .#... .#... #.... .#... .....
        ####. .#### #.... ####. ..##. .##.# ..#.. .#.#. #...# .#### ##### ..#.. #.... #.... .....
        #.... ....# ..... ..... ..... ..... ..... ..... ..... ....# ..... ..... ..... ..... .....
        #.... ....# ..... ..... ..... ..... ..... ..... ..... .###. ..... ..... ..... ..... .....
        """
}
