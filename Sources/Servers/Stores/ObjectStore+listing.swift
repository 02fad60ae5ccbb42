// What lies in a store: its own files, prefix by prefix, and others.

/// What a store holds under a prefix of objects.
public struct ObjectListing: Sendable {
    /// Its objects that are older than was asked for, in the order of their digests.
    public var objects: [StoredObject] = []
    /// The keys of what no store has put there.
    public var foreign: [String] = []
}

/// What a store holds of one job.
public struct ArchiveListing: Sendable {
    /// Its archives, in the order of their keys.
    public var archives: [ArchiveName] = []
    /// The keys of what no store has put there.
    public var foreign: [String] = []
}

extension ObjectStore {
    /// The prefixes of objects that there are: the first two digits of their digests.
    public func objectPrefixes() throws(StoreError) -> [String] {
        try children(of: "objects").filter(Self.isObjectPrefix).map(\.name)
    }

    /// Lists the objects of one prefix, as ``objectPrefixes()`` gives it.
    /// - Parameter age: how long ago an object must have been put at least.
    public func objects(withPrefix prefix: String, olderThan age: Duration = .zero) throws(StoreError) -> ObjectListing
    {
        var listing = ObjectListing()
        for child in try children(of: "objects/\(prefix)") {
            let key = "objects/\(prefix)/\(child.name)"
            guard case .file(let size, let found) = child.content, case .object(let name) = StoreName(key: key) else {
                listing.foreign.append(key)
                continue
            }
            guard age == .zero || found > age else { continue }
            listing.objects.append(StoredObject(name: name, size: size))
        }
        return listing
    }

    /// Every object, in the order of their digests.
    public func allObjects() throws(StoreError) -> [StoredObject] {
        var objects: [StoredObject] = []
        for prefix in try objectPrefixes() { objects += try self.objects(withPrefix: prefix).objects }
        return objects
    }

    /// The names under which archives are kept: those of jobs, and whatever somebody else put there.
    public func archivedJobs() throws(StoreError) -> [String] {
        try children(of: "shards").filter { $0.content == .prefix }.map(\.name)
    }

    /// Lists what is kept under a job's name.
    public func archives(ofJob job: String) throws(StoreError) -> ArchiveListing {
        var listing = ArchiveListing()
        for child in try children(of: "shards/\(job)") {
            let key = "shards/\(job)/\(child.name)"
            if case .file = child.content, case .archive(let name) = StoreName(key: key) {
                listing.archives.append(name)
            } else {
                listing.foreign.append(key)
            }
        }
        return listing
    }

    /// The keys of what no store has put directly below `objects`, `shards` and `tmp`, and of what stands there instead of
    /// one of these.
    public func foreignEntries() throws(StoreError) -> [String] {
        let tops = ["objects", "shards", "tmp"]
        var foreign = try children(of: "").filter { tops.contains($0.name) && $0.content != .prefix }.map(\.name)
        for child in try children(of: "objects") where !Self.isObjectPrefix(child) {
            foreign.append("objects/\(child.name)")
        }
        for child in try children(of: "shards") where child.content != .prefix {
            foreign.append("shards/\(child.name)")
        }
        for child in try children(of: "tmp") {
            if case .file = child.content, ScratchName.isOne(child.name) { continue }
            foreign.append("tmp/\(child.name)")
        }
        return foreign
    }

    private static func isObjectPrefix(_ child: StoreChild) -> Bool {
        child.content == .prefix && child.name.utf8.count == 2
            && child.name.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
    }
}
