// Publisher confirms as a pure state machine: which published messages the broker has answered for.

/// Knows every message published on a channel in confirm mode that the broker has not answered for yet.
///
/// RabbitMQ numbers the messages of a channel from 1, and answers with `basic.ack` or `basic.nack` of one number or of
/// all up to it (`multiple`), in any order. A `basic.return` comes before the ack of the same message.
public struct ConfirmTracker<Entry: Sendable>: Sendable {
    /// What the broker said about one message.
    public enum Verdict: Sendable {
        /// It took responsibility for it.
        case confirmed
        /// It had no queue for it, for this reason.
        case returned(reason: String)
        /// It refused it.
        case refused
    }

    private struct Slot {
        var entry: Entry
        var returnReason: String?
    }

    /// Slots of the numbers from `firstNumber`; `nil` when answered. `slots[..<head]` are dead.
    private var slots: [Slot?] = []
    private var head = 0
    private var firstNumber: UInt64 = 1

    /// How many messages are not answered for.
    public private(set) var outstandingCount = 0

    /// Starts at the number 1, as a channel does when confirms are selected.
    public init() {}

    /// The number that the broker will give the next message.
    public var nextNumber: UInt64 { firstNumber + UInt64(slots.count - head) }

    /// Records a message that was handed to the socket; returns its number.
    @discardableResult
    public mutating func published(_ entry: Entry) -> UInt64 {
        let number = nextNumber
        slots.append(Slot(entry: entry, returnReason: nil))
        outstandingCount += 1
        return number
    }

    /// Marks the oldest unanswered entry that `matches` as returned; its ack will then say so.
    /// - Returns: false when there is none.
    @discardableResult
    public mutating func returned(reason: String, matches: (Entry) -> Bool) -> Bool {
        for index in head..<slots.count {
            guard let slot = slots[index], slot.returnReason == nil, matches(slot.entry) else { continue }
            slots[index]?.returnReason = reason
            return true
        }
        return false
    }

    /// Takes a `basic.ack`; the entries it answers for, oldest first.
    ///
    /// Empty for a number that was never published or is answered already.
    public mutating func acknowledged(_ number: UInt64, multiple: Bool) -> [(Entry, Verdict)] {
        take(number, multiple: multiple).map { slot in
            (slot.entry, slot.returnReason.map { .returned(reason: $0) } ?? .confirmed)
        }
    }

    /// Takes a `basic.nack`; the entries it answers for, oldest first.
    public mutating func refused(_ number: UInt64, multiple: Bool) -> [(Entry, Verdict)] {
        take(number, multiple: multiple).map { slot in
            (slot.entry, slot.returnReason.map { .returned(reason: $0) } ?? .refused)
        }
    }

    /// The channel is gone: forgets everything, and returns what was outstanding, oldest first, to be sent again.
    public mutating func connectionLost() -> [Entry] {
        let entries = slots[head...].compactMap { $0?.entry }
        self = ConfirmTracker()
        return entries
    }

    private mutating func take(_ number: UInt64, multiple: Bool) -> [Slot] {
        let last = nextNumber - 1
        // RabbitMQ may send 0 with `multiple` for "everything so far".
        let number = number == 0 && multiple ? last : number
        guard number >= firstNumber, number <= last else { return [] }
        let end = head + Int(number - firstNumber)
        var taken: [Slot] = []
        for index in (multiple ? head : end)...end {
            guard let slot = slots[index] else { continue }
            taken.append(slot)
            slots[index] = nil
        }
        outstandingCount -= taken.count
        dropAnswered()
        return taken
    }

    /// Moves the head over answered slots, and gives memory back now and then, so that each costs constant time.
    private mutating func dropAnswered() {
        while head < slots.count, slots[head] == nil {
            head += 1
            firstNumber += 1
        }
        guard head == slots.count || head > 4096 else { return }
        slots.removeFirst(head)
        head = 0
    }
}
