// What facts mean, without servers.

import JSON
import Messaging
import Postgres
import Tasks
import Testing

@testable import Provisioning

@Suite struct JudgementTests {
    @Test func settingsThatLoseWorkFailEachByItself() {
        let good = DatabaseSettings(user: "u", version: "15.20", versionNumber: 150_020)
        #expect(good.results.notOK == [])
        func failing(_ change: (inout DatabaseSettings) -> Void) -> [String] {
            var settings = good
            change(&settings)
            return settings.results.filter { $0.verdict == .fail && $0.fix != nil }.map(\.check)
        }
        #expect(failing { $0.fsync = "off" } == ["fsync"])
        #expect(failing { $0.fullPageWrites = "off" } == ["full_page_writes"])
        #expect(failing { $0.synchronousCommit = "off" } == ["synchronous_commit"])
        #expect(failing { $0.versionNumber = 120_017 } == ["version"])
        #expect(failing { $0.isStandby = true } == ["writable"])
        #expect(failing { $0.isReadOnly = true } == ["writable"])
        #expect(failing { $0.connections = 95 } == ["connections"])
        #expect(failing { $0.synchronousCommit = "remote_apply" } == [])
    }

    @Test func settingsThatSomebodyShouldLookAtWarn() {
        var settings = DatabaseSettings(user: "u", version: "16.1", versionNumber: 160_001)
        settings.connections = 85
        settings.clockDifference = -7.25
        settings.isLoopback = false
        #expect(settings.results.filter { $0.verdict == .warn }.map(\.check) == ["transport", "connections", "clock"])
        #expect(settings.results.first { $0.check == "clock" }?.found == "7.3 s behind this host's")
        settings.isEncrypted = true
        #expect(settings.results.verdict("transport") == .ok)
    }

    @Test func aClockReadBetweenTwoReadingsDiffersOnlyOutsideOfThem() {
        #expect(ClockReading.difference(of: 10.5, before: 10, after: 11) == 0)
        #expect(ClockReading.difference(of: 15, before: 10, after: 11) == 4)
        #expect(ClockReading.difference(of: 4, before: 10, after: 11) == -6)
    }

    @Test(arguments: [
        ("RabbitMQ", "3.9.29", CheckResult.Verdict.fail), ("RabbitMQ", "3.10.0", .ok), ("RabbitMQ", "3.13.7", .ok),
        ("RabbitMQ", "4.1.0", .ok), ("RabbitMQ", "", .warn), ("LavinMQ", "2.0.0", .warn),
    ])
    func brokersFrom310OnAreGoodEnough(product: String, version: String, verdict: CheckResult.Verdict) {
        #expect(BrokerJudgement.version(product: product, version).verdict == verdict)
    }

    @Test func consumerTimeoutsThatCloseChannelsUnderWorkersFail() {
        #expect(BrokerJudgement.consumerTimeout(milliseconds: 30_000).verdict == .fail)
        #expect(BrokerJudgement.consumerTimeout(milliseconds: 120_000).verdict == .warn)
        #expect(BrokerJudgement.consumerTimeout(milliseconds: 1_800_000).verdict == .ok)
        #expect(BrokerJudgement.consumerTimeout(milliseconds: nil).verdict == .ok)
    }

    @Test func transportIsSafeOnLoopbackOrWithVerifiedTLS() {
        #expect(BrokerJudgement.transport(isTLS: false, verifiesPeer: true, host: "127.0.0.1").verdict == .ok)
        #expect(BrokerJudgement.transport(isTLS: true, verifiesPeer: true, host: "mq.example").verdict == .ok)
        #expect(BrokerJudgement.transport(isTLS: true, verifiesPeer: false, host: "mq.example").verdict == .warn)
        #expect(BrokerJudgement.transport(isTLS: false, verifiesPeer: true, host: "mq.example").verdict == .warn)
    }

