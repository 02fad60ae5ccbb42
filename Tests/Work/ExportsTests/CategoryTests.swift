// The categories of exports as readers find them.

import Foundation
import Testing

@testable import Exports
@testable import Layouts

@Suite struct CategoryTests {
    @Test func categoriesAreThoseOfTheAnnotationFile() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        func line(_ category: Layouts.Category) throws -> String {
            String(decoding: try encoder.encode(CocoCategory(category)), as: UTF8.self)
        }
        let root = Layouts.Category(id: 0, name: "fruits", supercategory: "none")
        #expect(try line(root) == #"{"id":0,"name":"fruits","supercategory":"none"}"#)
        // COCO's group is no rule for a set of one's own, not even for a category of COCO's id and name.
        #expect(try line(Layouts.Category(id: 3, name: "car")) == #"{"id":3,"name":"car"}"#)
        #expect(CocoCategories.things[2].supercategory == "vehicle")
        #expect((CocoCategories.things + CocoCategories.stuff).allSatisfy { $0.supercategory != nil })
    }
}
