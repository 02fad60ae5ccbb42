// The greatest of many numbers.

extension Array where Element == Float {
    /// The places of the `count` greatest numbers, the greatest first; of equal ones the first.
    ///
    /// Numbers that are too small are looked at once; sorting all would take several times as long.
    func placesOfGreatest(_ count: Int) -> [Int] {
        guard count > 0 else { return [] }
        var places: [Int] = []
        var bound = -Float.infinity
        func cut() {
            places.sort { self[$0] != self[$1] ? self[$0] > self[$1] : $0 < $1 }
            guard places.count > count else { return }
            places.removeSubrange(count...)
            bound = self[places[count - 1]]
        }
        for place in indices where self[place] > bound || places.count < count {
            places.append(place)
            if places.count == 4 * count { cut() }
        }
        cut()
        return places
    }
}
