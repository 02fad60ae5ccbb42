// The lines of real sessions against schemas/plugin, and the skeleton for diffusers with a pipeline that is none.

import Fixtures
import Foundation
import Pixels
import Tasks
import Testing

@testable import Handlers

@Suite(.serialized) struct PluginSchemaTests {
    /// Notes every line that it reads and writes.
    private static let recorder = """
        import generate
        written = []
        def record(**line):
            written.append(json.dumps(line))
            say(**line)
        record(type="ready", version=1, name="test", device="test-1", sizes="any", batch=16)
        read = []
        for text in sys.stdin:
            read.append(text)
            line = json.loads(text)
            if line["type"] == "stop": break
            results = [make(task, line) for task in line["tasks"]]
            results[0] = dict(id=0, error="no", permanent=True)
            record(type="result", id=line["id"], results=results)
        note("read", "".join(read))
        note("written", "\\n".join(written))
        """

    /// What is wrong with each line according to the schema of its type; nothing when all are valid.
    private func violations(_ lines: String) throws -> String {
        let script = try ScriptedProgram(
            """
            import json, jsonschema, sys
            for text in open(sys.argv[1]):
                line = json.loads(text)
                schema = json.load(open(f"\(Surroundings.root)/schemas/plugin/{line['type']}.v1.schema.json"))
                jsonschema.Draft202012Validator.check_schema(schema)
                for error in jsonschema.Draft202012Validator(schema).iter_errors(line): print(error.message)
            """, prelude: "")
        let file = script.folder + "/lines"
        try Data(lines.utf8).write(to: URL(fileURLWithPath: file))
        let result = try RunningProcess(try #require(Readers.python), [script.path, file]).wait()
        guard result.status == 0 else { throw ProcessFailure(result.errors) }
        return result.output
    }

    @Test(.enabled(if: Readers.python != nil, Comment(rawValue: Readers.missing)))
    func theLinesOfASessionAreValid() async throws {
        let program = try ScriptedProgram(Self.recorder)
        try await program.started { generator in
            var specification = Made.specification()
            _ = try await generator.generate(Made.tasks(3), specification: specification)
            (specification.steps, specification.guidance) = (50, 3.5)
            _ = try await generator.generate(Made.tasks(1), specification: specification)
        }
        let read = try #require(program.note("read"))
        #expect(read.split(separator: "\n").count == 3)
        #expect(read.contains(#""options":{"guidance":3.5,"steps":50}"#) && read.contains(#""options":{}"#))
        #expect(try violations(read) == "")
        #expect(try violations(try #require(program.note("written"))) == "")
    }

    @Test(.enabled(if: Readers.python != nil, Comment(rawValue: Readers.missing)))
    func theSessionInTheManualIsValid() throws {
        #expect(try violations(try Manual.sessionLines().joined(separator: "\n")) == "")
    }

    @Test func theSessionInTheManualHasEveryTypeOfLine() throws {
        struct Header: Decodable { var type: String }
        let types = try Manual.sessionLines().map { try JSONDecoder().decode(Header.self, from: Data($0.utf8)).type }
        #expect(Set(types) == ["ready", "batch", "result", "stop"])
    }

    @Test(
        .enabled(if: Readers.python != nil, Comment(rawValue: Readers.missing)),
        arguments: [
            #"{"type":"ready","version":2,"name":"a","device":"d","sizes":"any","batch":1}"#,
            #"{"type":"ready","version":1,"name":"sketch","device":"d","sizes":"any","batch":1}"#,
            #"{"type":"ready","version":1,"name":"blank","device":"d","sizes":"any","batch":1}"#,
            #"{"type":"ready","version":1,"name":"diffusion","device":"d","sizes":"any","batch":1}"#,
            #"{"type":"ready","version":1,"name":"a","device":"d","sizes":[],"batch":1}"#,
            #"{"type":"result","id":1,"results":[{"id":0}]}"#,
            #"{"type":"result","id":1,"results":[{"id":0,"file":"a.png","error":"b"}]}"#,
            #"{"type":"result","id":1,"results":[{"id":0,"file":"../a.png"}]}"#,
            #"{"type":"batch","id":1}"#, #"{"type":"stop","now":true}"#,
        ])
    func theSchemasRefuseWhatTheyShould(line: String) throws {
        #expect(try violations(line) != "")
    }

    @Test func theSkeletonForDiffusersSpeaksTheProtocol() async throws {
        // Modules that stand in for torch and diffusers; the image is one color, made of the seed.
        let program = try ScriptedProgram(
            """
            import contextlib, hashlib, os, runpy, struct, sys, types, zlib
            class Image:
                def __init__(self, width, height, seed): self.facts = (width, height, seed)
                def save(self, path):
                    width, height, seed = self.facts
                    def chunk(kind, data): return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
                    rows = (b"\\0" + bytes([seed % 256]) * 3 * width) * height
                    with open(path, "wb") as file:
                        file.write(b"\\x89PNG\\r\\n\\x1a\\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
                            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
            class Pipeline:
                @classmethod
                def from_pretrained(cls, folder, torch_dtype): print("loading", folder); return cls()
                def to(self, device): return self
                def __call__(self, *, prompt, width, height, gligen_phrases, gligen_boxes, gligen_scheduled_sampling_beta,
                             num_inference_steps, guidance_scale, generator):
                    assert gligen_phrases == ["person", "chair"] and (num_inference_steps, guidance_scale) == (7, 7.5)
                    assert len(gligen_boxes) == 2 and all(0 <= side <= 1 for box in gligen_boxes for side in box)
                    if generator == 1001: raise torch.cuda.OutOfMemoryError("out of memory")
                    return types.SimpleNamespace(images=[Image(width, height, generator)])
            torch = types.ModuleType("torch")
            torch.__version__, torch.float16 = "0", None
            torch.cuda = types.SimpleNamespace(get_device_name=lambda: "none", OutOfMemoryError=type("OutOfMemoryError", (Exception,), {}))
            torch.Generator = lambda device: types.SimpleNamespace(manual_seed=lambda seed: seed)
            diffusers = types.ModuleType("diffusers")
            diffusers.__version__, diffusers.StableDiffusionGLIGENPipeline = "0", Pipeline
            sys.modules.update(torch=torch, diffusers=diffusers)
            with open(sys.argv[1] + "/unet.safetensors", "wb") as file: file.write(b"weights")
            runpy.run_path("\(Surroundings.root)/workers/diffusers/generate.py", run_name="__main__")
            """, prelude: "#!/usr/bin/env python3\n")
        var specification = Made.specification(width: 512, height: 512)
        specification.steps = 7
        let log = CollectedLog()
        try await program.started(log: log) { [specification] generator in
            #expect(generator.describe().name == "gligen" && generator.describe().maximumBatch == 4)
            #expect(generator.describe().checkpointDigest?.count == 64)
            let results = try await generator.generate(Made.tasks(3), specification: specification)
            #expect(try results[0].get().pixels.first == UInt8(1000 % 256))
            #expect(throws: GenerationFailure.self) { try results[1].get() }
            #expect(try results[2].get().width == 512)
        }
        #expect(log.all.contains { $0.contains("line=loading \(program.folder)") })
    }
}
