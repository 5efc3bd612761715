internal import FluxGraph
internal import FoundationEssentials
internal import Glibc
internal import GraphLanguage
internal import Platform

/// `fluxgraph plugin new`: writes a package for a stage of one's own.
struct PluginCommand {
  static let kinds = ["source", "transform", "recogniser", "events", "sink"]

  private let name: PluginName
  private let kind: String
  private let directory: String
  private let origin: PluginOrigin

  init(_ arguments: [String], _ catalogue: Catalogue) throws(UsageError) {
    var reader = ArgumentReader(arguments, known: ["--kind", "--path", "--fluxgraph"])
    var words: [String] = []
    var kind: String?
    var path: String?
    var location: String?
    while let argument = reader.next() {
      switch argument {
      case "--kind": kind = try reader.choice(of: argument, Self.kinds)
      case "--path": path = try reader.value(of: argument)
      case "--fluxgraph": location = try reader.value(of: argument)
      default:
        if argument.hasPrefix("-") { throw reader.unknown(argument) }
        words.append(argument)
      }
    }
    guard let action = words.first else {
      throw UsageError("`plugin` needs an action: `plugin new NAME --kind KIND`")
    }
    guard action == "new" else {
      throw UsageError("`plugin` knows `new`, not `\(action)`", candidates: ["new"], given: action)
    }
    guard words.count > 1 else {
      throw UsageError("`plugin new` needs a name, which becomes the stage's word")
    }
    guard words.count == 2 else {
      throw UsageError("`plugin new` takes one name, and got `\(words[1])` and `\(words[2])`")
    }
    name = try PluginName(words[1], catalogue)
    guard let kind else {
      throw UsageError("`plugin new` needs `--kind`: \(Self.kinds.joined(separator: ", "))")
    }
    self.kind = kind
    directory = path ?? name.word
    guard !directory.isEmpty else { throw UsageError("`--path` needs a directory") }
    origin = try PluginOrigin(location)
  }

  func run() throws(StageError) -> ExitCode {
    let reference = try origin.reference()
    try checkDirectory(reference)
    let files = PluginTemplate(name, kind, reference).files
    try write(files)
    Terminal.output.write(lines: summary(files, reference))
    return .success
  }

  /// SwiftPM tells packages apart by the names of their directories alone.
  private func checkDirectory(_ reference: PluginOrigin.Reference) throws(StageError) {
    let name = URL(filePath: directory).standardizedFileURL.lastPathComponent
    guard name.lowercased() == reference.directoryName.lowercased() else { return }
    throw StageError(
      .inputOutput,
      "a package in a directory called \(name) cannot use fluxgraph from \(reference.place): SwiftPM takes both for the same",
      help: "Choose another name, or another directory with `--path DIR`.")
  }

  /// Puts the package into a directory that is not there yet, or empty.
  private func write(_ files: [(path: String, text: String)]) throws(StageError) {
    let manager = FileManager.default
    var isDirectory = false
    if manager.fileExists(atPath: directory, isDirectory: &isDirectory) {
      let isEmpty = isDirectory && (try? manager.contentsOfDirectory(atPath: directory).isEmpty) == true
      guard isEmpty else {
        throw StageError(
          .inputOutput, "\(directory) is there already, and is not overwritten",
          help: "Choose another name, or another directory with `--path DIR`.")
      }
    }
    do {
      for (path, text) in files {
        let place = directory + "/" + path
        try manager.createDirectory(
          atPath: place.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
            separator: "/"),
          withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: place), options: .withoutOverwriting)
      }
    } catch {
      let cause = (error as? CocoaError)?.underlying as? POSIXError
      let reason = cause.map { String(cString: strerror($0.code.rawValue)) } ?? "\(error)"
      throw StageError(.inputOutput, "the package cannot be written to \(directory): \(reason)")
    }
  }

  private func summary(_ files: [(path: String, text: String)], _ reference: PluginOrigin.Reference) -> String
  {
    var text = "\(directory): a package with the \(kind) `\(name.word)`\n\n"
    for file in files { text += "  \(file.path)\n" }
    text += "\nfluxgraph is taken from \(reference.place) (\(reference.reason)).\n\n"
    text += "next:\n  cd \(directory)\n  swift test\n"
    text +=
      "  swift run \(name.word) check \(name.word).graph\n  swift run \(name.word) run \(name.word).graph\n"
    return text
  }
}

/// A stage's word, and what follows from it.
struct PluginName {
  /// The word in the graph, which is also the name of the package and of its command.
  let word: String
  /// The Swift type's name without what every type of a stage ends with: `Loud` for `loud`.
  let base: String

  /// The stage's Swift type.
  var type: String { base + "Stage" }
  /// The module that holds it and the command.
  var module: String { base + "Host" }

  init(_ word: String, _ catalogue: Catalogue) throws(UsageError) {
    let bytes = Array(word.utf8)
    let isWord = bytes.allSatisfy {
      (97...122).contains($0) || (48...57).contains($0) || $0 == 95 || $0 == 45
    }
    guard isWord, let first = bytes.first, (97...122).contains(first), bytes.count <= 64, bytes.last != 45
    else {
      throw UsageError(
        "`\(word)` cannot be a stage's name: it takes up to 64 lower-case letters, digits, `_` and `-`, a letter first"
      )
    }
    if catalogue[word] != nil {
      throw UsageError("there is a stage called `\(word)` already; choose another name")
    }
    if Reserved.words.contains(word) {
      throw UsageError("`\(word)` is a word of the graph language; choose another name")
    }
    // A package of this name would stand in for our own.
    if word == "fluxgraph" { throw UsageError("`fluxgraph` is this program's own name; choose another one") }
    self.word = word
    base = word.split { $0 == "_" || $0 == "-" }.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
  }
}
