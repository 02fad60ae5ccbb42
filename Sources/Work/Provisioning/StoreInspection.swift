// Whose a store is, and whether the file system of a folder keeps what a store promises.

import Foundation
import Stores

/// Looks at a store; a folder is tried with one small file. Blocks on the disc.
struct StoreInspection {
    let site: any StoreSite
    /// What the store has to carry; `nil` where the catalogue could not be asked.
    let identity: StoreIdentity?

    func results() -> [CheckResult] {
        guard let folder = site as? FolderSite else { return [identityCheck()] }
        let inspection = FolderInspection(folder: folder)
        if let fault = inspection.fault() { return [fault] }
        let own = identityCheck()
        var results = [CheckResult(.store, "folder", .ok, folder.root), own] + inspection.lookingOnly()
        // What is not the catalogue's is not written to.
        guard own.verdict != .fail else { return results }
        results += inspection.writing()
        results += inspection.space()
        return results
    }

    private func identityCheck() -> CheckResult {
        func result(_ verdict: CheckResult.Verdict, _ found: String, fix: String) -> CheckResult {
            CheckResult(.store, "identity", verdict, found, fix: fix)
        }
        let expected = identity.map { ", expected that of \($0)" } ?? ""
        let found: StoreIdentity?
        do { found = try site.identity() } catch {
            return result(.fail, "\(error)", fix: "let this user read it, or restore it from a backup")
        }
        guard let found else {
            return result(
                .fail, "none\(expected): not mounted, not the right folder, or not provisioned",
                fix: "mount it, correct DETDIFFUSION_STORE, or run `detdiffusion-catalogue provision`")
        }
        guard let identity else {
            return result(
                .warn, "that of \(found), compared with nothing: the catalogue cannot be asked",
                fix: "mend the catalogue first")
        }
        guard found.isSame(as: identity) else {
            return result(.fail, "that of \(found)\(expected)", fix: "correct DETDIFFUSION_STORE or DATABASE_URL")
        }
        return result(.ok, "that of \(identity)", fix: "")
    }
}

/// Looks at a folder that is a store, or may become one.
struct FolderInspection {
    let folder: FolderSite
    private var root: String { folder.root }

    /// Why the folder is none; `nil` where it is one.
    func fault() -> CheckResult? {
        var status = stat()
        guard stat(root, &status) == 0 else {
            let reason = String(cString: strerror(errno))
            return CheckResult(
                .store, "folder", .fail, "\(root): \(reason)",
                fix: "create it, on storage that all workers share, or correct DETDIFFUSION_STORE")
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return CheckResult(.store, "folder", .fail, "\(root) is not a folder", fix: "correct DETDIFFUSION_STORE")
        }
        return nil
    }

    /// What can be said without writing.
    func lookingOnly() -> [CheckResult] { [fileSystem(), oneFileSystem()] }

    private func fileSystem() -> CheckResult {
        let unknown = CheckResult(
            .store, "file system", .warn, "not known: no mount list of this system can be read",
            fix: "look at the mount")
        guard let resolved = realpath(root, nil) else { return unknown }
        defer { free(resolved) }
        guard let mounts = FileManager.default.contents(atPath: "/proc/self/mountinfo") else { return unknown }
        let kind = FileSystemKind(of: String(cString: resolved), mounts: String(decoding: mounts, as: UTF8.self))
        return kind?.result ?? unknown
    }

