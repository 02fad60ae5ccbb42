// The categories of exports as readers find them.

import Foundation
import Testing

@testable import Exports
@testable import Layouts

@Suite struct CategoryTests {
    @Test func cocosOwnCategoriesNameTheirGroup() throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        func line(_ id: Int, _ name: String) throws -> String {
            let category = CocoCategory(Layouts.Category(id: id, name: name))
            return String(decoding: try encoder.encode(category), as: UTF8.self)
        }
        #expect(try line(3, "car") == #"{"id":3,"name":"car","supercategory":"vehicle"}"#)
        #expect(try line(145, "playingfield") == #"{"id":145,"name":"playingfield","supercategory":"ground"}"#)
        #expect(try line(3, "weld") == #"{"id":3,"name":"weld"}"#)
        #expect((CocoCategories.things + CocoCategories.stuff).allSatisfy { CocoCategory($0).supercategory != nil })
    }
}
