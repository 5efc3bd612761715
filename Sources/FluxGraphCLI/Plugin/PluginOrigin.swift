internal import FluxGraph
internal import FluxGraphHost
internal import FoundationEssentials

/// Where a new package finds fluxgraph's own.
struct PluginOrigin {
  /// A dependency as a manifest writes it.
  struct Reference {
    /// The path or URL, for people.
    var place: String
    /// Why this one.
    var reason: String
    /// The line of the manifest's `dependencies`.
    var dependency: String
    /// What the manifest calls the package.
    var identity: String

    /// The name of the directory, or the last part of the URL: what SwiftPM knows the package by.
    var directoryName: String { PluginOrigin.identity(place) }
  }

  private enum Named {
    case path(String)
    case url(String)
  }

  private let named: Named?

  /// - Parameter text: what `--fluxgraph` says; nil without it.
  init(_ text: String?) throws(UsageError) {
    guard let text else {
      named = nil
      return
    }
    guard !text.isEmpty, !text.contains(where: { $0 == "\"" || $0 == "\\" || $0.isNewline }) else {
      throw UsageError("`--fluxgraph` needs a directory or a URL")
    }
    let isURL = ["https://", "http://", "ssh://", "file://", "git@"].contains { text.hasPrefix($0) }
    named = isURL ? .url(text) : .path(text)
  }

  /// - Throws: `StageError` when the package is nowhere to be found.
  func reference() throws(StageError) -> Reference {
    switch named {
    case .url(let url):
      return Reference(
        place: url, reason: "as `--fluxgraph` says; its branch `main`",
        dependency: ".package(url: \"\(url)\", branch: \"main\")", identity: Self.identity(url))
    case .path(let path):
      guard Self.isPackage(path) else {
        throw StageError(
          .inputOutput,
          "\(path) is not fluxgraph's package: it has no Package.swift with the product FluxGraphCLI",
          help: "`--fluxgraph` takes the directory of its sources, or a URL.")
      }
      return Self.reference(path, "as `--fluxgraph` says")
    case nil:
      if let found = Self.builtFrom { return Self.reference(found, "this program was built there") }
      if let found = Self.aroundProgram { return Self.reference(found, "this program lies in it") }
      throw StageError(
        .inputOutput, "the sources this program was built from, \(Self.compiled), are no longer there",
        help: "Say where fluxgraph's package is: `--fluxgraph DIR`, or a URL.")
    }
  }

  /// A package in a directory is called by the name the manifest gives it here, whatever the directory is called.
  private static func reference(_ path: String, _ reason: String) -> Reference {
    let whole = URL(filePath: path).resolvingSymlinksInPath().path
    return Reference(
      place: whole, reason: reason, dependency: ".package(name: \"fluxgraph\", path: \"\(whole)\")",
      identity: "fluxgraph")
  }

  /// What SwiftPM calls a package from a URL: the last part of it, as for a path.
  fileprivate static func identity(_ place: String) -> String {
    let last = place.split { $0 == "/" || $0 == ":" }.last.map(String.init) ?? place
    return last.hasSuffix(".git") ? String(last.dropLast(4)) : last
  }

  /// The directory this file was compiled in: `…/Sources/FluxGraphCLI/PluginOrigin.swift`.
  private static var compiled: String {
    #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
  }

  private static var builtFrom: String? { isPackage(compiled) ? compiled : nil }

  /// A checkout around the running program, such as `…/.build/release/fluxgraph`.
  private static var aroundProgram: String? {
    var place = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    for _ in 0..<6 {
      if isPackage(place.path) { return place.path }
      place.deleteLastPathComponent()
    }
    return nil
  }

  private static func isPackage(_ path: String) -> Bool {
    guard let bytes = try? InputFile.read(path + "/Package.swift", limit: 1 << 20) else { return false }
    return String(decoding: bytes, as: UTF8.self).contains(".library(name: \"FluxGraphCLI\"")
  }
}
