// `sheet`: a picture of what a job generated.

import ArgumentParser
import Catalogue
import Console
import Exports
import Files
import Pixels
import Stores

struct SheetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sheet",
        abstract: "Draws a contact sheet: images of a job with boxes and names; easy green, hard red, background gray.")

    @Option(help: ArgumentHelp("The job.", valueName: "name")) var job: String
    @Option(help: ArgumentHelp("The PNG to write.", valueName: "file")) var out: String
    @Option(help: ArgumentHelp("Images, spread evenly over the job.", valueName: "n")) var count = 24
    @Option(help: ArgumentHelp("Images in a row.", valueName: "n")) var columns = 6
    @OptionGroup var objects: StoreOptions
    @OptionGroup var options: CatalogueOptions

    func run() async throws {
        try await reporting("detdiffusion-catalogue") {
            guard (1...400).contains(count), (1...40).contains(columns) else {
                throw CommandError(
                    .usage, "--count and --columns: expected 1 to 400 and 1 to 40, found \(count) and \(columns)")
            }
            _ = try objects.site()
            let catalogue = try await options.open()
            let store = try await objects.open(of: catalogue, for: .reading)
            let sheet = try await exporting {
                try await JobSheet(count: count, columns: columns, catalogue: catalogue, store: store).draw(job: job)
            }
            let png = try sheet.png()
            do throws(FileFailure) {
                try WholeFile.write(png, to: out)
            } catch {
                throw CommandError(.cannotWrite, error.line)
            }
            tell("\(out)  \(sheet.width)x\(sheet.height)")
        }
    }
}
