// The one list of a deployment's queues, as workers, producers and `provision` declare it.

import Broker
import Messaging
import Tasks
import Testing

struct WorkTopologyTests {
    private static let sketch = Capability(rawValue: "sketch")
    private static let names = [
        "detdiffusion.v1.generate.sketch.high", "detdiffusion.v1.generate.sketch", "detdiffusion.v1.pack.archive.high",
        "detdiffusion.v1.pack.archive",
    ]

    @Test func aHandlersQueuesAreMostUrgentFirst() {
        let description = HandlerDescription(
            kind: .generate, capability: Self.sketch, maximumBatch: 1, deviceClass: "none")
        #expect(description.queues.map(\.name) == Array(Self.names.prefix(2)))
    }

    @Test func aGeneratorNeedsItsQueuesAndThoseOfWhatFollows() {
        #expect(WorkTopology(generators: [Self.sketch]).workQueueNames == Self.names)
    }

    @Test func doublesCountOnce() {
        let queues = WorkQueue.lanes(of: .generate, Self.sketch)
        #expect(WorkTopology(queues: queues + FollowUp.packing.queues + queues).workQueueNames == Self.names)
    }

    @Test func onlyProvisioningDeclaresTheWayOfDeadLetters() {
        let topology = WorkTopology(generators: [Self.sketch])
        #expect(topology.declared.queues.map(\.name) == Self.names && topology.declared.bindings.isEmpty)
        #expect(topology.declared.fanoutExchanges == ["detdiffusion.v1.control"])
        #expect(topology.provisioned.queues.map(\.name) == Self.names + ["detdiffusion.v1.dead"])
        #expect(topology.provisioned.fanoutExchanges == ["detdiffusion.v1.control", "detdiffusion.v1.dead"])
        #expect(topology.provisioned.bindings.count == 1)
    }

    @Test func peopleSayQueuesWithoutTheCommonPrefix() {
        #expect(WorkTopology.shortName(Self.names[1]) == "generate.sketch")
        #expect(WorkTopology.shortName("another") == "another")
    }
}
