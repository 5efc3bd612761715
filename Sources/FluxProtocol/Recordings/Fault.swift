/// One thing that goes wrong on a connection to a server that was asked for it.
package struct Fault: Equatable, Sendable {
  /// When a connection is cut, falls silent or is closed. Times are seconds of audio, so that the same audio fails at
  /// the same message.
  package enum Moment: Equatable, Sendable {
    /// In place of the first message about this much audio; 0 stands for `Connected`.
    case after(Double)
    /// In place of the first message after `StartOfTurn`.
    case midTurn
    /// Behind an `EagerEndOfTurn`, before what follows it.
    case afterEager
  }

  package enum Kind: Equatable, Sendable {
    /// The upgrade is refused, at all times or this many.
    case refuse(status: Int, times: Int?, retryAfter: Int?)
    /// The request is taken and not answered.
    case neverAnswer
    /// The upgrade succeeds, and no message ever comes.
    case noConnected
    /// The connection stays, and no message comes any more.
    case stall(Moment)
    /// The connection ends without a close frame.
    case drop(Moment)
    /// The same within a message: after half of the first one about this much audio.
    case dropMidFrame(after: Double)
    /// The same after this many bytes of messages.
    case dropAtByte(Int)
    /// The connection is closed, with a code or without.
    case close(code: Int?, reason: String, Moment)
    /// Messages are late: by `delay` and up to `jitter` more; their order is kept.
    case latency(delay: Duration, jitter: Duration)
    /// Something is put before the first message about this much audio, not before `Connected`.
    case insert(Intruder, after: Double)
    /// That message and the next change places.
    case wrongOrder(after: Double)
    /// That message comes twice, with the same `sequence_id`.
    case duplicateSequence(after: Double)
    /// The client's bytes are read at this many a second.
    case slowReader(bytesPerSecond: Int)
  }

  /// What no correct server sends.
  package enum Intruder: Equatable, Sendable {
    /// A frame with reserved bits and opcode, and random bytes.
    case garbageFrame
    /// The head of a text frame that announces this many bytes, and a few of them.
    case oversizeFrame(bytes: Int)
    /// A text message that is not UTF-8.
    case badUTF8
    /// A text message that is not JSON.
    case badJSON
    /// A message of a type nobody knows, which clients should pass over.
    case unknownType
  }

  package var kind: Kind
  /// Which connection of the server it hits, from 1; nil hits each.
  package var connection: Int?
  /// The probability that it hits a connection.
  package var chance = 1.0
  /// As it was written.
  package var text: String
}

/// What is wrong with the text of a fault, one plain sentence.
package struct FaultError: Error, Equatable, Sendable, CustomStringConvertible {
  package let description: String

  init(_ description: String) { self.description = description }
}
