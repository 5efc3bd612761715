import Foundation

/// The README, as a reader copies from it.
struct Readme {
  let text: String

  init() throws {
    text = try String(contentsOf: Peers.packageRoot.appending(path: "README.md"), encoding: .utf8)
  }

  /// The fenced blocks of a language.
  func blocks(_ language: String) -> [String] {
    var blocks: [String] = []
    var block: String?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if let open = block {
        if line == "```" {
          blocks.append(open)
          block = nil
        } else {
          block = open + line + "\n"
        }
      } else if line == "```" + language {
        block = ""
      }
    }
    return blocks
  }

  /// What stands between single back quotes, and the lines of fenced shell blocks.
  var commands: [String] {
    let spans = text.matches(of: /`([^`\n]+)`/).map { String($0.output.1) }
    return spans + blocks("sh").flatMap { $0.split(separator: "\n").map(String.init) }
  }
}
