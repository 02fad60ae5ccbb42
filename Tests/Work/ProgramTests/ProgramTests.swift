// Generator programs as processes: what comes in, what is refused by name, what happens when they die.

import Executors
import Fixtures
import Foundation
import Pixels
import Tasks
import Testing

@testable import Handlers

@Suite(.serialized) struct ProgramTests {
    private let good = "ready()\nfor batch in batches(): answer(batch)"

    private func images(_ results: [Result<Image, GenerationFailure>]) throws -> [Image] {
        try results.map { try $0.get() }
    }

    private func reason(_ result: Result<Image, GenerationFailure>?) -> String {
        guard case .failure(let failure) = result else { return "no failure: \(result.debugDescription)" }
        return failure.description
    }

    @Test func theExampleProgramMakesTheSameImagesInAnyBatch() async throws {
        let command = try ProgramCommand(path: Surroundings.root + "/workers/example-program/generate.py")
        let generator = try await ProgramGenerator.start(command, maximumBatch: 64, logger: CollectedLog().logger)
        #expect(
            generator.describe() == GeneratorDescription(name: "example", maximumBatch: 16, deviceClass: "example-1"))
        let specification = Made.specification()
        let together = try images(try await generator.generate(Made.tasks(5), specification: specification))
        var alone: [Image] = []
        for task in Made.tasks(5) {
            alone += try images(try await generator.generate([task], specification: specification))
        }
        await generator.stop()
        #expect(together == alone && Set(together.map(\.pixels)).count == 5)
        #expect(together.allSatisfy { $0.width == 64 && $0.height == 48 })
        // The hard object's red edge, at its corner in the generated frame.
        #expect(together[0][2, 4] == Color(red: 255, green: 64, blue: 64))
    }

    @Test func aProgramsWordsAboutATaskAreThatTasksFailure() async throws {
        let program = try ScriptedProgram(
            """
            ready()
            for batch in batches():
                results = [make(task, batch) for task in batch["tasks"]]
                results[1] = dict(id=1, error="out of memory\\nand more", permanent=False)
                results[2] = dict(id=2, error="no such category", permanent=True, file=None)
                answer(batch, results[::-1])
            """)
        let results = try await program.started {
            try await $0.generate(Made.tasks(4), specification: Made.specification())
        }
        #expect(reason(results[1]) == "program program.py: out of memory and more")
        guard case .failure(let failure) = results[2] else { throw ProcessFailure("task 2 did not fail") }
        #expect(failure.isPermanent && failure.description.contains("no such category"))
        #expect(try images([results[0], results[3]]).count == 2)
    }

    @Test(arguments: [
        (#"os.symlink("/etc/hostname", folder + "/a.png"); name = "a.png""#, "found a symbolic link"),
        (#"name = "../" + os.path.basename(folder) + "/0.png""#, "without a path, found '../batch-"),
        (#"name = folder + "/0.png""#, "without a path, found '/"),
        (#"name = ".." "#, "without a path, found '..'"),
        (#"name = "" "#, "without a path, found ''"),
        (#"name = "none.png""#, "file 'none.png': expected an image file in the batch's folder, found no such file"),
        (#"os.mkfifo(folder + "/f.png"); name = "f.png""#, "found something that is no plain file"),
        (#"os.mkdir(folder + "/d.png"); name = "d.png""#, "found something that is no plain file"),
        (
            #"open(folder + "/t.png", "w").write("not an image"); name = "t.png""#,
            "expected a PNG image, found 12 bytes"
        ),
        (#"open(folder + "/e.png", "w"); name = "e.png""#, "expected a PNG image, found 0 bytes"),
        (
            #"open(folder + "/w.png", "wb").write(png([bytes(96)] * 48, 32, 48)); name = "w.png""#,
            "expected an image of 64x48 pixels, found 32x48"
        ),
        (
            #"open(folder + "/b.png", "wb").write(png([bytes(192)] * 48, 64, 48)[:-20]); name = "b.png""#,
            "expected one whole PNG"
        ),
        (#"open(folder + "/l.png", "wb").truncate(1 << 30); name = "l.png""#, "bytes, found 1073741824"),
    ])
    func aFileThatIsNotTheImageIsRefusedByName(script: String, expected: String) async throws {
        let program = try ScriptedProgram(
            """
            ready()
            for batch in batches():
                folder = batch["folder"]
                results = [make(task, batch) for task in batch["tasks"]]
                \(script)
                results[0]["file"] = name
                answer(batch, results)
            """)
        let results = try await program.started {
            try await $0.generate(Made.tasks(2), specification: Made.specification())
        }
        #expect(reason(results[0]).contains(expected), "\(reason(results[0]))")
        #expect(reason(results[0]).hasPrefix("program program.py: task 0: "))
        #expect(try images([results[1]]).count == 1)
    }

    @Test func textsInAnImageAreNeitherUnpackedNorKept() async throws {
        let program = try ScriptedProgram(
            """
            import struct, zlib
            def chunk(kind, data):
                return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
            ready()
            for batch in batches():
                results = [make(task, batch) for task in batch["tasks"]]
                path = batch["folder"] + "/" + results[0]["file"]
                image = open(path, "rb").read()
                bomb = chunk(b"zTXt", b"a\\0\\0" + zlib.compress(b"a" * 7_900_000)) * 100
                open(path, "wb").write(image[:33] + bomb + image[33:])
                answer(batch, results)
            """)
        try await program.started { generator in
            let plain = try images(try await generator.generate(Made.tasks(1), specification: Made.specification()))
            #expect(plain.count == 1)
            let (before, bomb) = (try PeakMemory.reset(), Made.tasks(2))
            let both = try images(try await generator.generate(bomb, specification: Made.specification()))
            #expect(both.count == 2 && both[0] == plain[0])
            let peak = try PeakMemory.grown(since: before)
            #expect(peak < 32 << 20, "took \(peak) bytes")
        }
    }

    @Test func oneFileForTwoTasksIsRefused() async throws {
        let program = try ScriptedProgram(
            #"ready()\#nfor batch in batches(): answer(batch, [{**make(task, batch), "file": "0.png"} for task in batch["tasks"]])"#
        )
        let results = try await program.started {
            try await $0.generate(Made.tasks(2), specification: Made.specification())
        }
        #expect(reason(results[1]).contains("file '0.png': expected a file for each task, found it for two"))
    }

    @Test(arguments: [
        (#"answer(batch, results[:-1])"#, "expected all of 1 task ids, found none for id 0"),
        (#"answer(batch, results + [dict(id=9, error="x")])"#, "expected task ids 0 to 0, found the extra id 9"),
        (#"answer(batch, results + results[:1])"#, "expected each task id once, found id 0 twice"),
        (#"answer(batch, [dict(id=0, file="0.png", error="x")])"#, "expected either file or error, found both"),
        (#"answer(batch, [dict(id=0)])"#, "expected either file or error, found neither"),
        (#"answer(batch, results, id=77)"#, "found batch 77"),
        (#"ready()"#, "expected a line of type result after a batch, found type 'ready'"),
        (#"say(type="progress", part=0.5)"#, "found type 'progress'"),
        (#"lines.write("100% done\n"); lines.flush()"#, "found '100% done'; write everything else to standard error"),
        (
            #"lines.write("x" * (17 << 20) + "\n"); lines.flush()"#,
            "expected lines of at most 16777216 bytes, found a longer one that begins 'xxx"
        ),
        (#"os.close(lines.fileno()); time.sleep(60)"#, "found its standard output closed"),
        (#"print("CUDA error"); sys.exit(3)"#, "had ended with exit code 3; it last said 'CUDA error'"),
        (#"os.kill(os.getpid(), 11)"#, "had ended with signal 11"),
    ])
    func whatBreaksTheProtocolIsRefusedByNameAndOnlyForItsTask(script: String, expected: String) async throws {
        // The image 101 does it, alone or among others.
        let program = try ScriptedProgram(
            """
            ready()
            for batch in batches():
                results = [make(task, batch) for task in batch["tasks"]]
                if any(task["image_id"] == 101 for task in batch["tasks"]):
                    \(script)
                else: answer(batch)
            """)
        let log = CollectedLog()
        let results = try await program.started(log: log) {
            try await $0.generate(Made.tasks(3), specification: Made.specification())
        }
        #expect(reason(results[1]).contains(expected), "\(reason(results[1]))")
        #expect(!reason(results[1]).contains("\n") && reason(results[1]).utf8.count < 500)
        #expect(try images([results[0], results[2]]).count == 2)
        #expect(log.all.filter { $0.hasPrefix("A program was started again") }.count == 2)
        #expect(
            log.all.contains {
                $0.hasPrefix("A program failed on a batch; its tasks are tried one by one batch.tasks=3")
            })
    }

    @Test func aBatchBeyondItsTimeLimitIsEndedAndTriedTaskByTask() async throws {
        let program = try ScriptedProgram(
            """
            ready()
            for batch in batches():
                if any(task["image_id"] == 100 for task in batch["tasks"]): time.sleep(600)
                answer(batch)
            """)
        let results = try await program.started(timeLimit: .milliseconds(400)) {
            try await $0.generate(Made.tasks(2), specification: Made.specification())
        }
        #expect(
            reason(results[0]) == "program program.py: expected an answer within 0.4 seconds, found none; it was ended")
        #expect(try images([results[1]]).count == 1)
    }

    @Test func aBatchThatNobodyReadsDoesNotBlockForEver() async throws {
        // Beyond what a pipe holds, in both directions.
        let program = try ScriptedProgram(
            """
            ready()
            sys.stderr.write("chatter\\n" * 200_000)
            for batch in batches(): answer(batch, [{**make(task, batch), "note": "x" * 20_000} for task in batch["tasks"]])
            """)
        let tasks = (0..<16).map { number in
            var task = Made.task(number)
            task.prompt = String(repeating: "words ", count: 20_000)
            return task
        }
        let results = try await program.started { try await $0.generate(tasks, specification: Made.specification()) }
        #expect(try images(results).count == 16)
    }

    @Test func aSizeThatItDoesNotMakeIsSaidWithoutAskingIt() async throws {
        let program = try ScriptedProgram(#"ready(sizes=["512x512"])\#nfor batch in batches(): sys.exit(1)"#)
        let results = try await program.started {
            try await $0.generate(Made.tasks(2), specification: Made.specification())
        }
        #expect(reason(results[1]).contains("expected a size that it makes (512x512), found the job's 64x48"))
    }
}
