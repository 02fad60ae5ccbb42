// Torch files that must be refused, quickly, and odd ones that must not.

import Foundation
import Testing

@testable import Weights

@Suite struct TorchTests {
    private let scratch: ScratchFolder
    private let numbers = (0..<6).flatMap { StoredZipBuilder.little(Int(Float($0).bitPattern), 4) }

    init() throws { scratch = try ScratchFolder() }

    /// A torch file of this pickle and one storage of six float32 numbers from 0 to 5.
    private func file(_ pickle: [UInt8]) throws -> String {
        try scratch.write("x.bin", StoredZipBuilder(pickle: pickle, storages: [numbers]).bytes())
    }

    private func file(_ build: (inout PickleBuilder) -> Void) throws -> String {
        var pickle = PickleBuilder()
        build(&pickle)
        return try file(pickle.bytes)
    }

    @Test func thePlainFileIsRead() throws {
        let weights = try WeightFile(path: file(PickleBuilder.tensor()))
        #expect(weights.floats(of: try #require(weights.entries["t"])) == [0, 1, 2, 3, 4, 5])
    }

    @Test(arguments: [
        ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("torch", "load"), ("collections", "deque"),
        ("torch._utils", "_rebuild_qtensor"), ("torch", "QInt8Storage"), ("__builtin__", "getattr"), ("a\u{7}b", "c"),
    ])
    func otherNamesAreRefusedByName(module: String, name: String) throws {
        let global = try file { $0.global(module, name) }
        let stack = try file { pickle in
            pickle.text(module)
            pickle.text(name)
            pickle.bytes += [0x93]
        }
        for path in [global, stack] {
            let text = refusal(of: path)
            #expect(text.contains("'\(module).\(name)'".replacing("\u{7}", with: "?")), "\(text)")
            #expect(text.contains("nothing was run"))
        }
    }

    static let badTensors: [(pickle: [UInt8], says: String)] = [
        (PickleBuilder.tensor(first: 1), "a tensor within its storage of 6 numbers"),
        (PickleBuilder.tensor(first: -1), "a tensor within its storage"),
        (PickleBuilder.tensor(strides: [4, 1]), "a tensor within its storage"),
        (PickleBuilder.tensor(shape: [-2, 3]), "a tensor's storage, offset, shape and strides"),
        (PickleBuilder.tensor(strides: [-3, 1]), "a tensor's storage, offset, shape and strides"),
        (PickleBuilder.tensor(shape: [2]), "a tensor's storage, offset, shape and strides"),
        (PickleBuilder.tensor(shape: [1 << 40, 1 << 40], strides: [0, 0]), "none of them twice"),
        (PickleBuilder.tensor(shape: [1000, 1000], strides: [0, 0]), "none of them twice"),
        (PickleBuilder.tensor(shape: [2, 2], strides: [.max, .max]), "a tensor within its storage"),
        (PickleBuilder.tensor(count: 7), "storage '0': expected 7 numbers of float32, found 24 bytes"),
        (PickleBuilder.tensor(count: -1), "expected -1 numbers"),
        (PickleBuilder.tensor(count: .max), "numbers of float32, found 24 bytes"),
        (PickleBuilder.tensor(storage: "HalfStorage"), "expected 6 numbers of float16, found 24 bytes"),
        (PickleBuilder.tensor(name: "a\nb"), "a name without control characters"),
    ]

    @Test(arguments: badTensors.indices)
    func tensorsBeyondTheirStorageAreRefused(index: Int) throws {
        let text = refusal(of: try file(Self.badTensors[index].pickle))
        #expect(text.contains(Self.badTensors[index].says), "\(text)")
    }

    @Test func aDimensionOfOneMayHaveAnyStride() throws {
        let weights = try WeightFile(
            path: file(PickleBuilder.tensor(shape: [1, 2, 1, 3], strides: [.max, 1, .max, 2])))
        #expect(weights.floats(of: try #require(weights.entries["t"])) == [0, 2, 4, 1, 3, 5])
    }

    @Test func aMissingStorageIsNamed() throws {
        let path = try file { pickle in
            pickle.bytes += [0x7D]
            pickle.text("t")
            pickle.tensorValue(key: "../../9")
        }
        #expect(refusal(of: path).contains("expected an entry 'w/data/../../9', found none"))
    }

