// The survey as a picture.

import Layouts
public import Pixels

extension AttributeSurvey {
    /// Categories that a chart shows; the rest is one bar.
    private static let categoriesOfChart = 80

    /// The survey as stacked bars, easy beside hard: by size, then by category.
    public func chart() -> Image {
        let shown = categories.prefix(Self.categoriesOfChart)
        var rows = shown.map { $0.bar(BitmapFont.spelled($0.name)) }
        let rest = categories.dropFirst(shown.count)
        if !rest.isEmpty {
            var tally = AttributeTally()
            for row in rest {
                tally.easy += row.tally.easy
                tally.hard += row.tally.hard
            }
            rows.append(Row(name: "", tally: tally).bar("\(rest.count) others"))
        }
        let limits = [Size.small: "below 32x32", .medium: "below 96x96", .large: "96x96 and more"]
        let bySize = zip(Size.allCases, sizes).map { size, row in row.bar("\(row.name), \(limits[size] ?? "")") }
        let all = Row(name: "", tally: total).bar("all objects")
        return BarChart(
            title: job, subtitle: subtitle,
            legend: [
                ContactSheet.LegendEntry(label: "easy", color: .easyGreen),
                ContactSheet.LegendEntry(label: "hard", color: .hardRed),
            ],
            groups: [
                BarChart.Group(title: "by box area (pixels)", bars: bySize + [all]),
                BarChart.Group(title: "by category", bars: rows),
            ]
        ).rendered()
    }

    private var subtitle: String {
        let rule = "gamma \(gamma), beta \(beta)" + (sameClass ? ", same class" : "")
        return ["\(detector) \(detectorDigest.prefix(12))", rule, "\(images) of \(tasks) images"].joined(
            separator: "  |  ")
    }
}

extension AttributeSurvey.Row {
    fileprivate func bar(_ label: String) -> BarChart.Bar {
        BarChart.Bar(label: label, parts: [tally.easy, tally.hard])
    }
}
