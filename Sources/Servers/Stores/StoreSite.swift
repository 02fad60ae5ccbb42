// Where a store is, or may be made: whose it is has to be asked before it is opened.

import ErrorLines

/// What a store is opened for.
public enum StoreUse: Sendable {
    /// Nothing in it is made, changed or removed.
    case reading
    /// What it needs to be written is made where it is missing.
    case writing
}

/// The place of a store, before anybody relies on it. Calls may block.
public protocol StoreSite: Sendable {
    /// Where it is, as a person would look for it: a folder's path, or a URL.
    var place: String { get }

    /// The catalogue that the store here belongs to; `nil` when there is no store.
    ///
    /// Throws `.invalid` for something that is no identity, and what the system says when it cannot be read.
    func identity() throws(StoreError) -> StoreIdentity?

    /// Makes this the store of a catalogue, with whatever lies here.
    ///
    /// Of several that do so at once, one writes and the others find what it wrote.
    /// - Returns: false when it was that catalogue's already.
    /// - Throws: `.foreign` when it is another catalogue's.
    @discardableResult
    func claim(for identity: StoreIdentity) throws(StoreError) -> Bool

    /// Whether neither objects nor archives lie here, of whichever catalogue.
    func isEmpty() throws(StoreError) -> Bool

    /// Whether a file of this name and size lies here, of whichever catalogue.
    func holds(_ name: StoreName, size: Int) throws(StoreError) -> Bool

    /// Opens the store of a catalogue.
    /// - Throws: `.away` and `.foreign` where it is not that catalogue's; for writing also when it cannot be written.
    func open(of identity: StoreIdentity, for use: StoreUse) throws(StoreError) -> any ObjectStore
}

/// Finds stores by what users call them.
public enum StoreSites {
    /// The place that a setting names: the path of a folder.
    ///
    /// Throws `.invalid` for an address of a scheme, which a path would be without: this version knows none.
    public static func site(named text: String) throws(StoreError) -> any StoreSite {
        if let scheme = text.prefixMatch(of: /([A-Za-z][A-Za-z0-9+.\-]*):\/\//)?.output.1 {
            throw StoreError(
                .invalid,
                "cannot use the store \(ErrorLine.quoted(text, limit: 200)): expected the path of a folder, found an address of"
                    + " the scheme '\(scheme)', which this version does not know",
                fix: "name a folder; one that is called so is ./\(ErrorLine.text(text).prefix(100))")
        }
        return FolderSite(text)
    }
}
