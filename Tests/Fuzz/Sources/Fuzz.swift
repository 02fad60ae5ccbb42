// The fuzzing program: `fuzz TARGET`, then whatever libFuzzer takes.

import CFuzzer
import Foundation

@main
enum Fuzz {
    /// The reader that this process is about; set once, before libFuzzer calls back.
    nonisolated(unsafe) private static var target = Targets.all[0]

    static func main() {
        let arguments = CommandLine.arguments
        guard arguments.count > 1, let found = Targets.all.first(where: { $0.name == arguments[1] }) else {
            print(Targets.all.map(\.name).joined(separator: "\n"))
            return
        }
        target = found
        var rest = ([arguments[0]] + arguments.dropFirst(2)).map { strdup($0) }
        var count = Int32(rest.count)
        rest.append(nil)
        rest.withUnsafeMutableBufferPointer { buffer in
            var pointer = buffer.baseAddress
            exit(
                LLVMFuzzerRunDriver(&count, &pointer) { bytes, count in
                    Fuzz.target.run([UInt8](UnsafeBufferPointer(start: bytes, count: count)))
                    return 0
                })
        }
    }
}
