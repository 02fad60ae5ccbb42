// The kinds of record files that users give, and what to say about one that is wrong.

/// A kind of JSON file of flat records.
enum RecordFileForm {
    /// A COCO annotation file of things.
    case annotations
    /// A COCO annotation file of stuff.
    case stuff
    /// A detector's results in COCO's results format.
    case detections

    /// What can be wrong with a file.
    enum Fault {
        /// It holds nothing.
        case empty
        /// It ends in the middle.
        case truncated
        /// It is no JSON; the text where reading stopped.
        case syntax(String)
        /// It is JSON of another shape.
        case shape
        /// A value of a record is not what its field's kind should be.
        case value(RecordField.Kind?, found: String)
    }

    /// What the file is, for messages.
    var subject: String {
        switch self {
        case .annotations: "annotations"
        case .stuff: "stuff annotations"
        case .detections: "detections"
        }
    }

    /// What mends a fault of this kind of file.
    func advice(on fault: Fault) -> String {
        switch fault {
        case .empty: "give a file that holds something; a pipe can be read by one option only"
        case .truncated: "copy or download it again"
        case .syntax(let text): Self.advice(onSyntax: text)
        case .shape: shape
        case .value(.integer, let found) where found.hasPrefix("the string"):
            "number images, annotations and categories with whole numbers, here and wherever they are named"
        case .value(.fraction, _): "scores run from 0 to 1: divide percentages by 100"
        case .value: "mend that record"
        }
    }

    private var shape: String {
        switch self {
        case .annotations, .stuff:
            "COCO's annotation files are one object with the lists images, annotations and categories; a list of "
                + "detections goes to --detections"
        case .detections:
            "a detector's results are one list [{\"image_id\":…,\"category_id\":…,\"bbox\":[x,y,width,height],\"score\":…}]; "
                + "an annotation file goes to --annotations"
        }
    }

    private static func advice(onSyntax text: String) -> String {
        if text.hasPrefix("version https") { return "that is a Git LFS pointer: fetch the file itself (git lfs pull)" }
        if text.hasPrefix("<") { return "that is a web page or XML: download the file itself" }
        let word = text.drop { " :,[{".contains($0) }
        if ["NaN", "Inf", "-Inf", "aN", "nf"].contains(where: word.hasPrefix) {
            return "JSON has no NaN and no Infinity: leave the key out, or write a number"
        }
        if word.hasPrefix("'") { return "JSON puts double quotes around texts: write the file with a JSON library" }
        if ["T", "F", "None", "rue", "alse", "one"].contains(where: word.hasPrefix) {
            return "JSON writes true, false and null: write the file with a JSON library"
        }
        return "make it JSON there"
    }
}
