// Export folders replace what is theirs and nothing else.

import Files
import Foundation
import Testing

@testable import Exports

@Suite struct ExportFolderTests {
    private static let marker = #"{"format":"detdiffusion.export.coco.v1","job":"made"}"#
    private static let first = "made-000000000001-0.png"
    private static let second = "made-000000000002-0.png"

    private func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder)
    }

    private func export(to path: String, image: String = first) throws {
        let folder = try ExportFolder(path, form: .coco)
        _ = try folder.makeFolder("images")
        try Made.write("p", to: "\(folder.partial.path)/images/\(image)")
        try Made.write("{}", to: "\(folder.partial.path)/annotations.json")
        try Made.write(Self.marker, to: "\(folder.partial.path)/export.manifest")
        try folder.commit()
    }

    @Test func anEarlierExportIsReplacedAndNothingIsLeftBesideOrWithin() throws {
        try Made.withFolder { parent in
            try export(to: "\(parent)/out")
            try export(to: "\(parent)/out/", image: Self.second)
            #expect(try names(in: "\(parent)/out/images") == [Self.second])
            #expect(try names(in: parent) == ["out"])
            #expect(try names(in: "\(parent)/out").sorted() == ["annotations.json", "export.manifest", "images"])
        }
    }

    @Test func anExportOfAnEarlierVersionIsReplaced() throws {
        try Made.withFolder { out in
            try FileManager.default.createDirectory(atPath: "\(out)/images", withIntermediateDirectories: false)
            for name in ["000000000001-0.png", "0000000000-5-0.png"] {
                try Made.write("p", to: "\(out)/images/\(name)")
            }
            try Made.write("{}", to: "\(out)/annotations.json")
            try Made.write(Self.marker, to: "\(out)/export.json")
            try export(to: out)
            #expect(try names(in: out).sorted() == ["annotations.json", "export.manifest", "images"])
            #expect(try names(in: "\(out)/images") == [Self.first])
        }
    }

    /// A mount point cannot be renamed, and a folder that somebody stands in must not go: the destination stays itself.
    @Test func theDestinationStaysTheFolderThatItIs() throws {
        try Made.withFolder { parent in
            let out = "\(parent)/out"
            try FileManager.default.createDirectory(atPath: "\(out)/lost+found", withIntermediateDirectories: true)
            var (before, after) = (stat(), stat())
            #expect(stat(out, &before) == 0)
            for image in [Self.first, Self.second] { try export(to: out, image: image) }
            #expect(stat(out, &after) == 0)
            #expect(before.st_ino == after.st_ino && before.st_dev == after.st_dev)
            #expect(try names(in: out).contains("lost+found"))
            #expect(try names(in: "\(out)/images") == [Self.second])
        }
    }

    @Test func anExportThatFailsLeavesItsDestinationAsItWas() throws {
        try Made.withFolder { parent in
            try ExportFolder("\(parent)/new", form: .coco).discard()
            #expect(try names(in: parent).isEmpty)
            try export(to: "\(parent)/out")
            let folder = try ExportFolder("\(parent)/out", form: .coco)
            try Made.write("half", to: "\(folder.partial.path)/annotations.json")
            folder.discard()
            #expect(try names(in: "\(parent)/out").sorted() == ["annotations.json", "export.manifest", "images"])
            #expect(try Made.read("\(parent)/out/annotations.json") == "{}")
        }
    }

    @Test func aWorkFolderOfSomebodyElseIsRefused() throws {
        try Made.withFolder { parent in
            let (out, theirs) = ("\(parent)/out", "\(parent)/theirs")
            for path in [out, theirs] {
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            }
            try Made.write("mine", to: "\(theirs)/notes.txt")
            #expect(symlink(theirs, "\(out)/\(ExportFolder.workName)") == 0)
            #expect(throws: ExportError.self) { try export(to: out) }
            #expect(unlink("\(out)/\(ExportFolder.workName)") == 0)
            try FileManager.default.moveItem(atPath: theirs, toPath: "\(out)/\(ExportFolder.workName)")
            let error = #expect(throws: ExportError.self) { try export(to: out) }
            #expect(error?.description.contains("notes.txt") == true)
            #expect(try Made.read("\(out)/\(ExportFolder.workName)/notes.txt") == "mine")
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

    @Test(arguments: [
        "notes.txt", "images/holiday.png", "images/made-000000000001-0.jpg", "images/other-000000000001-0.png",
    ])
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
            try Made.write("{}", to: "\(out)/export.manifest")
            #expect(throws: ExportError.self) { try export(to: out) }
            try Made.write(
                Self.marker.replacingOccurrences(of: "coco", with: "webdataset"), to: "\(out)/export.manifest")
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

    /// The entries of a complete export, whose image says which.
    private func isWhole(_ out: String, image: String) throws -> Bool {
        try names(in: out).filter { $0 != ExportFolder.workName }.sorted() == [
            "annotations.json", "export.manifest", "images",
        ]
            && names(in: "\(out)/images") == [image]
    }

    /// Every rename of an exchange may be the one that fails: the earlier export is there again afterwards.
    @Test(arguments: 0..<7) func aFailedExchangePutsTheEarlierExportBack(failing: Int) throws {
        try Made.withFolder { parent in
            let out = "\(parent)/out"
            try export(to: out)
            let folder = try ExportFolder(out, form: .coco)
            _ = try folder.makeFolder("images")
            try Made.write("p", to: "\(folder.partial.path)/images/\(Self.second)")
            try Made.write("{}", to: "\(folder.partial.path)/annotations.json")
            try Made.write(Self.marker, to: "\(folder.partial.path)/export.manifest")
            var moves = 0
            folder.mayMove = {
                moves += 1
                return moves != failing + 1
            }
            let error = #expect(throws: ExportError.self) { try folder.commit() }
            #expect(error?.code == .destination && error?.description.contains("rename ") == true)
            folder.discard()
            #expect(try isWhole(out, image: Self.first))
            #expect(try names(in: parent) == ["out"])
            #expect(!FileManager.default.fileExists(atPath: "\(out)/\(ExportFolder.workName)"))
        }
    }

    /// A process that ends after any of the renames leaves something that the next run puts right.
    @Test(arguments: 0...7) func aKilledExchangeIsUndoneOrCompletedByTheNextRun(moves: Int) throws {
        try Made.withFolder { parent in
            let out = "\(parent)/out"
            try export(to: out)
            do {
                let folder = try ExportFolder(out, form: .coco)
                _ = try folder.makeFolder("images")
                try Made.write("p", to: "\(folder.partial.path)/images/\(Self.second)")
                try Made.write("{}", to: "\(folder.partial.path)/annotations.json")
                try Made.write(Self.marker, to: "\(folder.partial.path)/export.manifest")
                var done = 0
                // From the kill on nothing moves any more, and so nothing is undone either.
                folder.mayMove = {
                    done += 1
                    return done <= moves
                }
                let error = moves < 7 ? #expect(throws: ExportError.self) { try folder.commit() } : nil
                if moves == 7 { try folder.commit() }
                if moves > 0, moves < 7 {
                    #expect(error?.description.contains("it is kept in \(out)/\(ExportFolder.workName)") == true)
                }
            }
            try ExportFolder(out, form: .coco).discard()
            #expect(try isWhole(out, image: moves == 7 ? Self.second : Self.first))
            #expect(try names(in: parent) == ["out"])
        }
    }

    @Test func whatAKilledRunLeftIsRemoved() throws {
        try Made.withFolder { parent in
            let work = "\(parent)/out/\(ExportFolder.workName)"
            try FileManager.default.createDirectory(atPath: "\(work)/new/images", withIntermediateDirectories: true)
            try Made.write("", to: "\(work)/detdiffusion")
            try Made.write("half", to: "\(work)/new/images/made-000000000009-0.png")
            try export(to: "\(parent)/out")
            #expect(try isWhole("\(parent)/out", image: Self.first))
            #expect(try names(in: "\(parent)/out").count == 3)
        }
    }
}
