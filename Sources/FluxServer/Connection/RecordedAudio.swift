import FluxGraph
import FluxProtocol
import FoundationEssentials

/// What a recording knows of its audio: by how many bytes it had come to which hash, whoever cut it where.
struct RecordedAudio: Sendable {
  struct Mark: Sendable, Equatable {
    var bytes: Int
    /// Of audio, up to there.
    var seconds: Double
    /// SHA-256 of all bytes up to there, in hexadecimal.
    var hash: String
  }

  let marks: [Mark]
  private let encoding: String?
  private let sampleRate: Int?

  /// nil where the recording holds neither audio nor hashes.
  init?(_ recording: FluxRecording) {
    let query = recording.url.drop { $0 != "?" }.dropFirst()
    let parameters = try? ListenParameters(query: String(query))
    (encoding, sampleRate) = (parameters?.encoding, parameters?.sampleRate)
    var marks: [Mark] = []
    var hash = SHA256()
    var bytes = 0
    reading: for frame in recording.frames {
      guard case .binary(let count, let audio) = frame.content else { continue }
      bytes += count
      switch audio {
      case .base64(let text):
        guard let data = Data(base64Encoded: text), data.count == count else { break reading }
        hash.update(data)
        marks.append(Mark(bytes: bytes, seconds: frame.audio, hash: hash.digest.hexadecimal))
      case .sha256(let text): marks.append(Mark(bytes: bytes, seconds: frame.audio, hash: text))
      case .unknown: break reading
      }
    }
    guard !marks.isEmpty else { return nil }
    self.marks = marks
  }

  /// Whether a client's bytes can be the recorded ones at all.
  func isComparable(with parameters: ListenParameters) -> Bool {
    parameters.encoding == encoding && parameters.sampleRate == sampleRate
  }
}

/// Compares a client's audio with the recorded one while it comes.
struct AudioComparison: Sendable {
  private let marks: [RecordedAudio.Mark]
  private var next = 0
  private var bytes = 0
  private var hash = SHA256()
  private var difference: Double?

  init(_ audio: RecordedAudio) { marks = audio.marks }

  mutating func take(_ audio: [UInt8]) {
    var rest = audio[...]
    while difference == nil, next < marks.count, !rest.isEmpty {
      let piece = rest.prefix(marks[next].bytes - bytes)
      rest = rest.dropFirst(piece.count)
      hash.update(piece)
      bytes += piece.count
      while next < marks.count, marks[next].bytes == bytes, difference == nil {
        if hash.digest.hexadecimal != marks[next].hash { difference = marks[next].seconds }
        next += 1
      }
    }
    bytes += rest.count
  }

  /// What came of it, as the end of a sentence.
  var verdict: String {
    if let difference { return "its audio is not the recorded one, which differs before \(difference) s" }
    let isWhole = next == marks.count && bytes == marks.last?.bytes
    return "its audio is the recorded one" + (isWhole ? "" : " as far as both go")
  }
}
