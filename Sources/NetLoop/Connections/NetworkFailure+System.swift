import FluxGraph
import Glibc

extension NetworkFailure {
  static func system(_ number: Int32, while doing: String) -> NetworkFailure {
    NetworkFailure(.system(number), "There was an error while \(doing): \(String(cString: strerror(number)))")
  }
}
