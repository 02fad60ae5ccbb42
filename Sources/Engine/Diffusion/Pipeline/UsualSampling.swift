// The sampler's settings where nobody says others.

/// The settings of docs/method.md, section 4: producers record them, workers and `generate` fall back on them.
public enum UsualSampling {
    /// Calls of the U-Net.
    public static let steps = 50
    /// The weight of the prompt against the empty prompt.
    public static let guidance = 3.5
}
