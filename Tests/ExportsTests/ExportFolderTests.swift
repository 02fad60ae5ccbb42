// Export folders replace what is theirs and nothing else.

import Foundation
import Testing

@testable import Exports

@Suite struct ExportFolderTests {
    private static let marker = #"{"format":"detdiffusion.export.coco.v1"}"#

    private func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder)
    }

    private func export(to path: String, image: String = "000000000001-0.png") throws {
        let folder = try ExportFolder(path, form: .coco)
        try ExportFolder.makeFolder("\(folder.partial)/images")
        try Made.write("p", to: "\(folder.partial)/images/\(image)")
        try Made.write("{}", to: "\(folder.partial)/annotations.json")
        try Made.write(Self.marker, to: "\(folder.partial)/export.json")
        try folder.commit()
    }

    @Test func anEarlierExportIsReplacedAndNothingIsLeftBeside() throws {
        try Made.withFolder { parent in
            try export(to: "\(parent)/out")
            try export(to: "\(parent)/out/", image: "000000000002-0.png")
            #expect(try names(in: "\(parent)/out/images") == ["000000000002-0.png"])
            #expect(try names(in: parent) == ["out"])
        }
    }

    @Test func missingParentsAndEmptyFoldersAreTaken() throws {
        try Made.withFolder { parent in
            try FileManager.default.createDirectory(atPath: "\(parent)/empty", withIntermediateDirectories: true)
            try export(to: "\(parent)/empty")
            try export(to: "\(parent)/a/b/out")
            #expect(FileManager.default.fileExists(atPath: "\(parent)/a/b/out/annotations.json"))
        }
    }

    @Test(arguments: ["notes.txt", "images/holiday.png", "images/000000000001-0.jpg"])
    func foreignFilesInAnEarlierExportAreRefused(name: String) throws {
        try Made.withFolder { parent in
            try export(to: "\(parent)/out")
            try Made.write("mine", to: "\(parent)/out/\(name)")
            let error = #expect(throws: ExportError.self) { try export(to: "\(parent)/out") }
            #expect(error?.code == .destination)
            #expect(error?.description.contains(name) == true)
            #expect(try Made.read("\(parent)/out/\(name)") == "mine")
        }
    }

    @Test func foldersThatOnlyLookLikeAnExportAreRefused() throws {
        try Made.withFolder { parent in
            let out = "\(parent)/out"
            try FileManager.default.createDirectory(atPath: "\(out)/images", withIntermediateDirectories: true)
            try Made.write("{}", to: "\(out)/annotations.json")
            #expect(throws: ExportError.self) { try export(to: out) }
            try Made.write("{}", to: "\(out)/export.json")
            #expect(throws: ExportError.self) { try export(to: out) }
            try Made.write(Self.marker.replacingOccurrences(of: "coco", with: "webdataset"), to: "\(out)/export.json")
            #expect(throws: ExportError.self) { try export(to: out) }
            try Made.write("a file", to: "\(parent)/file")
            #expect(throws: ExportError.self) { try export(to: "\(parent)/file") }
        }
    }

    @Test func aSecondRunToTheSameFolderIsRefusedWhileTheFirstWrites() throws {
        try Made.withFolder { parent in
            let first = try ExportFolder("\(parent)/out", form: .coco)
            let error = #expect(throws: ExportError.self) { try export(to: "\(parent)/out") }
            #expect(error?.description.contains("another export") == true)
            first.discard()
        }
    }

    @Test func anEarlierExportThatCannotBePutBackIsNamedAndKept() throws {
        try Made.withFolder { parent in
            try export(to: "\(parent)/out")
            let folder = try ExportFolder("\(parent)/out", form: .coco)
            try Made.write(Self.marker, to: "\(folder.partial)/export.json")
            folder.move = { from, to in
                guard to == "\(parent)/out" else { return rename(from, to) }
                errno = EIO
                return -1
            }
            let error = try #require(throws: ExportError.self) { try folder.commit() }
            folder.discard()
            #expect(error.code == .destination)
            for word in [
                "rename \(parent)/.out.partial to \(parent)/out", "it is kept at \(parent)/.out.partial-replaced",
            ] {
                #expect(error.description.contains(word), "\(error)")
            }
            #expect(!error.description.contains("\n"))
            // The next run puts it back before it begins, and a run that fails leaves it there.
            try ExportFolder("\(parent)/out", form: .coco).discard()
            #expect(try names(in: "\(parent)/out/images") == ["000000000001-0.png"])
            #expect(try names(in: parent) == ["out"])
        }
    }

    @Test func whatAKilledCommitReplacedIsPutBackOrRemoved() throws {
        try Made.withFolder { parent in
            let (out, replaced) = ("\(parent)/out", "\(parent)/.out.partial-replaced")
            // Killed between the two moves.
            try export(to: out)
            try FileManager.default.moveItem(atPath: out, toPath: replaced)
            try ExportFolder(out, form: .coco).discard()
            #expect(try names(in: "\(out)/images") == ["000000000001-0.png"])
            // An empty folder at the destination takes nobody's place.
            try FileManager.default.moveItem(atPath: out, toPath: replaced)
            try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: false)
            try ExportFolder(out, form: .coco).discard()
            #expect(try names(in: "\(out)/images") == ["000000000001-0.png"])
            // Killed after them.
            try FileManager.default.copyItem(atPath: out, toPath: replaced)
            try export(to: out, image: "000000000002-0.png")
            #expect(try names(in: "\(out)/images") == ["000000000002-0.png"])
            #expect(try names(in: parent) == ["out"])
        }
    }

    @Test func whatAKilledRunLeftIsRemoved() throws {
        try Made.withFolder { parent in
            try FileManager.default.createDirectory(
                atPath: "\(parent)/.out.partial/images", withIntermediateDirectories: true)
            try Made.write("half", to: "\(parent)/.out.partial/images/000000000009-0.png")
            try export(to: "\(parent)/out")
            #expect(try names(in: "\(parent)/out/images") == ["000000000001-0.png"])
        }
    }
}
