// The readers of addresses that hold a password.

import Broker
import Postgres
import Provisioning

extension Targets {
    /// The input is a password that somebody wrote into addresses as it stands, escapes forgotten.
    static let address = FuzzTarget(name: "address") { bytes in
        let password = AddressFrames.password(of: bytes)
        var refusals: [any Error] = []
        for frame in AddressFrames.all {
            do {
                AddressFrames.check(shown: try frame.read(frame.text(password)), of: password)
            } catch {
                FuzzTarget.check(refusal: "\(error)")
                AddressFrames.check(shown: "\(error)", of: password)
                refusals.append(error)
            }
        }
        if refusals.count == AddressFrames.all.count, let refusal = refusals.first { throw refusal }
    }
}

/// Addresses with a place for a password, and what reads them.
struct AddressFrames: Sendable {
    /// The address with this password in it.
    let text: @Sendable (String) -> String
    /// Reads an address; what lines show of it.
    let read: @Sendable (String) throws -> String

    static let all: [AddressFrames] = [
        AddressFrames(text: { "amqp://ann:\($0)@broker.example:5672/batch" }, read: broker),
        AddressFrames(text: { "amqps://ann:\($0)@broker.example?heartbeat=20" }, read: broker),
        AddressFrames(text: { "amqp://ann:\(cut($0))" }, read: broker),
        AddressFrames(text: { "postgresql://ann:\($0)@db.example:5432/catalogue?sslmode=prefer" }, read: database),
        AddressFrames(text: { "postgres://ann:\($0)@one:1111,two:2222/catalogue" }, read: database),
        AddressFrames(text: { "postgresql://ann:\(cut($0))" }, read: database),
        AddressFrames(text: { "postgresql:/ann:\($0)@db.example/catalogue" }, read: database),
        AddressFrames(text: { "host=db.example user=ann password=\($0) dbname=catalogue" }, read: database),
        AddressFrames(text: { "host=db.example password='\($0)' user=ann" }, read: database),
        AddressFrames(text: { "host=postgresql://ann:\($0)@db.example" }, read: database),
        AddressFrames(text: { "dbname=catalogue password=\($0)" }, read: database),
        AddressFrames(text: { "http://ann:\($0)@mq.example:15672" }, read: management),
        AddressFrames(text: { "https://ann:\(cut($0))" }, read: management),
    ]

    private static let broker: @Sendable (String) throws -> String = { "\(try BrokerURL($0))" }
    private static let database: @Sendable (String) throws -> String = { "\(try DatabaseURL($0))" }
    private static let management: @Sendable (String) throws -> String = { "\(try ManagementURL($0))" }

    /// The password of an address that ends in it: an `@` would make the rest of it a host.
    private static func cut(_ password: String) -> String { password.replacing("@", with: "") }

    /// The input with letters and digits that no line of ours holds in a row, so that a piece of it is known anywhere.
    static func password(of bytes: [UInt8]) -> String {
        let signs = bytes.map { byte -> UInt8 in
            let isLetterOrDigit = byte < 0x80 && (Character(Unicode.Scalar(byte)).isLetter || byte.isDigit)
            return isLetterOrDigit ? Array("QXZ".utf8)[Int(byte % 3)] : byte
        }
        return String(decoding: signs, as: UTF8.self)
    }

    /// No three letters of the password in a row may be seen.
    static func check(shown: String, of password: String) {
        let isOurs: (UInt8) -> Bool = { "QXZ".utf8.contains($0) }
        let pieces = shown.utf8.split { !isOurs($0) }
        expect(!pieces.contains { $0.count >= 3 }, "a line shows nothing of \(password.debugDescription): \(shown)")
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }
}
