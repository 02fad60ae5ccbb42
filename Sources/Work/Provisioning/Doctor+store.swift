// The store, looked at from a thread that may block on a dead file server.

import Catalogue
import Executors
import Postgres
import Stores

extension Doctor {
    func examineStore() async -> [CheckResult] {
        let site: any StoreSite
        do { site = try subject.store.get() } catch {
            return [CheckResult(.store, "folder", .fail, "\(error)", fix: "set DETDIFFUSION_STORE or give --store")]
        }
        let identity = await catalogueIdentity()
        return await attempt(
            .store, "folder",
            fix: "the file server of \(site.place) does not answer: start it, or mount the folder again"
        ) {
            await StoreThread().inspect(site, identity: identity)
        }
    }

    /// What the object directory has to carry; `nil` where the catalogue cannot say it, which other results explain.
    private func catalogueIdentity() async -> StoreIdentity? {
        do {
            let url = try subject.database.get()
            return try await Deadline.run(limit) { [logger] in
                let catalogue = Catalogue(url: url, applicationName: "detdiffusion doctor", logger: logger)
                let identity = try await catalogue.identity()
                await catalogue.close()
                return StoreIdentity(catalogue: identity.id, place: identity.place)
            }
        } catch {
            return nil
        }
    }
}

private actor StoreThread {
    private let thread = DedicatedThread(name: "store")
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    func inspect(_ site: any StoreSite, identity: StoreIdentity?) -> [CheckResult] {
        StoreInspection(site: site, identity: identity).results()
    }
}
