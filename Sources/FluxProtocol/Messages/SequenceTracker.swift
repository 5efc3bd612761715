/// Watches `sequence_id`, which counts all messages of a connection from 0: a gap is a lost message.
package struct SequenceTracker: Sendable {
  private var expected = 0

  package init() {}

  /// What is wrong with the number, in one sentence. Messages without a number, as some deployments send
  /// them, are taken to have the next one.
  package mutating func receive(_ sequenceID: Int?) -> String? {
    guard let sequenceID else {
      expected &+= 1
      return nil
    }
    defer { expected = sequenceID &+ 1 }
    return sequenceID == expected ? nil : "sequence_id is \(sequenceID) where \(expected) was due"
  }
}
