// The groups that COCO sorts its categories into.

extension CocoCategories {
    /// The group of one of COCO's categories, as `vehicle` of `car`; `nil` for a category that is not COCO's by id and
    /// name (source: the categories of instances_val2017.json and stuff_val2017.json).
    static func supercategory(of category: Category) -> String? {
        names[category.id] == category.name ? supercategory(ofID: category.id) : nil
    }

    /// The group of the category with this id of COCO's.
    static func supercategory(ofID id: Int) -> String? { supercategories.first { $0.ids.contains(id) }?.name }

    private static let supercategories: [(name: String, ids: Set<Int>)] = [
        ("person", [1]),
        ("vehicle", Set(2...9)),
        ("outdoor", Set(10...15)),
        ("animal", Set(16...25)),
        ("accessory", Set(27...33)),
        ("sports", Set(34...43)),
        ("kitchen", Set(44...51)),
        ("food", Set(52...61)),
        ("furniture", Set(62...70)),
        ("electronic", Set(72...77)),
        ("appliance", Set(78...82)),
        ("indoor", Set(84...90)),
        ("textile", [92, 93, 104, 105, 109, 131, 137, 141, 152, 167, 168]),
        ("plant", [94, 97, 119, 124, 129, 134, 142, 163, 169]),
        ("building", [95, 96, 128, 151, 158, 166]),
        ("furniture-stuff", [98, 107, 108, 110, 112, 123, 130, 133, 156, 161, 165]),
        ("structural", [99, 113, 138, 146, 164]),
        ("raw-material", [100, 132, 139, 143]),
        ("floor", [101, 114, 115, 116, 117, 118]),
        ("ceiling", [102, 103]),
        ("sky", [106, 157]),
        ("ground", [111, 125, 126, 136, 140, 144, 145, 147, 149, 154, 159]),
        ("water", [120, 148, 155, 178, 179]),
        ("food-stuff", [121, 122, 153, 170]),
        ("solid", [127, 135, 150, 160, 162, 182]),
        ("wall", Set(171...177)),
        ("window", [180, 181]),
    ]
}
