internal import AudioStages
internal import FluxGraph
internal import Glibc
internal import GraphLanguage

extension Plan {
  /// What the file of a source holds, and who decodes it; nil for other sources, and for files this program's own decoder does not
  /// read.
  /// - Throws: `StageError` when the file cannot be opened or read.
  func soundFile(of node: PlanNode, native: Bool) throws -> SoundFile? {
    guard let source = try? node.specification.make(node.settings) as? FileSource, source.path.text != "-",
      let decoder = outputs(of: node.id).first.flatMap({ nodes[$0.to] }),
      let decode = try? decoder.specification.make(decoder.settings) as? Decode
    else { return nil }
    let home = getenv("HOME").map { String(cString: $0) }
    let path = source.path.resolved(in: node.directory ?? directory, home: home)
    return try SoundFile(path: path, raw: decode.raw, native: native || decode.native)
  }

  /// How decoders do their work, where it is another program that does it, by the numbers of their nodes.
  func decodingRemarks(native: Bool) -> [Int: String] {
    var remarks: [Int: String] = [:]
    for node in nodes {
      guard let sound = try? soundFile(of: node, native: native), case .ffmpeg = sound.decoding,
        let decoder = outputs(of: node.id).first
      else { continue }
      remarks[decoder.to] = "through ffmpeg"
    }
    return remarks
  }
}
