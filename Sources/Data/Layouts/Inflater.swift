// Unpacks gzip data with zlib, a piece at a time.

import CZlib

/// Unpacks the gzip members of a file, one after the other, in constant memory.
@safe final class Inflater {
    /// What one call gave.
    enum Step {
        /// So many unpacked bytes.
        case bytes(Int)
        /// Everything that was fed is used up.
        case needsInput
        /// It is not gzip data; zlib's reason.
        case damaged(String)
    }

    /// Whether a member has just ended, so that the file may end here.
    private(set) var isBetweenMembers = false
    private let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    private var input: [UInt8] = []
    private var position = 0

    /// Begins with no data.
    init() {
        unsafe stream.initialize(to: z_stream())
        // 16 more than the largest window: a gzip header, not zlib's.
        let status = unsafe inflateInit2_(stream, 15 + 16, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        precondition(status == Z_OK, "zlib could not allocate its window")
    }

    deinit {
        unsafe inflateEnd(stream)
        unsafe stream.deallocate()
    }

    /// Takes packed bytes; what was fed before must be used up.
    func feed(_ bytes: [UInt8]) {
        precondition(position == input.count, "packed bytes are used up before more are fed")
        input = bytes
        position = 0
    }

    /// Unpacks into the beginning of `piece`.
    func inflate(into piece: inout [UInt8]) -> Step {
        while position < input.count {
            if isBetweenMembers {
                // gzip itself ignores zeros behind the last member; tapes pad with them.
                position = input[position...].firstIndex { $0 != 0 } ?? input.count
                if position == input.count { break }
                unsafe inflateReset(stream)
                isBetweenMembers = false
            }
            let (status, count) = step(into: &piece)
            if status == Z_STREAM_END { isBetweenMembers = true }
            guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
                let reason = unsafe stream.pointee.msg.map { unsafe String(cString: $0) } ?? "zlib's code \(status)"
                return .damaged(reason)
            }
            if count > 0 { return .bytes(count) }
        }
        return .needsInput
    }

    /// One call of zlib: its status and how many bytes it unpacked.
    private func step(into piece: inout [UInt8]) -> (status: Int32, count: Int) {
        unsafe input.withUnsafeMutableBufferPointer { packed in
            unsafe piece.withUnsafeMutableBufferPointer { unpacked in
                unsafe stream.pointee.next_in = packed.baseAddress! + position
                unsafe stream.pointee.avail_in = UInt32(packed.count - position)
                unsafe stream.pointee.next_out = unpacked.baseAddress
                unsafe stream.pointee.avail_out = UInt32(unpacked.count)
                let status = unsafe CZlib.inflate(stream, Z_NO_FLUSH)
                position = unsafe packed.count - Int(stream.pointee.avail_in)
                return unsafe (status, unpacked.count - Int(stream.pointee.avail_out))
            }
        }
    }
}
