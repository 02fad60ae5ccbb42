// Names and their keys: the same in every store, and none that leads elsewhere.

import Digests
import Foundation
import Testing

@testable import Stores

@Suite struct StoreNameTests {
    @Test func anArchivesKeyHoldsItsJobAndNumber() throws {
        let key = try ArchiveName(job: "val-2017.easy", number: 12).key
        #expect(key == "shards/val-2017.easy/val-2017.easy-000012.tar")
        #expect(try ArchiveName(job: "a", number: 1_234_567).key == "shards/a/a-1234567.tar")
    }

    @Test(arguments: [
        "", "../up", "a/b", ".hidden", "-x", "a b", "a\n", "\u{00E9}", String(repeating: "a", count: 101),
    ])
    func jobsThatWouldLeadElsewhereAreRefused(job: String) {
        let error = #expect(throws: StoreError.self) { try ArchiveName(job: job, number: 0) }
        #expect(error?.code == .invalid)
    }

    @Test func aNegativeShardHasNoArchive() {
        let error = #expect(throws: StoreError.self) { try ArchiveName(job: "job", number: -7) }
        #expect(error?.code == .invalid)
    }

    @Test(arguments: ["", "PNG", "a/b", "..", "p ng", "abcdefghijklmnopq"]) func extensionsAreChecked(name: String) {
        let error = #expect(throws: StoreError.self) { try ObjectName(SHA256.digest(of: abc), extension: name) }
        #expect(error?.code == .invalid)
    }

    @Test(arguments: [
        "../../secret.txt", "/dev/zero", "shards/job/job-000001.tar", "shards/other/other-000000.tar",
        "shards/job/../job/job-000000.tar", "shards/job/job-000000.tar\u{1B}[2J", "",
    ])
    func aRecordedPathIsThatOfItsJobAndNumber(recorded: String) throws {
        let error = #expect(throws: StoreError.self) { try ArchiveName(job: "job", number: 0, recorded: recorded) }
        #expect(error?.code == .invalid && error?.description.contains("shards/job/job-000000.tar") == true)
        #expect(error?.description.unicodeScalars.allSatisfy { $0.value >= 0x20 } == true)
        let name = try ArchiveName(job: "job", number: 0, recorded: "shards/job/job-000000.tar")
        #expect(try name == archive())
    }

    @Test func keysAndNamesAreOneToOne() throws {
        for name in [
            StoreName.object(try ObjectName(SHA256.digest(of: abc), extension: "png")), .archive(try archive(7)),
            .archive(try ArchiveName(job: "a-000001.tar", number: 1_234_567)),
        ] {
            #expect(StoreName(key: name.key) == name)
        }
        for key in [
            "", "objects", "tmp/x", "shards/job/../job/job-000000.tar", "shards/../shards/job-000000.tar",
            "shards/job/job-0.tar", "shards/job/other-000000.tar", "/shards/job/job-000000.tar",
            "objects/ba/\(abcHex).png", "objects/BA/\(abcHex.dropFirst(2)).png", "objects/ba/\(abcHex.dropFirst(2))",
            "shards/job/job-99999999999999999999.tar",
        ] {
            #expect(StoreName(key: key) == nil, "\(key)")
        }
    }

    @Test func aSettingIsAFolderAndNoAddressOfAnotherScheme() throws {
        for (text, place) in [("/a/b/", "/a/b"), ("/a/../c", "/c"), ("./s3://x", nil), ("s3:/x", nil)] {
            let site = try #require(try StoreSites.site(named: text) as? FolderSite)
            #expect(site.root.hasPrefix("/") && (place == nil || site.place == place))
        }
        for text in ["s3://bucket/prefix", "file:///data", "HTTPS://host/x"] {
            let error = #expect(throws: StoreError.self) { try StoreSites.site(named: text) }
            #expect(error?.code == .invalid && error?.description.contains("'\(text.prefix { $0 != ":" })'") == true)
            #expect(error?.description.contains(text) == true && error?.description.contains("\n") == false)
        }
    }
}
