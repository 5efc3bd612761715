internal import FluxGraph

extension SoundFormat {
  /// Ogg with an Opus stream in it, whatever other streams there are.
  package static let oggOpus = SoundFormat(
    "Ogg Opus", ffmpeg: "ogg",
    reader: Reader(
      obstacle: { beginning in
        guard case .opus(let packet) = beginning.oggStreams, packet.count >= OpusHead.shortest else {
          return .undecided
        }
        do throws(OggOpusError) {
          _ = try OpusHead(packet)
        } catch {
          if case .unsupportedMapping(let family) = error {
            return .foreign(name: "Ogg Opus of mapping family \(family)")
          }
        }
        return .none
      },
      decoder: { OggOpusSoundDecoder(wanted: $0) },
      length: OggOpusSoundDecoder.length, isServed: true),
    mark: Mark(first: [UInt8(ascii: "O")]) { $0.hasFirstPage }
  ) { beginning in
    if beginning.mayBecome(Beginning.capture) { return .undecided }
    return switch beginning.oggStreams {
    case .opus: .yes(name: "Ogg Opus")
    case .undecided: .undecided
    case .none, .others: .no
    }
  }

  /// Ogg with other codecs; it goes by the name of the first.
  static let otherOgg = SoundFormat("Ogg with another codec", ffmpeg: "ogg") { beginning in
    guard case .others(let codec) = beginning.oggStreams else { return .no }
    return .yes(name: codec.map { "Ogg with \($0)" } ?? "Ogg with an unknown codec")
  }
}

/// What the first pages of an Ogg stream say.
private enum OggStreams {
  case none, undecided
  /// The first packet of a stream of Opus.
  case opus(UnsafeRawBufferPointer)
  case others(first: String?)
}

extension Beginning {
  fileprivate static let capture = "OggS"

  /// Whether there is a page of Ogg that says in its flags that it is the first of a stream.
  fileprivate var hasFirstPage: Bool {
    has(Self.capture) && number(at: 4, bytes: 1) == 0 && (number(at: 5, bytes: 1) ?? 0) & 2 != 0
  }

  /// The first pages each hold the first packet of a logical stream (RFC 3533 §6); Opus need not be the first of them.
  fileprivate var oggStreams: OggStreams {
    guard has(Self.capture) else { return .none }
    var (place, first): (Int, String?) = (0, nil)
    while true {
      let page = behind(place)
      guard let segments = page.number(at: 26, bytes: 1), page.count >= 27 + segments + 8 else {
        return isAll ? .others(first: first) : .undecided
      }
      guard page.has(Self.capture), page.bytes[5] & 2 != 0 else { return .others(first: first) }
      let packet = page.behind(27 + segments).bytes
      let codec = OggCodec.name(packet)
      if codec == "Opus" {
        let length = page.bytes[27..<(27 + segments)].reduce(0) { $0 + Int($1) }
        return .opus(UnsafeRawBufferPointer(rebasing: packet.prefix(length)))
      }
      first = first ?? codec
      place += 27 + segments + page.bytes[27..<(27 + segments)].reduce(0) { $0 + Int($1) }
    }
  }
}
