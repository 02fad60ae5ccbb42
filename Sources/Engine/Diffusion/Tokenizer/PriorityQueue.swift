// A binary heap.

/// Gives its elements back least first.
struct PriorityQueue<Element: Comparable> {
    private var heap: [Element] = []

    mutating func push(_ element: Element) {
        heap.append(element)
        var index = heap.count - 1
        while index > 0, case let parent = (index - 1) / 2, heap[index] < heap[parent] {
            heap.swapAt(index, parent)
            index = parent
        }
    }

    mutating func pop() -> Element? {
        guard let least = heap.first else { return nil }
        let last = heap.removeLast()
        if heap.isEmpty { return least }
        heap[0] = last
        var index = 0
        while case let child = lesserChild(of: index), child < heap.count, heap[child] < heap[index] {
            heap.swapAt(index, child)
            index = child
        }
        return least
    }

    private func lesserChild(of index: Int) -> Int {
        let left = 2 * index + 1
        return left + 1 < heap.count && heap[left + 1] < heap[left] ? left + 1 : left
    }
}
