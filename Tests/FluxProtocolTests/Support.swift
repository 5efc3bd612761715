import Foundation
import TestSupport

/// One to four random changes of a few bytes.
func mutated(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
  var bytes = bytes
  for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
    let place = Int.random(in: 0..<bytes.count, using: &generator)
    switch Int.random(in: 0..<5, using: &generator) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
    case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
    case 2: bytes.remove(at: place)
    case 3: bytes[place] = Array(#"{}[]",:\u0eE+-.nutf "#.utf8).randomElement(using: &generator) ?? 0
    default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
    }
  }
  return bytes
}

/// A capture of the production service, with what the vendor's own parser makes of it.
enum LiveCapture {
  /// The capture is not part of the repository; the variable names the directory that has it.
  static let directory = ProcessInfo.processInfo.environment["FLUX_VECTORS"]

  static func read(_ name: String) throws -> [UInt8] {
    guard let directory else { throw CocoaError(.fileNoSuchFile) }
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(directory)/flux-live/\(name)")))
  }
}
