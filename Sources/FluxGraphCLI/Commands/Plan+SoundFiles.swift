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
    return try SoundFile(
      path: path, raw: decode.raw, forbiddenBy: decode.native ? "`native`" : native ? "`--strict`" : nil)
  }

  /// Files that another program decodes, or none: what is said of each, or why it cannot be.
  func decodings(native: Bool) -> [(node: PlanNode, result: Result<String, StageError>)] {
    nodes.compactMap { node in
      guard let sound = try? soundFile(of: node, native: native) else { return nil }
      let name = (try? node.specification.make(node.settings) as? FileSource)?.subject ?? ""
      if var problem = sound.problem {
        problem.message = "\(name): \(problem.message)"
        return (node, .failure(problem))
      }
      guard case .ffmpeg(let program) = sound.decoding, let format = sound.format else { return nil }
      return (node, .success("\(name) holds \(format), which \(program) decodes"))
    }
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
