// The numbers of each detector that change its boxes: part of its identity.

/// A detector whose threshold can be chosen, and that lists all of its numbers.
protocol ConfiguredDetector: Detector {
    /// Boxes that are less sure are not reported.
    var threshold: Double { get set }
    /// Each number that changes what it finds, by name, in a fixed order.
    var settings: [String] { get }
}

extension YOLODetector: ConfiguredDetector {
    // The input's size is in the .cfg file, whose hash counts.
    var settings: [String] { ["threshold \(threshold)", "suppression \(suppressionThreshold)"] }
}

extension FasterRCNNDetector: ConfiguredDetector {
    var settings: [String] {
        [
            "shorter side \(shorterSide)", "longer side \(longerSide)",
            "anchors \(anchorSides.map(String.init).joined(separator: " "))", "proposals of a map \(proposalsOfMap)",
            "proposals \(proposals)", "suppression of proposals \(proposalSuppressionThreshold)",
            "threshold \(threshold)", "suppression \(suppressionThreshold)", "limit \(limit)",
        ]
    }
}

extension DenseDetector: ConfiguredDetector {
    var settings: [String] {
        [
            "shorter side \(shorterSide)", "longer side \(longerSide)",
            "candidates of a map \(candidatesOfMap)", "threshold \(threshold)", "suppression \(suppressionThreshold)",
            "limit \(limit)",
        ]
    }
}
