// Making a place the store of a catalogue, once, and leaving it so ever after.

public import Catalogue
import Postgres
public import Stores

/// Gives a folder, or another place of a store, the identity of a catalogue, or refuses it.
///
/// An object directory of an earlier version has no identity: it is adopted when it holds what the catalogue recorded.
/// A new folder is taken only for a catalogue that never had one, since an empty folder in place of the real one would
/// look like the loss of everything.
public struct StoreProvision: Sendable {
    private let catalogue: Catalogue
    private let site: any StoreSite
    private let adopts: Bool
    private let isDryRun: Bool

    /// - Parameters:
    ///   - site: the place; a folder is made where it is missing.
    ///   - adopts: whether a folder is taken that does not show that it is the catalogue's; never another catalogue's.
    ///   - isDryRun: whether to change nothing.
    public init(catalogue: Catalogue, site: any StoreSite, adopts: Bool = false, isDryRun: Bool = false) {
        self.catalogue = catalogue
        self.site = site
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
                let isNew = try site.claim(for: Self.identity(claim))
                return step(isNew ? .done : .present, isNew ? "now belongs to" : "belongs to", claim)
            }
        } catch let error as PostgresError where error.sqlstate == "42501" {
            return .storeLeft("this user may not change the catalogue's identity (\(error.description))")
        }
    }

    /// - Returns: the step when the identity is there; `nil` when it may be written.
    private func judge(_ claim: StoreClaim) throws -> ProvisionStep? {
        let identity = Self.identity(claim)
        if let found = try site.identity() {
            guard found.isSame(as: identity) else {
                throw ProvisioningError(
                    .contradiction,
                    "cannot make \(site.place) the object directory of \(identity): found that of \(found); name another folder, or "
                        + "correct --database-url")
            }
            return step(.present, "belongs to", claim)
        }
        guard !adopts else { return nil }
        for file in claim.recorded where try file.isHeld(by: site) { return nil }
        if let objection = objection(isEmpty: try site.isEmpty(), claim) {
            throw ProvisioningError(
                .contradiction,
                "cannot make \(site.place) the object directory of \(identity): \(objection); --adopt-store takes it nevertheless"
            )
        }
        return nil
    }

    private func objection(isEmpty: Bool, _ claim: StoreClaim) -> String? {
        if !claim.recorded.isEmpty {
            return "expected archives and images that it recorded, found "
                + (isEmpty ? "none" : "others") + "; mount it, or name the folder that the workers used"
        }
        if claim.isProvisioned {
            return "expected the one that was provisioned before, found a folder without identity; mount it, or name it"
        }
        if !isEmpty {
            return "it recorded no image yet, and there are images or archives in the folder; name an empty one"
        }
        return nil
    }

    private func step(_ outcome: ProvisionStep.Outcome, _ what: String, _ claim: StoreClaim) -> ProvisionStep {
        ProvisionStep(.store, "identity", outcome, "\(site.place) \(what) \(Self.identity(claim))")
    }

    private static func identity(_ claim: StoreClaim) -> StoreIdentity {
        StoreIdentity(catalogue: claim.identity.id, place: claim.identity.place)
    }
}

extension RecordedFile {
    /// Whether the store here has it, of that size.
    fileprivate func isHeld(by site: any StoreSite) throws(StoreError) -> Bool {
        switch self {
        case .archive(let job, let number, let bytes):
            try site.holds(.archive(try ArchiveName(job: job, number: number)), size: bytes)
        case .image(let digest, let bytes):
            try site.holds(.object(try ObjectName(digest, extension: "png")), size: bytes)
        }
    }
}
