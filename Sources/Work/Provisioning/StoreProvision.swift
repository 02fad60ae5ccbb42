// Making a folder the object directory of a catalogue, once, and leaving it so ever after.

public import Catalogue
import Foundation
import Postgres
import Stores

/// Gives a folder the identity of a catalogue, or refuses it.
///
/// An object directory of an earlier version has no identity: it is adopted when it holds what the catalogue recorded.
/// A new folder is taken only for a catalogue that never had one, since an empty folder in place of the real one would
/// look like the loss of everything.
public struct StoreProvision: Sendable {
    private let catalogue: Catalogue
    private let root: String
    private let adopts: Bool
    private let isDryRun: Bool

    /// - Parameters:
    ///   - root: the folder; made where it is missing.
    ///   - adopts: whether a folder is taken that does not show that it is the catalogue's; never another catalogue's.
    ///   - isDryRun: whether to change nothing.
    public init(catalogue: Catalogue, root: String, adopts: Bool = false, isDryRun: Bool = false) {
        self.catalogue = catalogue
        self.root = root
        self.adopts = adopts
        self.isDryRun = isDryRun
    }

    /// Provisions; safe to run again, and by several at once.
    /// - Throws: ``ProvisioningError`` with code `contradiction` for a folder that is not the catalogue's.
    public func run() async throws -> ProvisionStep {
        guard !isDryRun else {
            let claim = try await catalogue.storeClaim()
            return try judge(claim) ?? step(.planned, "write the identity of", claim)
        }
        do {
            return try await catalogue.provisionStore { claim in
                if let step = try judge(claim) { return step }
                let isNew = try Self.identity(claim).write(root: root)
                return step(isNew ? .done : .present, isNew ? "now belongs to" : "belongs to", claim)
            }
        } catch let error as PostgresError where error.sqlstate == "42501" {
            return .storeLeft("this user may not change the catalogue's identity (\(error.description))")
        }
    }

    /// - Returns: the step when the identity is there; `nil` when it may be written.
    private func judge(_ claim: StoreClaim) throws -> ProvisionStep? {
        let identity = Self.identity(claim)
        if let found = try StoreIdentity.read(root: root) {
            guard found.isSame(as: identity) else {
                throw ProvisioningError(
                    .contradiction,
                    "cannot make \(root) the object directory of \(identity): found that of \(found); name another folder, or "
                        + "correct --database-url")
            }
            return step(.present, "belongs to", claim)
        }
        guard !adopts else { return nil }
        let folder = try FolderContents(root: root)
        for file in claim.recorded where try folder.holds(file) { return nil }
        if let objection = objection(to: folder, claim) {
            throw ProvisioningError(
                .contradiction,
                "cannot make \(root) the object directory of \(identity): \(objection); --adopt-store takes it nevertheless"
            )
        }
        return nil
    }

    private func objection(to folder: FolderContents, _ claim: StoreClaim) -> String? {
        if !claim.recorded.isEmpty {
            return "expected archives and images that it recorded, found "
                + (folder.isEmpty ? "none" : "others") + "; mount it, or name the folder that the workers used"
        }
        if claim.isProvisioned {
            return "expected the one that was provisioned before, found a folder without identity; mount it, or name it"
        }
        if !folder.isEmpty {
            return "it recorded no image yet, and there are images or archives in the folder; name an empty one"
        }
        return nil
    }

    private func step(_ outcome: ProvisionStep.Outcome, _ what: String, _ claim: StoreClaim) -> ProvisionStep {
        ProvisionStep(.store, "identity", outcome, "\(root) \(what) \(Self.identity(claim))")
    }

    private static func identity(_ claim: StoreClaim) -> StoreIdentity {
        StoreIdentity(catalogue: claim.identity.id, place: claim.identity.place)
    }
}

/// What lies in a folder that has no identity yet.
private struct FolderContents {
    private let root: String
    /// Whether nothing lies below `objects` and `shards`; what else is in the folder tells nothing.
    let isEmpty: Bool

    init(root: String) throws(ProvisioningError) {
        self.root = root
        var isEmpty = true
        for folder in ["objects", "shards"] where try !Self.isEmpty("\(root)/\(folder)") { isEmpty = false }
        self.isEmpty = isEmpty
    }

    private static func isEmpty(_ path: String) throws(ProvisioningError) -> Bool {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: path).isEmpty
        } catch CocoaError.fileReadNoSuchFile, CocoaError.fileNoSuchFile {
            return true
        } catch {
            throw ProvisioningError(.unavailable, "cannot list \(path): \(error.localizedDescription)")
        }
    }

    func holds(_ file: RecordedFile) throws(StoreError) -> Bool {
        let (path, bytes): (String, Int) =
            switch file {
            case .archive(let job, let number, let bytes): (try ObjectStore.path(ofShard: job, number: number), bytes)
            case .image(let digest, let bytes): (try ObjectStore.path(of: digest, extension: "png"), bytes)
            }
        var status = stat()
        return lstat("\(root)/\(path)", &status) == 0 && status.st_mode & S_IFMT == S_IFREG
            && Int(status.st_size) == bytes
    }
}
