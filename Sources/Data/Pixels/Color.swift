// An opaque RGB8 colour, and palettes of colours that tell categories apart.

/// An opaque colour in sRGB, 8 bits a channel.
public struct Color: Hashable, Sendable {
    /// Red, 0...255.
    public var red: UInt8
    /// Green, 0...255.
    public var green: UInt8
    /// Blue, 0...255.
    public var blue: UInt8

    /// A colour from its channels, each 0...255.
    public init(red: UInt8, green: UInt8, blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// A colour from its usual notation, such as `0x1F9D55`; bits above 24 are ignored.
    public init(hex: UInt32) {
        self.init(red: UInt8(hex >> 16 & 255), green: UInt8(hex >> 8 & 255), blue: UInt8(hex & 255))
    }

    /// A colour from hue (turns; the whole part is ignored), saturation and lightness (0...1).
    public init(hue: Double, saturation: Double, lightness: Double) {
        let chroma = (1 - abs(2 * lightness - 1)) * saturation
        let sextant = (hue - hue.rounded(.down)) * 6
        let second = chroma * (1 - abs(sextant.truncatingRemainder(dividingBy: 2) - 1))
        let (red, green, blue): (Double, Double, Double) =
            switch Int(sextant) {
            case 0: (chroma, second, 0)
            case 1: (second, chroma, 0)
            case 2: (0, chroma, second)
            case 3: (0, second, chroma)
            case 4: (second, 0, chroma)
            default: (chroma, 0, second)
            }
        let floor = lightness - chroma / 2
        func channel(_ value: Double) -> UInt8 { UInt8(min(max((value + floor) * 255, 0), 255).rounded()) }
        self.init(red: channel(red), green: channel(green), blue: channel(blue))
    }

    /// Black.
    public static let black = Color(hex: 0x000000)
    /// White.
    public static let white = Color(hex: 0xFFFFFF)
    /// What contact sheets draw easy objects in.
    public static let easyGreen = Color(hex: 0x15804A)
    /// What contact sheets draw hard objects in.
    public static let hardRed = Color(hex: 0xD3303A)
    /// What contact sheets draw background objects in.
    public static let backgroundGray = Color(hex: 0x6B7385)
}

extension Color {
    /// The `index`-th of `count` colours whose hues are evenly spaced around the circle.
    ///
    /// Neighbouring indices lie far apart in hue (a step near the golden section, coprime to `count`), and from 13
    /// colours on they alternate between three lightnesses as well. An index beyond `count` wraps around.
    public static func distinct(index: Int, of count: Int) -> Color {
        precondition(count > 0, "a palette needs at least one colour")
        // Category ids come from files, and may be negative.
        let index = index >= 0 ? index : ~index
        let position = index % count * goldenStep(of: count) % count
        let (lightness, brightest) = count > 12 ? [(0.47, 0.24), (0.60, 0.40), (0.36, 0.13)][index % 3] : (0.48, 0.26)
        return Color(hue: Double(position) / Double(count), saturation: 0.66, lightness: lightness)
            .dimmed(toLuminance: brightest)
    }

    /// This colour made darker until its luminance is at most `limit`: greens and yellows glare where reds do not.
    private func dimmed(toLuminance limit: Double) -> Color {
        luminance <= limit ? self : mixed(with: .black, amount: 1 - (limit / luminance).squareRoot())
    }

    /// The step nearest to `count` times the golden section that visits every one of `count` places.
    private static func goldenStep(of count: Int) -> Int {
        func greatestCommonDivisor(_ first: Int, _ second: Int) -> Int {
            second == 0 ? first : greatestCommonDivisor(second, first % second)
        }
        let start = max(1, Int((Double(count) * 0.381966).rounded()))
        return (start...max(start, count)).first { greatestCommonDivisor($0, count) == 1 } ?? 1
    }

    /// Brightness as the eye sees it, 0...1, with gamma taken as 2.
    public var luminance: Double {
        func linear(_ channel: UInt8) -> Double { Double(channel) * Double(channel) / 65_025 }
        return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    /// The ratio of the two colours' luminances, 1 (alike) to 21, as WCAG 2 defines contrast.
    public func contrast(with other: Color) -> Double {
        let (darker, lighter) = (min(luminance, other.luminance), max(luminance, other.luminance))
        return (lighter + 0.05) / (darker + 0.05)
    }

    /// White, or a near black where white would be hard to read on this colour.
    public var readableInk: Color {
        let dark = Color(hex: 0x14171C)
        return contrast(with: .white) >= 3 ? .white : dark
    }

    /// This colour moved towards `other` by `amount`, 0...1.
    public func mixed(with other: Color, amount: Double) -> Color {
        func mix(_ from: UInt8, _ onto: UInt8) -> UInt8 {
            UInt8((Double(from) + (Double(onto) - Double(from)) * min(max(amount, 0), 1)).rounded())
        }
        return Color(red: mix(red, other.red), green: mix(green, other.green), blue: mix(blue, other.blue))
    }
}
