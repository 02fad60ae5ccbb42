// Generating until a gate lets an image pass.

import Digests
import Layouts
import Pixels
import Tasks

/// An image, and what the job's gate found out about it.
struct JudgedImage: Sendable {
    var image: Image
    /// `nil` where the job has no gate.
    var judgement: ImageJudgement?
}

/// Makes images with a generator, lets a detector look at each, and makes those that do not pass again from their next seeds.
///
/// An image depends on its task and the specification alone, as with any generator: each try has a seed of its own, and the
/// first that passes is the image; where none does, the first of those in which most was found.
struct GatedGenerator: Sendable {
    let generator: any Generator
    let judge: any ImageJudge

    func generate(
        _ tasks: [LayoutTask], specification: GenerateSpecification, gate: GateSpecification
    ) async throws -> [Result<JudgedImage, GenerationFailure>] {
        guard gate.detectorDigest == judge.digest else {
            let failure = GenerationFailure(
                "gate: expected a job of detector \(judge.digest.hex), found one of \(gate.detectorDigest.hex)",
                isPermanent: true)
            return tasks.map { _ in .failure(failure) }
        }
        var results: [Result<JudgedImage, GenerationFailure>?] = tasks.map { _ in nil }
        var open = Array(tasks.indices)
        for retry in 0...gate.rules.retries where !open.isEmpty {
            let tries = open.map { tasks[$0].retried(retry) }
            let made = try await judged(tries, retry: retry, specification, gate)
            for (place, result) in zip(open, made) { results[place] = Self.better(results[place], result) }
            open.removeAll { results[$0]?.isSettled ?? false }
        }
        return results.compactMap { $0 }
    }

    private func judged(
        _ tasks: [LayoutTask], retry: Int, _ specification: GenerateSpecification, _ gate: GateSpecification
    ) async throws -> [Result<JudgedImage, GenerationFailure>] {
        let made = try await generator.generate(tasks, specification: specification)
        guard made.count == tasks.count else {
            throw GenerationFailure(
                "generator \(generator.describe().name): expected \(tasks.count) images, found \(made.count)",
                isPermanent: false)
        }
        let detections = try await judge.detections(in: made.compactMap { try? $0.get() }, classes: gate.classes)
        var rest = detections[...]
        return zip(tasks, made).map { task, result in
            result.map { image in
                let found = gate.rules.judge(
                    task.layout, inWidth: image.width, height: image.height, detections: rest.removeFirst())
                return JudgedImage(
                    image: image,
                    judgement: ImageJudgement(
                        gate: gate.rules, layout: task.layout, retry: retry, seed: task.seed, objects: found))
            }
        }
    }

    /// The image of two tries. A try that failed fails the task: which image it is must not depend on luck.
    private static func better(
        _ before: Result<JudgedImage, GenerationFailure>?, _ now: Result<JudgedImage, GenerationFailure>
    ) -> Result<JudgedImage, GenerationFailure> {
        guard case .success(let first)? = before, case .success(let second) = now else { return now }
        let (old, new) = (first.judgement?.recall ?? 0, second.judgement?.recall ?? 0)
        return new > old ? now : .success(first)
    }
}

extension Result where Success == JudgedImage, Failure == GenerationFailure {
    /// Whether no further try can change it.
    fileprivate var isSettled: Bool {
        switch self {
        case .success(let image): image.judgement?.isPassed ?? true
        case .failure: true
        }
    }
}
