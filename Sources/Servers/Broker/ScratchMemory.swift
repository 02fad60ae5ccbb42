// Memory that outlives one call into librabbitmq, for the strings and tables it borrows.

import CRabbitMQ

/// Lends C memory until ``reset()``.
///
/// `amqp_bytes_t` borrows: the bytes must stay in place until the call that uses them has returned. Blocks never move;
/// a reset keeps the first one, so publishing small messages allocates nothing.
@unsafe final class ScratchMemory {
    private static let blockSize = 16 << 10
    private var blocks: [UnsafeMutableRawBufferPointer]
    private var used = 0

    init() {
        unsafe blocks = [.allocate(byteCount: Self.blockSize, alignment: 16)]
    }

    deinit {
        unsafe blocks.forEach { unsafe $0.deallocate() }
    }

    /// Ends all loans.
    func reset() {
        while unsafe blocks.count > 1 { unsafe blocks.removeLast().deallocate() }
        unsafe used = 0
    }

    /// Copies a string.
    func bytes(_ string: String) -> amqp_bytes_t {
        var string = string
        return string.withUTF8 { utf8 in
            let copy = unsafe reserve(utf8.count)
            unsafe copy.copyMemory(from: UnsafeRawBufferPointer(utf8))
            return unsafe amqp_bytes_t(len: utf8.count, bytes: copy.baseAddress)
        }
    }

    /// A table of text values, and of further entries.
    func table(_ values: [String: String], adding entries: [amqp_table_entry_t] = unsafe []) -> amqp_table_t {
        var all = unsafe entries
        for (key, value) in values.sorted(by: { $0.key < $1.key }) {
            var field = unsafe amqp_field_value_t()
            unsafe field.kind = UInt8(AMQP_FIELD_KIND_UTF8.rawValue)
            unsafe field.value.bytes = unsafe bytes(value)
            unsafe all.append(amqp_table_entry_t(key: bytes(key), value: field))
        }
        return unsafe table(all)
    }

    /// A table of switches that are all on.
    func switches(_ names: [String]) -> amqp_table_t {
        unsafe table(
            names.map { name in
                var field = unsafe amqp_field_value_t()
                unsafe field.kind = UInt8(AMQP_FIELD_KIND_BOOLEAN.rawValue)
                unsafe field.value.boolean = 1
                return unsafe amqp_table_entry_t(key: bytes(name), value: field)
            })
    }

    private func table(_ entries: [amqp_table_entry_t]) -> amqp_table_t {
        let memory = unsafe reserve(entries.count * MemoryLayout<amqp_table_entry_t>.stride)
        let typed = unsafe memory.bindMemory(to: amqp_table_entry_t.self)
        unsafe _ = typed.initialize(from: entries)
        return unsafe amqp_table_t(num_entries: Int32(entries.count), entries: typed.baseAddress)
    }

    private func reserve(_ count: Int) -> UnsafeMutableRawBufferPointer {
        let start = unsafe (used + 15) & ~15
        if unsafe start + count > blocks[blocks.count - 1].count {
            unsafe blocks.append(.allocate(byteCount: max(Self.blockSize, count), alignment: 16))
            unsafe used = count
            return unsafe UnsafeMutableRawBufferPointer(rebasing: blocks[blocks.count - 1][..<count])
        }
        unsafe used = start + count
        return unsafe UnsafeMutableRawBufferPointer(rebasing: blocks[blocks.count - 1][start..<(start + count)])
    }
}
