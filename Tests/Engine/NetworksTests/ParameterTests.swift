// Weights that are listed and replaced by name.

import Processors
import Tensors
import Testing

@testable import Networks

@Suite struct ParameterTests {
    private let device = CPUDevice(threads: 1)

    private func tensor(_ values: [Float], _ shape: [Int]) -> Tensor { Tensor(values, shape: shape, device: device) }

    /// Two layers under `a` and `b`, of a file with an older name.
    private func network() throws -> (scope: WeightScope, layers: [Linear]) {
        let weights = try MadeWeights([
            ("b.bias", [1], [10]), ("a.old.weight", [2, 2, 1, 1], [1, 2, 3, 4]), ("b.weight", [1, 2], [1, 1]),
        ])
        let scope = try weights.scope(device, naming: WeightNaming(rules: [.init(".new.", storedAs: ".old.")]))
        let layers = [Linear(scope / "a" / "new", in: 2, out: 2, bias: false), Linear(scope / "b", in: 2, out: 1)]
        try scope.finish()
        return (scope, layers)
    }

    @Test func theListHasTheFilesNamesInTheOrderOfBuilding() throws {
        let (scope, _) = try network()
        #expect(scope.parameters.map(\.name) == ["a.old.weight", "b.weight", "b.bias"])
        #expect(scope.parameters.map(\.shape) == [[2, 2], [1, 2], [1]])
        #expect(scope.parameters.map(\.storedShape) == [[2, 2, 1, 1], [1, 2], [1]])
        #expect((scope / "b").parameters.map(\.name) == ["b.weight", "b.bias"])
        #expect((scope / "a" / "new").parameters.map(\.name) == ["a.old.weight"])
        #expect(try scope.parameters["b.bias"]?.tensor.floats() == [10] && scope.parameters["bias"] == nil)
    }

    @Test func layersComputeWithWhatReplacedTheirWeights() throws {
        let (scope, layers) = try network()
        let x = tensor([1, 10], [1, 2])
        func results() throws -> [[Float]] { try layers.map { try $0(x).floats() } }
        #expect(try results() == [[21, 43], [21]])
        let parameters = scope.parameters
        let old = try #require(parameters["a.old.weight"]).tensor
        try parameters.replace("a.old.weight", with: tensor([0, 1, 1, 0], [2, 2]))
        try parameters.replace("b.bias", with: tensor([-1], [1]))
        #expect(try results() == [[10, 1], [10]])
        // As the file has it.
        try parameters.replace("a.old.weight", with: tensor([5, 0, 0, 5], [2, 2, 1, 1]))
        #expect(try results() == [[5, 50], [10]] && parameters["a.old.weight"]?.tensor.shape == [2, 2])
        try parameters.replace("a.old.weight", with: old)
        #expect(try results() == [[21, 43], [10]])
    }

    @Test func aTensorThatDoesNotFitIsRefusedInOneLineAndTheOldOneStays() throws {
        let (scope, layers) = try network()
        let parameters = scope.parameters
        func message(_ name: String, _ tensor: Tensor) throws -> String {
            try #require(throws: ParameterError.self) { try parameters.replace(name, with: tensor) }.description
        }
        #expect(
            try message("b.weight", tensor([1, 2], [2, 1])) == "parameter b.weight: expected shape [1, 2], found [2, 1]"
        )
        #expect(
            try message("b.wieght", tensor([1, 2], [1, 2]))
                == "parameter b.wieght: expected one of the network's 3 parameters, found no such name; take names from "
                + "its list")
        let elsewhere = Tensor([1, 2], shape: [1, 2], device: CPUDevice(threads: 1))
        #expect(
            try message("b.weight", elsewhere)
                == "parameter b.weight: expected a tensor on the network's device, found one on another; make it on the "
                + "device of the parameter's tensor")
        #expect(try layers[1](tensor([1, 10], [1, 2])).floats() == [21])
    }

    @Test func layersThatShareATensorShareTheParameter() throws {
        let scope = try MadeWeights([("tied.weight", [1, 1], [3])]).scope(device)
        let layers = (0..<2).map { _ in Linear(scope / "tied", in: 1, out: 1, bias: false) }
        try scope.finish()
        #expect(scope.parameters.count == 1)
        try scope.parameters.replace("tied.weight", with: tensor([7], [1, 1]))
        #expect(try layers.map { try $0(tensor([1], [1, 1])).floats() } == [[7], [7]])
    }

    @Test func readersOnOtherThreadsSeeTheOldTensorOrTheNewOne() async throws {
        let (scope, layers) = try network()
        let (layer, parameter) = (layers[1], try #require(scope.parameters["b.weight"]))
        let (x, choices) = (tensor([1, 10], [1, 2]), [tensor([1, 1], [1, 2]), tensor([2, 2], [1, 2])])
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask { try (0..<2000).allSatisfy { _ in [21, 32].contains(try layer(x).floats()[0]) } }
            }
            group.addTask {
                for index in 0..<2000 { try parameter.replace(with: choices[index % 2]) }
                return true
            }
            for try await isRight in group { #expect(isRight) }
        }
    }
}
