// What an address means, what is wrong with one, and settings as files of variables leave them.

import Addresses
import Testing

struct AddressTests {
    private func read(_ text: String) throws(AddressFault) -> Address {
        try Address(text, schemes: ["amqp", "http"])
    }

    @Test func everyPieceIsReadAndDecoded() throws {
        let address = try read("AMQP://us%40er:p%2Fs%3Fs@[::1]:5673/a%2Fb?key=v%20w&flag")
        #expect(address.scheme == "amqp" && address.user == "us@er" && address.password == "p/s?s")
        #expect(address.host == "::1" && address.port == 5673 && address.path == "a%2Fb")
        #expect(address.query == ["key": "v w", "flag": ""])
        #expect(try Address.decoded(address.path, "path") == "a/b")
    }

    @Test func whatIsLeftOutIsAbsent() throws {
        let address = try read("http://h")
        #expect(address.user == nil && address.password == nil && address.port == nil && address.path.isEmpty)
    }

    @Test(arguments: [
        ("h:1", "no scheme"), ("redis://h", "'redis'"), ("pass://h", "another one"), ("amqp://", "no host"),
        ("amqp://u:p@h:0", "port"), ("amqp://u:p@h:", "port"), ("amqp://u:p@h:70000", "port"),
        ("amqp://u:%zz@h", "password holds a '%'"), ("amqp://u:%00@h", "password holds a '%'"),
        ("amqp://u:%ff@h", "no text"), ("amqp://u:%0a@h", "no text"), ("amqp://u:p@h h", "no host name"),
        ("amqp://u:p@[::1", "']'"), ("amqp://u:p/q@h", "%40"), ("amqp://u:p?q@h", "%40"),
        ("amqp://h\n", "character 9"), ("amqp://u:p@h\u{301}h/x@y", "%40"),
    ])
    func aFaultSaysWhatIsWrong(text: String, says: String) {
        let fault = #expect(throws: AddressFault.self) { try read(text) }
        #expect(fault?.description.contains(says) == true, "\(text.debugDescription): \(String(describing: fault))")
    }

    /// A server reads bytes: for it, a mark that joins a sign does not hide the sign.
    @Test func aSignWithAMarkIsStillThatSign() throws {
        let address = try read("amqp://u:\u{301}p@h")
        #expect(address.user == "u" && address.password == "\u{301}p")
    }

    @Test func aUserThatMayHoldAPasswordIsNotShown() {
        #expect(Address.shown(user: "ann@corp") == "ann@corp")
        #expect(Address.shown(user: "ann:secret") == "…")
    }
}

struct AddressTextTests {
    @Test(arguments: [
        ("amqp://h", "amqp://h"), ("amqp://h\n", "amqp://h"), (" amqp://h\r\n", "amqp://h"),
        ("\"amqp://h\"", "amqp://h"), ("'amqp://h'\n", "amqp://h"), ("\u{FEFF}amqp://h", "amqp://h"),
        ("host=h password='a b'", "host=h password='a b'"), ("\" host=h password='a b' \"", "host=h password='a b'"),
        ("", ""), (" \n", ""), ("''", ""), ("it's", "it's"),
    ])
    func quotesAndLineEndsAroundAValueAreTakenOff(text: String, value: String) throws {
        #expect(try AddressText.unwrapped(text) == value)
    }

    @Test(arguments: ["\"amqp://h", "amqp://h'", "'amqp://h\"", "'"])
    func aQuoteAtOneEndIsNamed(text: String) {
        let fault = #expect(throws: AddressFault.self) { try AddressText.unwrapped(text) }
        #expect(fault?.description.contains("quote") == true)
    }

    @Test(arguments: [
        ("db.example", true), ("10.0.0.1", true), ("fe80::1%eth0", true), ("db_1-a", true), ("bücher.example", true),
        ("", false), ("a b", false), ("a/b", false), ("user@h", false), ("a%b", false),
    ])
    func aHostIsKnownByItsSigns(text: String, isHost: Bool) { #expect(AddressText.isHost(text) == isHost) }
}
