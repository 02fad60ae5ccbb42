// Stacked bars: parts of the right lengths and colors.

import Pixels
import Testing

struct BarChartTests {
    private static let legend = [
        ContactSheet.LegendEntry(label: "easy", color: .easyGreen),
        ContactSheet.LegendEntry(label: "hard", color: .hardRed),
    ]

    private static func chart(_ bars: [BarChart.Bar]) -> Image {
        BarChart(
            title: "job", subtitle: "detector", legend: legend,
            groups: [BarChart.Group(title: "by category", bars: bars), BarChart.Group(title: "none", bars: [])]
        ).rendered()
    }

    /// Pixels of a color below the legend in the columns of the share bars, and of the count bars.
    private static func pixels(_ color: Color, of image: Image) -> (share: Int, counts: Int) {
        var share = 0, counts = 0
        for y in 100..<image.height {
            for x in 0..<image.width where image[x, y] == color {
                if x < 770 { share += 1 } else { counts += 1 }
            }
        }
        return (share, counts)
    }

    @Test func partsAreAsLongAsTheirCounts() {
        // Small parts carry no text, which would take pixels away.
        let image = Self.chart([.init(label: "cat", parts: [97, 3])])
        let (easy, hard) = (Self.pixels(.easyGreen, of: image), Self.pixels(.hardRed, of: image))
        #expect(hard.share == (430 - Int((430 * 0.97).rounded()) - 2) * 18, "two columns part it from the easy part")
        #expect(easy.counts > 25 * hard.counts && hard.counts > 0)
    }

    @Test func aBarOfNothingHasNoPartAndTheLargestIsTheLongest() {
        let none = Self.chart([.init(label: "cat", parts: [0, 0])])
        #expect(Self.pixels(.easyGreen, of: none) == (0, 0) && Self.pixels(.hardRed, of: none) == (0, 0))
        let two = Self.chart([.init(label: "cat", parts: [0, 100]), .init(label: "dog", parts: [0, 50])])
        let one = Self.chart([.init(label: "cat", parts: [0, 100])])
        #expect(Self.pixels(.hardRed, of: two).counts == Self.pixels(.hardRed, of: one).counts * 3 / 2)
    }

    @Test func itIsAsHighAsItsGroupsAndTakesAnyLabel() {
        let few = Self.chart([.init(label: "裂缝", parts: [1, 2])])
        let many = Self.chart(
            (0..<40).map { .init(label: String(repeating: "x", count: 300 + $0), parts: [$0, 9_999_999]) })
        #expect(few.width == 1200 && many.width == 1200 && many.height - few.height == 39 * 30)
    }
}
