// The migrations inside the program are the files of schemas/catalogue.

import CSchemas
import Fixtures
import Foundation
import Testing

struct EmbeddedMigrationTests {
    @Test func exactlyTheFilesOfSchemasCatalogueAreEmbedded() throws {
        let folder = Surroundings.root + "/schemas/catalogue"
        let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        #expect(!files.isEmpty)
        let embedded = (0..<detdiffusion_migration_count()).map { detdiffusion_migration_at($0) }
        #expect(embedded.map { String(cString: $0.name) + ".sql" } == files)
        for (migration, file) in zip(embedded, files) {
            let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
            #expect(String(cString: migration.sql) == text, "\(file) was changed after the build")
        }
    }

    @Test func namesAreNumberedWithoutGaps() {
        for index in 0..<detdiffusion_migration_count() {
            let name = String(cString: detdiffusion_migration_at(index).name)
            let digits = String(index + 1)
            #expect(name.hasPrefix(String(repeating: "0", count: 4 - digits.count) + digits + "_"))
            #expect(name.wholeMatch(of: /\d{4}_[a-z_]+/) != nil)
        }
    }
}
