// The object directory, looked at from a thread that may block on a dead file server.

import Executors

extension Doctor {
    func examineStore() async -> [Finding] {
        let root: String
        do { root = try subject.store.get() } catch {
            return [Finding(.store, "folder", .fail, "\(error)", fix: "set DETDIFFUSION_STORE or give --store")]
        }
        return await attempt(
            .store, "folder", fix: "the file server of \(root) does not answer: start it, or mount the folder again"
        ) {
            await StoreThread().inspect(root)
        }
    }
}

private actor StoreThread {
    private let thread = DedicatedThread(name: "store")
    nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

    func inspect(_ root: String) -> [Finding] { StoreInspection(root: root).findings() }
}
