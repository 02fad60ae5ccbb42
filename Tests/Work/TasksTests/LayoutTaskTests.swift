// One image to generate: its seed, its key, its bytes.

import Digests
import Layouts
import Tasks
import Testing

struct LayoutTaskTests {
    /// Computed with Python: `int.from_bytes(hashlib.sha256(b"detdiffusion.seed.v1|J|I|S").digest(), "big") >> 203`.
    @Test(arguments: [
        (UInt64(0), 139, 0, UInt64(8_254_846_994_162_394)), (0, 139, 1, 3_131_033_363_853_769),
        (7, 581_929, 4, 3_084_923_918_409_261), (9_007_199_254_740_991, 1, 999, 146_355_461_188_993),
    ])
    func seedsAreTheseNumbersForEver(jobSeed: UInt64, image: Int, sample: Int, seed: UInt64) {
        #expect(LayoutTask.seed(jobSeed: jobSeed, imageID: image, sample: sample) == seed)
    }

    @Test func aSeedIsTheFirstFiftyThreeBitsOfTheHash() throws {
        for image in 1...200 {
            let hex = SHA256.digest(of: "detdiffusion.seed.v1|5|\(image)|2").hex
            // Thirteen digits are 52 bits; the 53rd is the highest bit of the fourteenth digit.
            let high = try #require(UInt64(hex.prefix(13), radix: 16))
            let next = try #require(UInt64(hex.dropFirst(13).prefix(1), radix: 16))
            #expect(LayoutTask.seed(jobSeed: 5, imageID: image, sample: 2) == high * 2 + next / 8)
        }
    }

    @Test func seedsDifferByJobImageAndSampleAndFitADouble() {
        var seen: Set<UInt64> = []
        for job in 0..<5 as Range<UInt64> {
            for image in 1...400 {
                for sample in 0..<5 {
                    let seed = LayoutTask.seed(jobSeed: job, imageID: image, sample: sample)
                    #expect(seed < 1 << 53 && UInt64(Double(seed)) == seed)
                    seen.insert(seed)
                }
            }
        }
        #expect(seen.count == 5 * 400 * 5)
    }

    @Test func keysSortLikeImagesAndHaveNoDot() {
        #expect(LayoutTask.key(imageID: 139, sample: 0) == "000000000139-0")
        #expect(LayoutTask.key(imageID: 999_999_999_999, sample: 12) == "999999999999-12")
        #expect(LayoutTask.key(imageID: 1_234_567_890_123, sample: 0) == "1234567890123-0")
        #expect(Self.task().key == "000000000042-3")
        #expect(!Self.task().key.contains("."))
    }

    @Test(arguments: ["plain", "", "quote \" slash / back \\ tab \t line \n", "日本 é 🦊", "\u{0}\u{1F}\u{2028}"])
    func aTaskSurvivesItsBytes(prompt: String) throws {
        var task = Self.task()
        task.prompt = prompt
        let bytes = try task.encoded()
        #expect(try LayoutTask(decoding: bytes) == task)
        #expect(try LayoutTask(decoding: bytes).encoded() == bytes)
        #expect(!bytes.contains { $0 < 32 })
    }

    @Test func bytesAreStable() throws {
        let golden =
            #"{"layout":{"file_name":"a.jpg","height":50,"image_id":42,"objects":[{"annotation_id":1,"attribute":"hard","#
            + #""bbox":[0.1,2,30,4.25],"category":"cat","category_id":17}],"width":100},"prompt":"p","sample":3,"seed":9}"#
        #expect(String(decoding: try Self.task().encoded(), as: UTF8.self) == golden)
    }

    @Test(arguments: ["", "{}", "null", "task 3", "{\"layout\":{}}"])
    func garbageIsUnreadable(text: String) throws {
        let error = try #require(throws: TaskError.self) { try LayoutTask(decoding: Array(text.utf8)) }
        #expect(error.code == .unreadable)
        #expect(!error.description.contains("\n"), "\(error)")
    }

    /// Payloads are rows: what would be divided by, drawn or counted is looked at first.
    @Test(arguments: [
        ("\"height\":50", "\"height\":0"), ("\"height\":50", "\"height\":-8"),
        ("\"width\":100", "\"width\":4611686018427387904"),
        ("\"width\":100", "\"width\":1000001"), ("[0.1,2,30,4.25]", "[0.1,2,-30,4.25]"),
        ("[0.1,2,30,4.25]", "[-1e308,2,1e308,4.25]"), ("[0.1,2,30,4.25]", "[0.1,2,1e999,4.25]"),
        ("\"sample\":3", "\"sample\":-1"), ("\"sample\":3", "\"sample\":1000"),
        ("\"seed\":9", "\"seed\":9007199254740992"),
        ("\"seed\":9", "\"seed\":-9"), ("\"cat\"", "\"\(String(repeating: "c", count: 1001))\""),
    ])
    func aPayloadThatNoProducerWritesIsUnreadable(from: String, to: String) throws {
        let good = String(decoding: try Self.task().encoded(), as: UTF8.self)
        let bad = good.replacing(from, with: to)
        #expect(bad != good)
        let error = try #require(throws: TaskError.self) { try LayoutTask(decoding: Array(bad.utf8)) }
        #expect(error.code == .unreadable && error.description.hasPrefix("layout task: "), "\(error)")
    }

    private static func task() -> LayoutTask {
        let object = LayoutObject(
            annotationID: 1, categoryID: 17, category: "cat", box: Box(x: 0.1, y: 2, width: 30, height: 4.25),
            attribute: .hard)
        return LayoutTask(
            layout: Layout(imageID: 42, fileName: "a.jpg", width: 100, height: 50, objects: [object]), prompt: "p",
            sample: 3, seed: 9)
    }
}
