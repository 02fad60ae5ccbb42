// Times the engine: one JSON object per line. Built only with DETDIFFUSION_ENGINE_BENCH set.
//
// engine-bench layers ROWSxCOLUMNS [--threads N] [--runs N]
// engine-bench image CHECKPOINT ROWSxCOLUMNS [--threads N] [--steps N] [--batch N]

import Foundation

@main
enum EngineBench {
    static func main() throws {
        var words = Array(CommandLine.arguments.dropFirst())
        var options: [String: Int] = [:]
        while let index = words.firstIndex(where: { $0.hasPrefix("--") }), index + 1 < words.count {
            options[words[index]] = Int(words[index + 1])
            words.removeSubrange(index...index + 1)
        }
        let sides = (words.last ?? "").split(separator: "x").compactMap { Int($0) }
        guard sides.count == 2, words.count == (words[0] == "image" ? 3 : 2) else {
            print("engine-bench layers ROWSxCOLUMNS | image CHECKPOINT ROWSxCOLUMNS; sides of the latents")
            exit(64)
        }
        if words[0] == "image" {
            try ImageTimes.run(
                folder: words[1], rows: sides[0], columns: sides[1], batch: options["--batch"] ?? 1,
                steps: options["--steps"] ?? 3, threads: options["--threads"])
        } else {
            LayerTimes.run(
                rows: sides[0], columns: sides[1], threads: options["--threads"], runs: options["--runs"] ?? 5)
        }
    }
}
