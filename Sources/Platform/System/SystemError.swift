internal import Glibc

/// What the system answered instead of doing what it was asked for.
package struct SystemError: Error, Hashable, CustomStringConvertible {
  /// An `errno`.
  package var number: Int32

  package init(number: Int32) {
    self.number = number
  }

  package var description: String { String(cString: strerror(number)) }
}
