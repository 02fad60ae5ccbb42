// Members of an object by name, each once, with the place of whatever is wrong.

extension JSONReader where Failure == JSONFault {
    /// Reads the value of `key` into `member`, which must be empty: a second value would hide the first.
    ///
    /// What is wrong inside says so with `key` in its ``JSONFault/part``.
    public mutating func read<Value>(
        _ key: String, into member: inout Value?, _ body: (inout Self) throws(JSONFault) -> Value
    ) throws(JSONFault) {
        guard member == nil else {
            var fault = fault("each key once")
            fault.found = "\"\(key)\" again before this"
            fault.repeatedKey = key
            throw fault
        }
        do throws(JSONFault) { member = try body(&self) } catch { throw error.inside(key) }
    }

    /// The elements of a list, in order; what is wrong in one says so with its index in ``JSONFault/part``.
    public mutating func list<Element>(
        _ body: (inout Self) throws(JSONFault) -> Element
    ) throws(JSONFault) -> [Element] {
        var list: [Element] = []
        try elements { (reader) throws(JSONFault) in
            do throws(JSONFault) { list.append(try body(&reader)) } catch { throw error.inside("[\(list.count)]") }
        }
        return list
    }

    /// The value of a key that an object must have, which was just read to its end.
    public func required<Value>(_ key: String, _ value: Value?) throws(JSONFault) -> Value {
        guard let value else {
            var fault = fault("the key \"\(key)\"")
            fault.found = "an object without it before this"
            throw fault
        }
        return value
    }
}

extension JSONFault {
    /// The same fault of a text that is the value of `key` in another.
    func inside(_ key: String) -> JSONFault {
        var fault = self
        fault.part = key + (part.isEmpty || part.hasPrefix("[") ? "" : ".") + part
        return fault
    }
}
