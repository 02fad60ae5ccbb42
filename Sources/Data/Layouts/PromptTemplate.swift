// How a layout is written as a prompt.

/// The form of a prompt: which text the generator's checkpoint was trained with.
public enum PromptTemplate: String, Codable, Sendable, CaseIterable {
    /// `An image with person <l23> <l44> [easy] person <l45> <l80> [hard]`: GeoDiffusion's form with the attribute
    /// after each object, all parts separated by one space. Eight objects always fit CLIP's 77 tokens.
    case compact
    /// `An image with (person,<l23><l44>,[easy]),(person,<l45><l80>,[hard])`: the paper's form.
    case paper
    /// `An image with person <l23> <l44> person <l45> <l80>`: GeoDiffusion's form, without attributes.
    case geodiffusion

    /// What every prompt begins with.
    public static let opening = "An image with "

    /// The prompt of a layout: for each object its category, upper-left token, lower-right token and attribute.
    ///
    /// Corners are clipped to the image and divided by its sides, so they lie in 0...1.
    public func prompt(for layout: Layout, bins: Bins) -> String {
        let parts = layout.objects.map { text(of: $0, in: layout, bins: bins) }
        return Self.opening + parts.joined(separator: self == .paper ? "," : " ")
    }

    private func text(of object: LayoutObject, in layout: Layout, bins: Bins) -> String {
        let width = Double(layout.width)
        let height = Double(layout.height)
        let box = object.box.clipped(toWidth: width, height: height)
        let first = "<l\(bins.token(x: box.x / width, y: box.y / height))>"
        let second = "<l\(bins.token(x: box.maxX / width, y: box.maxY / height))>"
        let category = Category(id: object.categoryID, name: object.category).promptText
        return switch self {
        case .compact: "\(category) \(first) \(second) \(object.attribute.promptText)"
        case .paper: "(\(category),\(first)\(second),\(object.attribute.promptText))"
        case .geodiffusion: "\(category) \(first) \(second)"
        }
    }
}
