// The solver against diffusers' own, over every supported variant; solver_golden.py says how the cases were made.

import Foundation
import Testing

@testable import Diffusion

@Suite struct DPMSolverTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let configuration: SchedulerConfiguration
        let steps: Int
        let timesteps: [Int]
        let states: [Int: [Float]]
        var testDescription: String { "\(steps) steps of \(name)" }
    }

    static func cases() throws -> [Case] {
        let data = try Data(contentsOf: Golden.folder.appending(path: "solver.json"))
        let values = try #require(try JSONSerialization.jsonObject(with: data) as? [[String: Any]])
        return try values.map { value in
            let configuration = try JSONSerialization.data(
                withJSONObject: try #require(value["configuration"]), options: .sortedKeys)
            let states = try #require(value["states"] as? [String: [Double]])
            return Case(
                name: String(decoding: configuration, as: UTF8.self).prefix(200).description,
                configuration: try SchedulerConfiguration(json: Array(configuration), path: "solver.json"),
                steps: try #require(value["steps"] as? Int),
                timesteps: try #require(value["timesteps"] as? [Int]),
                states: Dictionary(uniqueKeysWithValues: states.map { (Int($0.key)!, $0.value.map { Float($0) }) }))
        }
    }

    /// The formula that stands for a network.
    static func model(_ latents: [Float], _ timestep: Int) -> [Float] {
        latents.enumerated().map { index, value in
            let x = Double(value)
            let pattern = Double((37 * index) % 11 - 5) / 10
            return Float((0.5 + Double(timestep) / 1000) * x / (1 + abs(x)) + pattern)
        }
    }

    static func relativeError(_ found: [Float], _ expected: [Float]) -> Double {
        let squares = zip(found, expected).map { pow(Double($0) - Double($1), 2) }.reduce(0, +)
        return (squares / expected.map { pow(Double($0), 2) }.reduce(0, +)).squareRoot()
    }

    @Test func `Trajectories of all variants are those of diffusers`() throws {
        let cases = try Self.cases()
        #expect(cases.count > 60)
        for item in cases {
            var solver = DPMSolver(item.configuration, steps: item.steps)
            let shown = item.timesteps.count == item.steps
            let ends = Array(solver.timesteps.prefix(5) + solver.timesteps.suffix(5))
            #expect((shown ? solver.timesteps : ends) == item.timesteps, "\(item.testDescription)")
            var latents = (0..<6).map { Float((29 * $0) % 17 - 8) / 5 }
            for (index, timestep) in solver.timesteps.enumerated() {
                latents = solver.step(modelOutput: Self.model(latents, timestep), latents: latents)
                guard let expected = item.states[index + 1] else { continue }
                let error = Self.relativeError(latents, expected)
                #expect(error <= 1e-6, "\(item.testDescription), after step \(index + 1): \(error)")
            }
        }
    }

    @Test func `Fifty steps of an older configuration begin at 999, 979, 959`() {
        let solver = DPMSolver(SchedulerConfiguration(), steps: 50)
        #expect(solver.timesteps.prefix(3) == [999, 979, 959])
        #expect(solver.timesteps.last == 20)
        #expect(solver.initialNoiseScale == 1)
    }

    @Test(arguments: SchedulerConfiguration.Spacing.allCases)
    func `Every number of steps gives that many falling timesteps`(spacing: SchedulerConfiguration.Spacing) {
        var configuration = SchedulerConfiguration()
        configuration.spacing = spacing
        for steps in configuration.stepsRange {
            let timesteps = DPMSolver(configuration, steps: steps).timesteps
            #expect(timesteps.count == steps)
            #expect(zip(timesteps, timesteps.dropFirst()).allSatisfy { $0 > $1 }, "\(steps) steps")
            #expect(timesteps.allSatisfy { (0..<1000).contains($0) }, "\(steps) steps")
        }
    }

    @Test(arguments: SchedulerConfiguration.SolverType.allCases, 1...3)
    func `A last timestep at the final sigma leaves numbers`(type: SchedulerConfiguration.SolverType, order: Int) {
        var configuration = SchedulerConfiguration()
        (configuration.solverType, configuration.order) = (type, order)
        (configuration.spacing, configuration.finalSigma) = (.trailing, .minimum)
        var solver = DPMSolver(configuration, steps: 999)
        var latents: [Float] = [1, -0.5]
        for timestep in solver.timesteps {
            latents = solver.step(modelOutput: Self.model(latents, timestep), latents: latents)
        }
        #expect(latents.allSatisfy { $0.isFinite })
    }

    @Test func `A perfect prediction of the noise gives the clean latents back`() {
        var configuration = SchedulerConfiguration()
        configuration.betaSchedule = .scaledLinear
        (configuration.firstBeta, configuration.lastBeta) = (0.00085, 0.012)
        let schedule = NoiseSchedule(configuration)
        let clean: [Float] = [0.25, -1.5, 3]
        var solver = DPMSolver(configuration, steps: 25)
        var latents: [Float] = [1, 2, -1]
        for timestep in solver.timesteps {
            let alpha = Double(schedule.cumulativeAlphas[timestep])
            let noise = zip(latents, clean).map { x, x0 in
                Float((Double(x) - alpha.squareRoot() * Double(x0)) / (1 - alpha).squareRoot())
            }
            latents = solver.step(modelOutput: noise, latents: latents)
        }
        #expect(Self.relativeError(latents, clean) < 1e-5)
    }
}
