internal import FluxGraph

/// A part of a transcript: a recognised word as it stands in the text, or what stands between two words.
struct TranscriptPiece {
  var text: Substring
  /// The index of the word; nil between words.
  var word: Int?
}

extension TurnEvent {
  /// The transcript, cut where its words begin and end. The pieces together are the transcript; a word that is not found
  /// in it, in order, is left out.
  var transcriptPieces: [TranscriptPiece] {
    var pieces: [TranscriptPiece] = []
    var position = transcript.startIndex
    for (index, word) in words.enumerated() where !word.word.isEmpty {
      // Words follow each other closely; a limit keeps the search linear whatever a service sends.
      let length = word.word.count + 64
      let end =
        transcript.index(position, offsetBy: length, limitedBy: transcript.endIndex) ?? transcript.endIndex
      guard let found = transcript[position..<end].firstRange(of: word.word) else { continue }
      if position < found.lowerBound {
        pieces.append(TranscriptPiece(text: transcript[position..<found.lowerBound]))
      }
      pieces.append(TranscriptPiece(text: transcript[found], word: index))
      position = found.upperBound
    }
    if position < transcript.endIndex { pieces.append(TranscriptPiece(text: transcript[position...])) }
    return pieces
  }
}
