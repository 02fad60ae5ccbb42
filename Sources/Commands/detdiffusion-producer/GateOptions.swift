// The options of a quality gate.

import ArgumentParser
import Console
import Detectors
import Generation
import Layouts
import Processors

/// A gate's rules and its detector.
struct GateOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Rules of a quality gate, JSON (docs/gate.md): images whose easy objects the detector does not find are generated "
                + "again.", valueName: "file"))
    var gate: String?

    @OptionGroup var network: DetectorOptions

    /// The gate that is asked for; `nil` for none.
    func request() throws -> GateRequest? {
        let files = try network.filesIfGiven()
        guard let gate else {
            guard files == nil else {
                throw CommandError(
                    .usage,
                    "--detector: it looks at generated images for a gate; give one with --gate, or drop the option")
            }
            return nil
        }
        guard let files else {
            throw CommandError(.usage, "--gate: expected --detector NAME beside it, found none")
        }
        let rules = try QualityGate(file: gate)
        // Read as workers will read it, so that what they would refuse is said now.
        let identified = try files.identified(on: CPUDevice())
        let count = identified.detector.classes
        return GateRequest(rules: rules, detector: files.kind.rawValue, detectorDigest: identified.digest) {
            try ClassList(of: files.kind, count: count, names: files.names, categories: $0).all.map { $0?.id }
        }
    }
}