    @Test func otherPicklesAreRefused() throws {
        let cases: [([UInt8], String)] = [
            ([0x2E], "expected a value on the stack"), ([0x4E, 0x2E], "found None"), ([0x5D, 0x2E], "found a list"),
            ([0x80, 6], "expected pickle protocol 2 to 5, found 6"), ([], "expected more operations, found the end"),
            ([0x69], "expected an operation that weights need, found 0x69"), ([0x75], "a mark on the stack"),
            ([0x28, 0x2E], "a value on the stack"), ([0x68, 9], "a value kept as 9"),
            ([0x4E, 0x62], "a value on the stack"),
            ([0x4E, 0x4E, 0x62], "a dictionary that gets attributes"), ([0x8A, 9], "at most 8 bytes"),
            ([0x4E, 0x29, 0x52], "a class and a tuple"), ([0x4E, 0x51], "('storage', class, key"),
            ([0x8C, 1, 0xFF], "text in UTF-8"), ([0x58, 0xFF, 0xFF, 0xFF, 0xFF], "expected 4294967295 bytes"),
            ([0x8D] + [UInt8](repeating: 0xFF, count: 8), "a smaller number"),
            ([0x7D, 0x4E, 0x4E, 0x73, 0x2E], "found no tensor"),
        ]
        for (operations, says) in cases {
            let text = refusal(of: try file(operations))
            #expect(text.contains(says), "\(text)")
        }
        #expect(
            refusal(of: try file { $0.bytes += [0x63] + [UInt8](repeating: 0x61, count: 9999) }).contains("256 bytes"))
    }

    @Test func otherShapesOfDictionaryAreRefused() throws {
        let several = try file { pickle in
            pickle.bytes += [0x7D, 0x28]
            for name in ["ema", "model"] {
                pickle.text(name)
                pickle.bytes += [0x7D]
                pickle.text("t")
                pickle.tensorValue()
                pickle.bytes += [0x73]
            }
            pickle.bytes += [0x75, 0x2E]
        }
        #expect(refusal(of: several).contains("found several dictionaries: 'ema', 'model'"))
        let twice = try file { pickle in
            pickle.bytes += [0x7D, 0x28]
            for _ in 0..<2 {
                pickle.text("t")
                pickle.tensorValue()
            }
            pickle.bytes += [0x75, 0x2E]
        }
        #expect(refusal(of: twice).contains("expected each name once"))
        let itself = try file { pickle in
            pickle.bytes += [0x7D, 0x71, 0]
            pickle.text("state_dict")
            pickle.bytes += [0x68, 0, 0x73, 0x2E]
        }
        #expect(refusal(of: itself).contains("more than 8 deep"))
    }

    /// Tied layers share a storage; a file whose tensors are many times its size is a bomb.
    @Test(arguments: [(4, true), (5, false), (5000, false)])
    func tensorsThatShareAStorageAreBounded(count: Int, isRead: Bool) throws {
        var pickle = PickleBuilder()
        pickle.bytes += [0x7D, 0x28]
        for index in 0..<count {
            pickle.text("t\(index)")
            pickle.tensorValue(count: 100_000, shape: [100, 1000], strides: [1000, 1])
        }
        pickle.bytes += [0x75, 0x2E]
        let storage = [UInt8](repeating: 0, count: 400_000)
        let path = try scratch.write("x.bin", StoredZipBuilder(pickle: pickle.bytes, storages: [storage]).bytes())
        if isRead {
            #expect(try WeightFile(path: path).entries.count == count)
        } else {
            #expect(refusal(of: path).contains("expected tensors of at most 4 times the file's"))
        }
    }

    @Test(.timeLimit(.minutes(1)))
    func bombsAreRefusedWithinBoundedMemory() throws {
        let million = 4_000_000
        let bombs: [[UInt8]] = [
            [UInt8](repeating: 0x5D, count: million), [UInt8](repeating: 0x28, count: million),
            [0x29] + [UInt8](repeating: 0x85, count: million), [0x4E] + [UInt8](repeating: 0x94, count: million),
            [0x5D, 0x94] + (0..<million / 2).flatMap { _ in [0x68, 0] as [UInt8] },
        ]
        for bomb in bombs {
            #expect(refusal(of: try file([0x80, 2] + bomb + [0x2E])).contains("expected at most 1000000 values"))
        }
    }

    @Test func nestingIsReadAndForgottenWithoutAStack() throws {
        // A tuple in a tuple, 300,000 deep, beside a tensor: ignored.
        let path = try file { pickle in
            pickle.bytes += [0x7D, 0x28]
            pickle.text("deep")
            pickle.bytes += [0x29] + [UInt8](repeating: 0x85, count: 300_000)
            pickle.text("t")
            pickle.tensorValue()
            pickle.bytes += [0x75, 0x2E]
        }
        #expect(try WeightFile(path: path).entries.keys.sorted() == ["t"])
    }
}
