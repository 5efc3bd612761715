import FluxGraph
import Foundation
import TestSupport

extension Peers {
  /// Runs a script of `Peers/` and returns the objects it printed, one a line.
  static func run(script: String, _ arguments: [String], input: Data = Data()) async throws -> [JSONValue] {
    let path = URL(filePath: #filePath).appending(path: "../../Peers/\(script)").standardized.path
    let output = try await onThread { try run(python, [path] + arguments, input: [UInt8](input)) }
    return try String(decoding: output, as: UTF8.self).split(separator: "\n").map {
      try JSONValue.parse(String($0))
    }
  }
}
