// Passwords as people write them into addresses: many, from a named seed, through every reader of addresses.

import Testing

@testable import Layouts

struct AddressSecretTests {
    private static let seed: UInt64 = 20_261_130
    private static let signs =
        "@:/?#%&='\"\\[]{},; +-_.!$^~|<>`\t\n\u{7F}é\u{301}€".map(String.init) + ["@\u{301}", ":\u{301}", "://"]

    /// A word, a sign, a word …: two to six words of three to six letters.
    private func password(_ generator: inout SplitMix64) -> String {
        var text = ""
        for _ in 0..<generator.integer(in: 2...6) {
            for _ in 0..<generator.integer(in: 3...6) { text.append(["Q", "X", "Z"][generator.integer(in: 0...2)]) }
            let sign = Self.signs[generator.integer(in: 0...Self.signs.count - 1)]
            if generator.integer(in: 0...1) == 0 { text.append(sign) } else { text = sign + text }
        }
        return text
    }

    /// A broken promise is a failed precondition: it ends this process, and its message names the password.
    @Test func noLineShowsAnythingOfAPassword() {
        var generator = SplitMix64(seed: Self.seed)
        for _ in 0..<3000 { Targets.address.run(Array(password(&generator).utf8)) }
    }

    /// What was escaped rightly is read, whatever it is.
    @Test func everyEscapedPasswordIsTakenAndNotShown() throws {
        var generator = SplitMix64(seed: Self.seed + 1)
        for _ in 0..<500 {
            let plain = password(&generator).filter { !"\t\n\u{7F}".contains($0) }
            let escaped = plain.utf8.map { "%" + ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
            for frame in [0, 1, 3, 4, 11] {
                let shown = try AddressFrames.all[frame].read(AddressFrames.all[frame].text(escaped))
                AddressFrames.check(shown: shown, of: plain)
            }
        }
    }
}
