// Reading the rules, and what they do to a process.

import Foundation
import Testing

@testable import Failpoints

struct FailpointTests {
    @Test func rulesAreReadFromTheVariable() {
        let rules = FailpointRule.parse("worker.after-claim=kill@3;store.after-write=error;producer.before-mark=stop")
        #expect(
            rules == [
                FailpointRule(name: "worker.after-claim", action: .kill, passage: 3),
                FailpointRule(name: "store.after-write", action: .error, passage: nil),
                FailpointRule(name: "producer.before-mark", action: .stop, passage: 1),
            ])
    }

    @Test func unreadableRuleStopsTheProcess() async {
        await #expect(processExitsWith: .failure) { _ = FailpointRule.parse("worker.after-claim=explode") }
    }

    @Test func nothingHappensWithoutTheVariable() throws {
        Failpoint.hit("anything")
        try Failpoint.check("anything")
    }

    @Test func killEndsTheProcessAtItsPassage() async {
        await #expect(processExitsWith: .signal(SIGKILL)) {
            setenv("DETDIFFUSION_FAILPOINTS", "there=kill@2", 1)
            Failpoint.hit("there")
            Failpoint.hit("elsewhere")
            Failpoint.hit("there")
            exit(0)
        }
    }

    @Test func killSparesTheProcessBeforeItsPassage() async {
        await #expect(processExitsWith: .exitCode(7)) {
            setenv("DETDIFFUSION_FAILPOINTS", "there=kill@2", 1)
            Failpoint.hit("there")
            exit(7)
        }
    }

    @Test func errorIsThrownAtEveryPassageOrAtTheNamedOne() async {
        await #expect(processExitsWith: .exitCode(0)) {
            setenv("DETDIFFUSION_FAILPOINTS", "always=error;second=error@2", 1)
            for _ in 0..<3 { #expect(throws: FailpointError.self) { try Failpoint.check("always") } }
            try Failpoint.check("second")
            let error = #expect(throws: FailpointError.self) { try Failpoint.check("second") }
            #expect(error?.description == "failpoint second was set to fail by DETDIFFUSION_FAILPOINTS")
            try Failpoint.check("second")
            // A failpoint that cannot throw takes no notice of an error rule.
            Failpoint.hit("always")
            exit(0)
        }
    }
}
