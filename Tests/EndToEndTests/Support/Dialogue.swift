import Foundation
import Testing

/// Sentences spoken by flite, with a pause behind each.
struct Dialogue: Sendable {
  static let sentences = ["What is the weather like in London today?", "Please wait for me at the station."]
  static let shared = Task { try await Dialogue() }

  let path: String
  private let folder: Folder

  private init() async throws {
    folder = try Folder()
    path = folder.path("dialogue.wav")
    // A faint noise stands for the room: no recording is digitally silent.
    try await Peers.shell(
      Self.sentences.enumerated().map { index, sentence in
        """
        flite -voice rms -t '\(sentence)' -o line.wav
        ffmpeg -nostdin -v error -i line.wav -af adelay=300,apad=pad_dur=1.3 -ac 1 -ar 16000 -f s16le \(index).raw
        """
      }.joined(separator: "\n") + """

        cat ?.raw > all.raw
        ffmpeg -nostdin -v error -f s16le -ar 16000 -ac 1 -i all.raw \
          -f lavfi -i anoisesrc=sample_rate=16000:amplitude=0.002:color=pink:seed=1 \
          -filter_complex amix=inputs=2:duration=first:normalize=0 dialogue.wav
        """, in: folder.path)
  }

  /// Samples without a header.
  func samples() throws -> [UInt8] {
    let bytes = try folder.bytes(of: "all.raw")
    return Array(bytes)
  }
}

/// Word errors per word said: substitutions, deletions and insertions.
func wordErrorRate(said: [String], heard: [String]) -> Double {
  func words(_ lines: [String]) -> [Substring] {
    let text = lines.joined(separator: " ").lowercased()
    return text.filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "'" }.split(separator: " ")
  }
  let (said, heard) = (words(said), words(heard))
  var row = Array(0...heard.count)
  for (index, word) in said.enumerated() {
    var diagonal = row[0]
    row[0] = index + 1
    for column in heard.indices {
      let above = row[column + 1]
      row[column + 1] = min(above + 1, row[column] + 1, diagonal + (word == heard[column] ? 0 : 1))
      diagonal = above
    }
  }
  return Double(row[heard.count]) / Double(max(said.count, 1))
}
