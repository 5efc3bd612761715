import Testing

@testable import Platform

@Suite struct BackOffTests {
  @Test("waits double up to the longest, and begin anew")
  func waits() {
    var backOff = BackOff(.seconds(1), upTo: .seconds(5))
    #expect((0..<5).map { _ in backOff.next() } == [1, 2, 4, 5, 5].map { .seconds($0) })
    backOff.reset()
    #expect(backOff.next() == .seconds(1))
    // A first wait that is longer than the longest is not taken.
    var short = BackOff(.seconds(9), upTo: .seconds(5))
    #expect(short.next() == .seconds(5) && short.next() == .seconds(5))
  }
}
