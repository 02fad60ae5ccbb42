// Budgets of memory.

import Testing

@testable import Diffusion

struct MemoryBudgetTests {
    @Test func whatOthersTakeIsLeftOut() {
        #expect(MemoryBudget(bytes: 100).less(30).bytes == 70)
        #expect(MemoryBudget(bytes: 100).less(130).bytes == 0)
    }
}
