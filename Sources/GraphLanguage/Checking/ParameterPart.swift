/// A part of a parameter that holds a path, as texts and paths name it: `{$input.stem}`.
package enum ParameterPart: String, CaseIterable {
  /// What stands after the last `/`: `call.wav` of `calls/monday/call.wav`.
  case name
  /// The name without its last extension: `call`.
  case stem
  /// What stands before the last `/`: `calls/monday`; `.` where there is none.
  case directory

  /// The part of a path or URL. What follows `?` or `#` in a URL is no part of a name.
  package func text(of path: String) -> String {
    var path = Substring(path)
    if path.contains("://"), let end = path.firstIndex(where: { $0 == "?" || $0 == "#" }) {
      path = path[..<end]
    }
    while path.count > 1, path.hasSuffix("/") { path = path.dropLast() }
    let slash = path.lastIndex(of: "/")
    let name = slash.map { path[path.index(after: $0)...] } ?? path
    switch self {
    case .name: return String(name)
    case .stem:
      guard let dot = name.lastIndex(of: "."), name[..<dot].contains(where: { $0 != "." }) else {
        return String(name)
      }
      return String(name[..<dot])
    case .directory:
      guard let slash else { return "." }
      return slash == path.startIndex ? "/" : String(path[..<slash])
    }
  }
}
