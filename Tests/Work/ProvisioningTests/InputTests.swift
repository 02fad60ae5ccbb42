// URLs, password files, names and limits, without servers.

import Fixtures
import Foundation
import JSON
import Tasks
import Testing

@testable import Provisioning

@Suite struct InputTests {
    @Test func aManagementURLHidesItsPasswordAndHasTheUsualPorts() throws {
        let plain = try ManagementURL("http://admin:s%2Fcret@mq.example")
        #expect(plain.description == "http://admin@mq.example:15672")
        #expect(plain.password == "s/cret")
        #expect(try ManagementURL("https://mq.example/rabbit/").base == "https://mq.example:15671/rabbit")
        for wrong in [
            "", "mq.example:15672", "amqp://u:s3cret@h", "http://u:s3cret@",
            "http://u:12/s3cret@h", "http://u:12?s3cret@h", "http://us3cret@h", "http://u:s3cret@h:x",
            "http://u:s3cret@h h",
        ] {
            let error = #expect(throws: ProvisioningError.self) { try ManagementURL(wrong) }
            #expect(error?.description.contains("s3cret") == false)
        }
    }

    @Test func aPasswordFileThatOthersMayReadIsRefused() throws {
        try inFolder { folder in
            let path = folder + "/passwords"
            let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o640]
            #expect(
                FileManager.default.createFile(
                    atPath: path, contents: Data("worker=s3cret".utf8), attributes: attributes))
            let error = #expect(throws: ProvisioningError.self) { try PasswordFile(reading: path) }
            #expect(error?.description.contains("0640") == true)
            #expect(error?.description.contains("s3cret") == false)
        }
    }

    @Test func aLineThatIsNoPasswordIsNamedByItsNumberOnly() {
        let error = #expect(throws: ProvisioningError.self) {
            try PasswordFile.parse("worker=a\n\nadmin=s3cret\n", path: "p")
        }
        #expect(error?.description.contains("line 3") == true)
        #expect(error?.description.contains("s3cret") == false)
    }

    @Test func generatedPasswordsAreKeptForTheNextRun() throws {
        try inFolder { folder in
            let path = folder + "/passwords"
            let first = try PasswordFile(generating: path), second = try PasswordFile(generating: path)
            #expect(first.isNew && !second.isNew)
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            for role in DatabaseRole.allCases {
                #expect(first.password(for: role) == second.password(for: role))
                #expect(first.password(for: role)?.count == 48)
            }
        }
    }

    @Test func namesThatAreNoNamesAreRefused() {
        for prefix in ["", "a b", "1a", "x\"; DROP ROLE y; --"] {
            #expect(throws: ProvisioningError.self) { try Provisioner.Plan(generators: [], rolePrefix: prefix) }
        }
        #expect(throws: ProvisioningError.self) { try Provisioner.Plan(generators: [.init(rawValue: "Sketch ")]) }
    }

    @Test func whatNeverAnswersIsGivenUp() async {
        let clock = ContinuousClock()
        let began = clock.now
        await #expect(throws: ProvisioningError.self) {
            try await Deadline.run(.milliseconds(50)) {
                await withCheckedContinuation { (never: CheckedContinuation<Void, Never>) in NeverResumed.keep(never) }
            }
        }
        #expect(began.duration(to: clock.now) < .seconds(5))
    }

    @Test func theCommandForAnAdministratorHoldsThePolicyAsJSON() throws {
        let command = WorkPolicy.work.command(virtualHost: "it's")
        #expect(command.contains(#"--vhost 'it'\''s'"#))
        let json = try #require(command.split(separator: "' '").last?.dropLast())
        let decoded = try JSONReader<JSONFault>(Array(json.utf8)).document()
        #expect(decoded == .object(WorkPolicy.work.definition))
    }

    private func inFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { unlink(folder + "/passwords"); rmdir(folder) }
        try body(folder)
    }
}

/// Continuations that are kept, so that nobody complains about their loss.
private enum NeverResumed {
    private nonisolated(unsafe) static var kept: [CheckedContinuation<Void, Never>] = []
    static func keep(_ continuation: CheckedContinuation<Void, Never>) { kept.append(continuation) }
}