    /// Renames are atomic within one file system only. Folders that are missing are made by the first worker.
    private func oneFileSystem() -> CheckResult {
        var rootStatus = stat()
        guard stat(root, &rootStatus) == 0 else {
            return CheckResult(
                .store, "temporary files", .warn, String(cString: strerror(errno)), fix: "look at the mount")
        }
        for part in FolderSite.Part.allCases {
            let name = part.rawValue
            var status = stat()
            guard lstat(folder.path(of: part), &status) == 0 else { continue }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                return CheckResult(
                    .store, "temporary files", .fail,
                    "\(name) is a link or a file: nothing in an object directory is followed",
                    fix: "move the folder itself there, or mount it")
            }
            guard status.st_dev == rootStatus.st_dev else {
                return CheckResult(
                    .store, "temporary files", .fail,
                    "\(name)/ is on another file system: a crash leaves half-written files",
                    fix: "mount the whole object directory, not folders in it")
            }
        }
        return CheckResult(.store, "temporary files", .ok, "on the same file system")
    }

    private var workFolder: String {
        var status = stat()
        let isFolder = lstat(folder.path(of: .scratch), &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
        return isFolder ? folder.path(of: .scratch) : root
    }

    /// What the store does for every object, in small: create, fsync, rename over a file that is there, read.
    func writing() -> [CheckResult] {
        let name = "\(workFolder)/.doctor-\(getpid())-\(UInt32.random(in: .min ... .max))", target = name + ".renamed"
        defer {
            unlink(name)
            unlink(target)
        }
        let before = ClockReading.now
        do {
            try Self.create(target, "old")
            try Self.create(name, "new")
        } catch {
            return [CheckResult(.store, "writable", .fail, "\(error)", fix: "let this user write there, or free space")]
        }
        let after = ClockReading.now
        let clock = clockCheck(of: name, before: before, after: after)
        var results = [CheckResult(.store, "writable", .ok, "create and fsync work")]
        for path in [folder.path(of: .objects), folder.path(of: .shards)] where access(path, F_OK) == 0 {
            guard access(path, W_OK) != 0 else { continue }
            results = [
                CheckResult(
                    .store, "writable", .fail, "\(path): \(String(cString: strerror(errno)))",
                    fix: "let this user write there")
            ]
        }
        let isReplaced =
            rename(name, target) == 0 && FileManager.default.contents(atPath: target) == Data("new".utf8)
            && access(name, F_OK) != 0
        results.append(
            isReplaced
                ? CheckResult(.store, "rename", .ok, "replaces a file at once")
                : CheckResult(
                    .store, "rename", .fail,
                    "a rename over a file did not replace it: \(String(cString: strerror(errno)))",
                    fix: "use a POSIX file system; object storage mounted through FUSE often is none"))
        return results + [clock]
    }

    private static func create(_ path: String, _ text: String) throws(ProvisioningError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure("create", path) }
        let bytes = Array(text.utf8)
        let isWritten = write(descriptor, bytes, bytes.count) == bytes.count && fsync(descriptor) == 0
        let problem = isWritten ? nil : failure("write", path)
        guard close(descriptor) == 0, problem == nil else { throw problem ?? failure("close", path) }
    }

    private static func failure(_ action: String, _ path: String) -> ProvisioningError {
        ProvisioningError(.unavailable, "cannot \(action) \(path): \(String(cString: strerror(errno)))")
    }

    private func clockCheck(of path: String, before: Double, after: Double) -> CheckResult {
        var status = stat()
        guard stat(path, &status) == 0 else {
            return CheckResult(.store, "clock", .warn, String(cString: strerror(errno)), fix: "look at the mount")
        }
        let written = Double(status.st_mtim.tv_sec) + Double(status.st_mtim.tv_nsec) * 1e-9
        // Kernels stamp files with a clock that ticks every few milliseconds, some file systems with whole seconds.
        let difference = ClockReading.difference(of: written, before: before - 1, after: after)
        let seconds = (abs(difference) * 10).rounded() / 10
        guard seconds >= 0.1 else { return CheckResult(.store, "clock", .ok, "as this host's") }
        return CheckResult(
            .store, "clock", seconds > 60 ? .warn : .ok,
            "\(seconds) s \(difference > 0 ? "ahead of" : "behind") this host's",
            fix: "synchronize the clocks of file server and host (NTP): files are removed by age")
    }

    func space() -> [CheckResult] {
        var status = statvfs()
        guard statvfs(root, &status) == 0 else {
            return [
                CheckResult(.store, "free space", .warn, String(cString: strerror(errno)), fix: "look at the mount")
            ]
        }
        let free = Int(
            clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue)
        return [StoreJudgement.space(free: free, files: status.f_files == 0 ? nil : Int(clamping: status.f_favail))]
    }
}

/// What numbers of a file system mean; pure.
enum StoreJudgement {
    /// - Parameters:
    ///   - free: bytes that this user may still write.
    ///   - files: files that may still be made; nil where the file system has no limit.
    static func space(free: Int, files: Int?) -> CheckResult {
        let amount = "\(free / 1_000_000_000).\(free / 100_000_000 % 10) GB" + (files.map { ", \($0) files" } ?? "")
        let fix =
            "free space, `detdiffusion-catalogue gc` removes objects that finished shards hold, or use a larger disc"
        if free < 1_000_000_000 || (files ?? .max) < 1_000 {
            return CheckResult(
                .store, "free space", .fail, "\(amount), expected at least 1 GB and 1000 files", fix: fix)
        }
        let isLow = free < 10_000_000_000 || (files ?? .max) < 100_000
        return CheckResult(.store, "free space", isLow ? .warn : .ok, amount, fix: fix)
    }
}
