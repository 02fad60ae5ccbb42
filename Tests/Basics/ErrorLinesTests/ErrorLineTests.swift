// What a message shows of text from outside.

import ErrorLines
import Testing

@Suite struct ErrorLineTests {
    @Test func whatATerminalWouldObeyIsAQuestionMark() {
        #expect(ErrorLine.quoted("a\u{1B}[2Jb\u{202E}c") == "'a?[2Jb?c'")
        #expect(ErrorLine.quoted("one\ntwo") == "'one two'")
        #expect(ErrorLine.end(of: "/a\u{7F}/b", limit: 10) == "/a?/b")
    }

    @Test func longTextKeepsItsBeginningAndAPathItsEnd() {
        let digits = String(repeating: "0123456789", count: 100)
        #expect(ErrorLine.beginning(of: digits, limit: 6) == "01234…")
        #expect(ErrorLine.beginning(of: "012345", limit: 6) == "012345")
        #expect(ErrorLine.end(of: digits, limit: 5) == "…56789")
        #expect(ErrorLine.end(of: "56789", limit: 5) == "56789")
        #expect(ErrorLine.text(digits).unicodeScalars.count == ErrorLine.limit)
    }

    @Test(arguments: [("unet.conv_in", true), ("Ü 日本", true), ("", true), ("a\nb", false), ("a\u{200F}b", false)])
    func plainTextIsOneLineThatNothingInterprets(text: String, isPlain: Bool) {
        #expect(PrintableText.isPlain(text) == isPlain)
    }
}
