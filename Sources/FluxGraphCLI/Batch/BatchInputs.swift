internal import FluxGraph
internal import FluxGraphHost
internal import Glibc

/// One input of a batch.
struct BatchInput: Sendable, Hashable {
  /// As the user gave it.
  var name: String
  /// What `$input` is: a URL as it is, a path from the root on, so that it means the same wherever the graph lies.
  var value: String
}

/// Finds out what the inputs of a batch are.
enum BatchInputs {
  /// More than any list of files.
  private static let listLimit = 1 << 30

  /// The inputs named on the command line, each once, in order: names themselves, `@FILE` for a list of names, `-` for one on
  /// standard input.
  /// - Parameter separator: what stands between the names of a list.
  /// - Throws: `StageError` when a list cannot be read.
  static func read(
    _ words: [String], separator: UInt8, directory: String
  ) throws(StageError) -> (inputs: [BatchInput], repetitions: Int) {
    var inputs: [BatchInput] = []
    var known: Set<String> = []
    var repetitions = 0
    func add(_ name: String) {
      let input = BatchInput(name: name, value: value(of: name, in: directory))
      if known.insert(input.value).inserted { inputs.append(input) } else { repetitions += 1 }
    }
    for word in words {
      if word == "-" {
        for name in names(in: try InputFile.read("-", limit: listLimit), separator) { add(name) }
      } else if word.hasPrefix("@") {
        for name in names(in: try InputFile.read(String(word.dropFirst()), limit: listLimit), separator) {
          add(name)
        }
      } else {
        add(word)
      }
    }
    return (inputs, repetitions)
  }

  /// The names in a list; empty ones are left out, and the carriage returns of a list written elsewhere.
  static func names(in bytes: [UInt8], _ separator: UInt8) -> [String] {
    bytes.split(separator: separator).compactMap { line in
      var line = line
      if separator == UInt8(ascii: "\n"), line.last == UInt8(ascii: "\r") { line.removeLast() }
      return line.isEmpty ? nil : String(decoding: line, as: UTF8.self)
    }
  }

  /// A path from the root on, without `.` and doubled slashes; a URL as it is.
  static func value(of name: String, in directory: String) -> String {
    if WebURL(name) != nil { return name }
    let whole = name.hasPrefix("/") ? name : directory + "/" + name
    let parts = whole.split(separator: "/").filter { $0 != "." }
    return "/" + parts.joined(separator: "/")
  }

  /// The working directory.
  static var workingDirectory: String {
    guard let path = getcwd(nil, 0) else { return "" }
    defer { free(path) }
    return String(cString: path)
  }
}