    @Test func alarmsAndNodesThatAreDownFail() {
        func node(_ memory: Bool, _ disc: Bool, _ running: Bool) -> JSONValue {
            .object([
                "name": .text("rabbit@a"), "mem_alarm": .flag(memory), "disk_free_alarm": .flag(disc),
                "running": .flag(running),
            ])
        }
        #expect(BrokerJudgement.alarms([node(false, false, true)]).verdict == .ok)
        #expect(
            BrokerJudgement.alarms([node(true, true, true)]).found.hasPrefix("memory on rabbit@a, disc on rabbit@a"))
        #expect(BrokerJudgement.alarms([node(false, false, false)]).verdict == .fail)
    }

    @Test func aQueueWithoutALeaderFailsAndOneWithMembersAwayWarns() {
        func queue(leader: String, online: Int) -> JSONValue {
            .object([
                "type": .text("quorum"), "leader": .text(leader), "members": .list(["a", "b", "c"].map { .text($0) }),
                "online": .list(["a", "b", "c"].prefix(online).map { .text($0) }), "messages": .number(7),
            ])
        }
        let name = "detdiffusion.v1.generate.sketch"
        #expect(BrokerJudgement.queue(name, queue(leader: "a", online: 3)).verdict == .ok)
        #expect(BrokerJudgement.queue(name, queue(leader: "a", online: 2)).verdict == .warn)
        #expect(BrokerJudgement.queue(name, queue(leader: "", online: 0)).verdict == .fail)
        #expect(BrokerJudgement.queue(name, queue(leader: "a", online: 3)).check == "queue generate.sketch")
    }

    @Test func thePolicyOfHighestPriorityThatMatchesApplies() {
        var own = WorkPolicy.work.body.object ?? [:]
        own["name"] = .text(WorkPolicy.work.name)
        let everything: JSONValue = .object([
            "name": .text("all"), "pattern": .text(".*"), "apply-to": .text("all"), "priority": .number(99),
            "definition": .object([:]),
        ])
        let classic: JSONValue = .object([
            "name": .text("c"), "pattern": .text(".*"), "apply-to": .text("exchanges"), "priority": .number(100),
            "definition": .object([:]),
        ])
        let queue = "detdiffusion.v1.generate.sketch"
        let good = PolicySet(.list([.object(own), classic])), shadowed = PolicySet(.list([.object(own), everything]))
        #expect(good.judge(queue, .null, virtualHost: "/").verdict == .ok)
        #expect(shadowed.judge(queue, .null, virtualHost: "/").found.hasPrefix("policy all applies, but"))
        #expect(good.policy(for: "detdiffusion.v1.dead") == nil)
        #expect(good.policy(for: "detdiffusion.v2.generate.diffusion.0a1b2c3d4e5f.high") != nil)
    }

    @Test func freeSpaceIsJudgedByBytesAndByFiles() {
        #expect(StoreJudgement.space(free: 20_000_000_000, files: nil).verdict == .ok)
        #expect(StoreJudgement.space(free: 9_999_999_999, files: nil).verdict == .warn)
        #expect(StoreJudgement.space(free: 999_999_999, files: nil).verdict == .fail)
        #expect(StoreJudgement.space(free: 20_000_000_000, files: 10).verdict == .fail)
        #expect(StoreJudgement.space(free: 81_450_000_000, files: nil).found == "81.4 GB")
    }

    @Test func theFileSystemIsThatOfTheLongestMountPoint() {
        let mounts = """
            22 1 8:1 / / rw - ext4 /dev/sda1 rw
            40 22 0:41 / /mnt/with\\040space rw shared:1 - nfs4 server:/x rw
            41 22 0:42 / /mnt rw master:2 - xfs /dev/sdb rw
            42 22 0:43 / /run rw - tmpfs tmpfs rw
            """
        #expect(FileSystemKind(of: "/srv/store", mounts: mounts) == .local("ext4"))
        #expect(FileSystemKind(of: "/mnt/with space/store", mounts: mounts) == .network("nfs4"))
        #expect(FileSystemKind(of: "/mnt/without", mounts: mounts) == .local("xfs"))
        #expect(FileSystemKind(of: "/mntother", mounts: mounts) == .local("ext4"))
        #expect(FileSystemKind(of: "/run", mounts: mounts)?.result.verdict == .fail)
        #expect(FileSystemKind(name: "fuse.sshfs") == .network("fuse.sshfs"))
    }

    @Test func rolesHaveNoMoreThanTheyNeed() {
        let tables: Set<String> = [
            "jobs", "shards", "tasks", "payloads", "outputs", "leases", "workers", "dead_letters", "finished_shards",
        ]
        let writes = DatabaseRole.allCases.map { role in
            Set(role.rights(tables: tables).filter { $0.privilege != "SELECT" }.map(\.table))
        }
        #expect(writes[0] == ["jobs", "shards", "tasks", "payloads"])
        #expect(!writes[1].contains("jobs") && !writes[1].contains("payloads"))
        #expect(writes[2].isEmpty)
        #expect(DatabaseRole.reader.rights(tables: tables).count == tables.count)
        for role in DatabaseRole.allCases {
            let writes = role.rights(tables: tables).filter { $0.privilege != "SELECT" }
            #expect(writes.allSatisfy { $0.column != nil && ["INSERT", "UPDATE"].contains($0.privilege) }, "\(role)")
        }
    }

    @Test func usersOfTheBrokerAreJudgedByWhatTheyMayDo() {
        let judgement = BrokerUserJudgement(
            topology: WorkTopology(generators: [.init(rawValue: "sketch")]), virtualHost: "v")
        for role in BrokerRole.allCases {
            let result = judgement.result(user: "u", role.permissions)
            #expect(result.verdict == .ok && result.found.contains(role.ability + ", nothing else"))
        }
        let everything = BrokerPermissions(configure: ".*", write: ".*", read: ".*")
        #expect(judgement.result(user: "u", everything).found.contains("may set up and control"))
        var wide = BrokerRole.worker.permissions
        wide.read = ".*"
        let result = judgement.result(user: "u", wide)
        #expect(result.verdict == .warn && result.found.contains("read detdiffusion.v1.dead"), "\(result)")
        #expect(result.fix?.contains(BrokerRole.worker.permissions.read) == true)
        var loud = BrokerRole.producer.permissions
        loud.write = "^(amq\\.default|detdiffusion\\..*)$"
        let control = judgement.result(user: "u", loud)
        #expect(control.verdict == .warn && control.found.contains("write detdiffusion.v1.control"), "\(control)")
    }

    @Test func whatEveryoneMayDoIsToldOfEachRole() {
        let good = ReachJudgement.results([RoleReach(name: "w")], database: "d")
        #expect(good.notOK == [] && good.contains { $0.check == "locks" && $0.found.contains("cannot refuse") })
        let reach = RoleReach(
            name: "w", attributes: ["is a superuser"], memberships: ["admin"], makesTemporaryTables: true,
            makesLargeObjects: true, schemas: ["public"], databases: ["postgres"])
        let results = ReachJudgement.results([reach], database: "d")
        #expect(results.filter { $0.verdict == .warn && $0.fix != nil }.count == 5)
        #expect(results.first { $0.check == "role attributes" }?.found == "w is a superuser; w is a member of admin")
    }

    @Test func aSessionIsFineAsLongAsItsSettingsHold() {
        let direct = SessionJudgement.result(SessionState(isPooled: false, settings: 5, lost: [:]))
        #expect(direct.verdict == .ok && direct.found == "no pooler, 5 settings hold")
        let pooled = SessionJudgement.result(SessionState(isPooled: true, settings: 5, lost: [:]))
        #expect(pooled.verdict == .ok && pooled.found.contains("a pooler in session mode"))
        let lost = SessionJudgement.result(SessionState(isPooled: true, settings: 5, lost: ["lock_timeout": "0"]))
        #expect(
            lost.verdict == .fail && lost.found.contains("1 of 5 settings do not hold, such as lock_timeout, now '0'"))
        #expect(lost.fix?.contains("pool_mode = session") == true)
    }
}
