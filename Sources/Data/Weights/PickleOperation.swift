// The operations of pickles that weights need.

/// An operation by its byte, with the name that CPython's `pickletools` gives it in a comment.
enum PickleOperation: UInt8 {
    case mark = 0x28  // MARK
    case stop = 0x2E  // STOP
    case pop = 0x30  // POP
    case popGroup = 0x31  // POP_MARK
    case none = 0x4E  // NONE
    case isTrue = 0x88  // NEWTRUE
    case isFalse = 0x89  // NEWFALSE
    case integer1 = 0x4B  // BININT1
    case integer2 = 0x4D  // BININT2
    case integer4 = 0x4A  // BININT
    case long1 = 0x8A  // LONG1
    case long4 = 0x8B  // LONG4
    case number = 0x47  // BINFLOAT
    case string1 = 0x8C  // SHORT_BINUNICODE
    case string4 = 0x58  // BINUNICODE
    case string8 = 0x8D  // BINUNICODE8
    case bytes1 = 0x43  // SHORT_BINBYTES
    case bytes4 = 0x42  // BINBYTES
    case bytes8 = 0x8E  // BINBYTES8
    case emptyTuple = 0x29  // EMPTY_TUPLE
    case tuple1 = 0x85  // TUPLE1
    case tuple2 = 0x86  // TUPLE2
    case tuple3 = 0x87  // TUPLE3
    case tuple = 0x74  // TUPLE
    case emptyList = 0x5D  // EMPTY_LIST
    case append = 0x61  // APPEND
    case appends = 0x65  // APPENDS
    case emptyDictionary = 0x7D  // EMPTY_DICT
    case setItem = 0x73  // SETITEM
    case setItems = 0x75  // SETITEMS
    case put1 = 0x71  // BINPUT
    case put4 = 0x72  // LONG_BINPUT
    case memoize = 0x94  // MEMOIZE
    case get1 = 0x68  // BINGET
    case get4 = 0x6A  // LONG_BINGET
    case global = 0x63  // GLOBAL
    case stackGlobal = 0x93  // STACK_GLOBAL
    case reduce = 0x52  // REDUCE
    case build = 0x62  // BUILD
    case persistentID = 0x51  // BINPERSID
    case version = 0x80  // PROTO
    case frame = 0x95  // FRAME
}

extension Unpickler {
    mutating func perform(_ operation: PickleOperation) throws(WeightError) {
        switch operation {
        case .mark: try mark()
        case .pop: _ = try pop()
        case .popGroup: _ = try popGroup()
        case .none: try push(.none)
        case .isTrue: try push(.bool(true))
        case .isFalse: try push(.bool(false))
        case .integer1, .integer2, .integer4, .long1, .long4, .number: try performNumber(operation)
        case .string1, .string4, .string8, .bytes1, .bytes4, .bytes8: try performText(operation)
        case .emptyTuple, .tuple1, .tuple2, .tuple3, .tuple: try performTuple(operation)
        case .emptyList: try push(.list(container([])))
        case .append: try append(pop(1))
        case .appends: try append(popGroup())
        case .emptyDictionary: try push(.dictionary(container([])))
        case .setItem: try setItems(pop(2))
        case .setItems: try setItems(popGroup())
        case .put1: try memoize(at: unsigned(1))
        case .put4: try memoize(at: unsigned(4))
        case .memoize: try memoize(at: nil)
        case .get1: try recall(unsigned(1))
        case .get4: try recall(unsigned(4))
        case .global: try pushGlobal(module: line(), name: line())
        case .stackGlobal: try pushStackGlobal()
        case .reduce: try reduce()
        case .build: try build()
        case .persistentID: try loadStorage()
        case .version: try checkVersion()
        case .frame: _ = try unsigned(8)
        case .stop: preconditionFailure("the loop stops")
        }
    }

    private mutating func checkVersion() throws(WeightError) {
        let version = try unsigned(1)
        guard (2...5).contains(version) else {
            throw failure(expected: "pickle protocol 2 to 5", found: "\(version)")
        }
    }

    private mutating func performNumber(_ operation: PickleOperation) throws(WeightError) {
        switch operation {
        case .integer1: try push(.integer(unsigned(1)))
        case .integer2: try push(.integer(unsigned(2)))
        case .integer4: try push(.integer(signed(4)))
        case .long1: try push(.integer(signed(unsigned(1))))
        case .long4: try push(.integer(signed(unsigned(4))))
        default:
            let bits = try take(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            try push(.number(Double(bitPattern: bits)))
        }
    }

    private mutating func performText(_ operation: PickleOperation) throws(WeightError) {
        switch operation {
        case .string1: try push(.string(text(unsigned(1))))
        case .string4: try push(.string(text(unsigned(4))))
        case .string8: try push(.string(text(unsigned(8))))
        case .bytes1: try skipBytes(unsigned(1))
        case .bytes4: try skipBytes(unsigned(4))
        default: try skipBytes(unsigned(8))
        }
    }

    private mutating func skipBytes(_ count: Int) throws(WeightError) {
        _ = try take(count)
        try push(.bytes)
    }

    private mutating func performTuple(_ operation: PickleOperation) throws(WeightError) {
        let values =
            switch operation {
            case .emptyTuple: [PickleValue]()
            case .tuple1: try pop(1)
            case .tuple2: try pop(2)
            case .tuple3: try pop(3)
            default: try popGroup()
            }
        try push(.tuple(container(values)))
    }

    private mutating func pushStackGlobal() throws(WeightError) {
        let names = try pop(2)
        guard case .string(let module) = names[0], case .string(let name) = names[1] else {
            throw failure(expected: "the name of a class", found: "\(names[0].kind) and \(names[1].kind)")
        }
        try pushGlobal(module: module, name: name)
    }
}
