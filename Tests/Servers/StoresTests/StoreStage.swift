// Every kind of store, with what tests do behind its back.

import Digests
import Fixtures
import Foundation
import Testing

@testable import Stores

/// The kinds of store that keep the contract.
enum StoreKind: String, CaseIterable, CustomTestStringConvertible {
    case folder
    case memory
    /// In memory, and like a server that cannot look at the age and remove in one step.
    case memoryWithGrace
    var testDescription: String { rawValue }
    func stage() throws -> any StoreStage {
        switch self {
        case .folder: try Fixture()
        case .memory: try MemoryStage()
        case .memoryWithGrace: try MemoryStage(graceAge: .seconds(600))
        }
    }
}

/// A place with a store that was opened for ``StoreIdentity/made``; it goes away with the test.
protocol StoreStage: AnyObject {
    /// What the store is opened from.
    var site: any StoreSite { get }
    var opened: any ObjectStore { get }
    /// Lets a file's age count from so long ago.
    func makeOld(_ key: String, seconds: Double) throws
    /// Puts bytes under a key, whatever it is.
    func plant(_ key: String, _ text: String) throws
    /// A place of this kind where no store is.
    func unclaimed() -> any StoreSite
    /// Runs `body` while another catalogue's store, or none, is in the place.
    func replacing(by identity: StoreIdentity?, _ body: () throws -> Void) throws
}

extension StoreStage {
    /// A finished file that can be published.
    func scratchFile(_ text: String) throws -> ScratchFile {
        let file = (opened.scratch ?? .system).newFile()
        try Data(text.utf8).write(to: URL(fileURLWithPath: file.path))
        return file
    }

    /// Publishes a file with this text.
    func publish(_ text: String, as name: ArchiveName) throws {
        try opened.publish(try scratchFile(text), as: name, digest: SHA256.digest(of: text))
    }
}

/// A store in memory.
final class MemoryStage: StoreStage {
    let memory: MemorySite
    let opened: any ObjectStore
    var site: any StoreSite { memory }
    init(graceAge: Duration = .zero) throws {
        memory = MemorySite(graceAge: graceAge)
        try memory.claim(for: .made)
        opened = try memory.open(of: .made, for: .writing)
    }
    func makeOld(_ key: String, seconds: Double) { memory.makeOld(key, by: .seconds(seconds)) }
    func plant(_ key: String, _ text: String) { memory.plant(key, Array(text.utf8)) }
    func unclaimed() -> any StoreSite { MemorySite("elsewhere") }
    func replacing(by identity: StoreIdentity?, _ body: () throws -> Void) throws {
        let own = memory.replace(identity: identity)
        let keys = memory.keys
        try body()
        #expect(memory.keys == keys, "nothing is written or removed")
        memory.replace(identity: own)
    }
}

/// A store in a folder.
final class Fixture: StoreStage {
    let root = NSTemporaryDirectory() + "stores-\(UUID().uuidString)"
    let store: FolderStore
    var site: any StoreSite { FolderSite(root) }
    var opened: any ObjectStore { store }
    init() throws {
        try FolderSite(root).claim(for: .made)
        store = try FolderStore(root: root, of: .made)
    }
    deinit { try? FileManager.default.removeItem(atPath: root) }
    func makeOld(_ key: String, seconds: Double) throws {
        try FileManager.default.setAttributes(
            [.modificationDate: Date(timeIntervalSinceNow: -seconds)], ofItemAtPath: store.absolutePath(of: key))
    }
    func plant(_ key: String, _ text: String) throws {
        let file = URL(fileURLWithPath: "\(root)/\(key)")
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }
    func unclaimed() -> any StoreSite { FolderSite(root + "/tmp/unclaimed") }
    var temporaries: [String] { (try? FileManager.default.contentsOfDirectory(atPath: root + "/tmp")) ?? ["?"] }
    func replacing(by identity: StoreIdentity?, _ body: () throws -> Void) throws {
        _ = try replacing(by: identity, folders: [], body)
    }

    /// Runs `body` while another folder stands in the place of the store, and returns what it holds then.
    func replacing(by identity: StoreIdentity?, folders: [String], _ body: () throws -> Void) throws -> [String] {
        let aside = root + ".aside"
        try FileManager.default.moveItem(atPath: root, toPath: aside)
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        for folder in folders {
            try FileManager.default.createDirectory(atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
        }
        if let identity { try FolderSite(root).claim(for: identity) }
        try body()
        let left = try FileManager.default.subpathsOfDirectory(atPath: root).sorted()
        try FileManager.default.removeItem(atPath: root)
        try FileManager.default.moveItem(atPath: aside, toPath: root)
        return left
    }
}

extension StoreIdentity {
    /// The identity of a catalogue that these tests made up.
    static let made = StoreIdentity(
        catalogue: String(repeating: "0123456789abcdef", count: 2), place: "database made, at nowhere:1")
    /// That of another one.
    static let other = StoreIdentity(
        catalogue: String(repeating: "f", count: 32), place: "database other, at x:2")
}

let abc = Array("abc".utf8)
/// FIPS 180-4's example.
let abcHex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

/// The name of an archive of the job `job`.
func archive(_ number: Int = 0) throws -> ArchiveName { try ArchiveName(job: "job", number: number) }
