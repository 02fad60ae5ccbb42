// Why an address cannot be read, in our own words.

/// What is wrong with an address: a clause such as `it has no host`.
///
/// It repeats nothing of the address that could be a part of a password: who forgets an escape has one in
/// the wrong place.
public struct AddressFault: Error, Hashable, Sendable, CustomStringConvertible {
    /// The clause.
    public let description: String

    /// Makes a fault from its clause.
    public init(_ description: String) { self.description = description }
}
