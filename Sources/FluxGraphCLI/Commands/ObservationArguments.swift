internal import FluxGraph
internal import Platform

/// What `run` and `batch` have in common: options that show how they fare.
struct ObservationArguments: Sendable {
  static let known = ["--stats", "--metrics", "--public"]

  var showsStatistics = false
  var address: ServerAddress?
  private(set) var isPublic = false

  /// Takes an option, if it is one of these.
  mutating func take(_ option: String, _ reader: inout ArgumentReader) throws(UsageError) -> Bool {
    switch option {
    case "--stats": showsStatistics = true
    case "--public": isPublic = true
    case "--metrics":
      let text = try reader.value(of: option)
      guard let address = try? ServerAddress.parse(.word(text)) else {
        throw UsageError("`--metrics` wants an address and a port, such as `127.0.0.1:9464`, not `\(text)`")
      }
      self.address = address
    default: return false
    }
    return true
  }

  /// Says what does not go together.
  func check() throws(UsageError) {
    guard let address else {
      if isPublic { throw UsageError("`--public` is for `--metrics`") }
      return
    }
    guard isPublic || address.isLoopback else {
      throw UsageError("\(address) can be reached from other machines; add `--public` if that is wanted")
    }
  }
}
