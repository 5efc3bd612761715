internal import FluxGraph

extension SoundFormat {
  /// WAV, also with 64-bit sizes (RF64, BW64).
  static let wav = SoundFormat(
    "WAV", ffmpeg: "wav", isSeekable: false,
    reader: Reader(
      obstacle: { beginning in
        var reader = WAVReader()
        var none: [Float] = []
        var room = none.mutableSpan
        do throws(WAVError) {
          _ = try reader.read(RawSpan(_unsafeBytes: beginning.bytes), into: &room)
        } catch {
          return error.foreignName.map { .foreign(name: $0) } ?? .none
        }
        return reader.format == nil ? .undecided : .none
      },
      decoder: { WAVDecoder(wanted: $0) },
      length: WAVDecoder.length, isServed: true),
    mark: Mark(first: Beginning.waveMarks.compactMap(\.utf8.first)) { $0.isWAV }
  ) { beginning in
    if beginning.isWAV { return .yes(name: "WAV") }
    let isBegun = Beginning.waveMarks.contains { beginning.mayBecome($0) || beginning.has($0) }
    return isBegun && beginning.count < 12 && !beginning.isAll ? .undecided : .no
  }
}

extension Beginning {
  fileprivate static let waveMarks = ["RIFF", "RF64", "BW64", "RIFX"]
  fileprivate var isWAV: Bool { has("WAVE", at: 8) && Self.waveMarks.contains { has($0) } }
}
