// How generators may be called, since their names become parts of queue names.

/// The name of a generator: what producers ask for and workers serve.
public enum GeneratorName {
    /// 1 to 40 lower-case letters, digits and `-`, beginning with a letter or digit.
    public static func isValid(_ name: String) -> Bool {
        (1...40).contains(name.utf8.count) && name.first != "-" && name.utf8.allSatisfy(isAllowed)
    }

    /// What ``isValid(_:)`` asks for, in words for error messages.
    public static let rule = "1 to 40 of a-z, 0-9 and '-', beginning with a letter or digit"

    /// The generators that this package makes or will make; no program may have one of these names.
    ///
    /// A job names its generator only, so a program of that name would get the jobs that are meant for the built-in one.
    public static let builtIn = [sketch, blank, diffusion]
    /// The generator that draws the layout: the dry run of a real job.
    public static let sketch = "sketch"
    /// The generator that fills images with a color: measures everything but generating.
    public static let blank = "blank"
    /// The generator that computes a checkpoint.
    public static let diffusion = "diffusion"
    /// What a worker's options call any generator that is a program; a job has the name in the program's ready line.
    public static let program = "program"

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): true
        default: false
        }
    }
}
