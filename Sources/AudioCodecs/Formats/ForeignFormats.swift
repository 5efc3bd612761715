// Formats that others read: how they begin, and what ffmpeg calls them.
extension SoundFormat {
  static let foreign = [
    flac, mp4, matroska, amr, caf, aiff, au, wave64, windowsMedia, avi, flashVideo, programStream, realMedia,
    wavPack, monkeysAudio,
    trueAudio, musepack, dsf, voc, sphere, qcp, dictation, dts, sox, ircam, adif, mp3, aac, ac3, enhancedAC3,
    transportStream,
  ]

  /// The first of its blocks says its own length, 34 bytes.
  static let flac = SoundFormat(
    "FLAC", ffmpeg: "flac",
    mark: Mark(first: [UInt8(ascii: "f")]) {
      $0.has(Array("fLaC".utf8) + [0, 0, 0, 34]) || $0.has(Array("fLaC".utf8) + [0x80, 0, 0, 34])
    },
    telling: { $0.has("fLaC") ? .yes(name: "FLAC") : .no })
  static let matroska = SoundFormat("WebM or Matroska", ffmpeg: "matroska") {
    $0.has([0x1A, 0x45, 0xDF, 0xA3])
  }
  static let amr = SoundFormat("AMR", ffmpeg: "amr") { $0.has("#!AMR") }
  static let caf = SoundFormat("CAF", ffmpeg: "caf") { $0.has("caff") }
  static let aiff = SoundFormat("AIFF", ffmpeg: "aiff") {
    $0.has("FORM") && ($0.has("AIFF", at: 8) || $0.has("AIFC", at: 8))
  }
  static let au = SoundFormat("AU", ffmpeg: "au") { $0.has(".snd") || $0.has("dns.") }
  // Sonic Foundry's, and Microsoft's ASF: by the beginnings of their identifiers.
  static let wave64 = SoundFormat("Wave64", ffmpeg: "w64") {
    $0.has(Array("riff".utf8) + [0x2E, 0x91, 0xCF, 0x11])
  }
  static let windowsMedia = SoundFormat("Windows Media", ffmpeg: "asf", isSeekable: false) {
    $0.has([0x30, 0x26, 0xB2, 0x75, 0x8E, 0x66, 0xCF, 0x11])
  }
  static let avi = SoundFormat("AVI", ffmpeg: "avi", isSeekable: false) {
    $0.has("RIFF") && $0.has("AVI ", at: 8)
  }
  static let flashVideo = SoundFormat("Flash video", ffmpeg: "flv") { $0.has("FLV\u{1}") }
  static let programStream = SoundFormat("an MPEG program stream", ffmpeg: "mpeg") {
    $0.has([0, 0, 1, 0xBA])
  }
  static let realMedia = SoundFormat("RealMedia", ffmpeg: "rm", isSeekable: false) { $0.has(".RMF") }
  static let wavPack = SoundFormat("WavPack", ffmpeg: "wv") { $0.has("wvpk") }
  static let monkeysAudio = SoundFormat("Monkey's Audio", ffmpeg: "ape") { $0.has("MAC ") }
  static let trueAudio = SoundFormat("TTA", ffmpeg: "tta") { $0.has("TTA1") }
  static let musepack = SoundFormat("Musepack", ffmpeg: "mpc8") { $0.has("MPCK") }
  static let dsf = SoundFormat("DSF", ffmpeg: "dsf") { $0.has("DSD ") }
  static let voc = SoundFormat("Creative Voice", ffmpeg: "voc", isSeekable: false) {
    $0.has("Creative Voice File\u{1A}")
  }
  static let sphere = SoundFormat("NIST SPHERE", ffmpeg: "nistsphere") { $0.has("NIST_1A\n") }
  static let qcp = SoundFormat("QCP", ffmpeg: "qcp", isSeekable: false) {
    $0.has("RIFF") && $0.has("QLCM", at: 8)
  }
  /// What dictating machines record.
  static let dictation = SoundFormat("DSS", ffmpeg: "dss") {
    $0.has([2] + Array("dss".utf8)) || $0.has([3] + Array("ds2".utf8))
  }
  static let dts = SoundFormat("DTS", ffmpeg: "dts", isSeekable: false) { $0.has([0x7F, 0xFE, 0x80, 0x01]) }
  static let sox = SoundFormat("SoX's own format", ffmpeg: "sox") { $0.has(".SoX") || $0.has("XoS.") }
  static let ircam = SoundFormat("IRCAM", ffmpeg: "ircam") {
    $0.has([0x64, 0xA3]) && $0.number(at: 3, bytes: 1) == 0 || $0.has([0, 0x04, 0xA3, 0x64])
      || $0.has([0, 0x02, 0xA3, 0x64])
  }
  static let adif = SoundFormat("AAC with an ADIF header", ffmpeg: nil) { $0.has("ADIF") }

  /// The index of an MP4 file may stand at its end.
  static let mp4 = SoundFormat(
    "MP4", ffmpeg: "mov",
    needsFile: {
      $0.hasIndexAtEnd ? "the index of this MP4 stands at its end, which a pipe comes to last" : nil
    }
  ) { ["ftyp", "moov", "mdat", "wide", "free"].contains(where: $0.hasBox) }

  // The rest begins with a frame, which is known by those that follow it.

  static let mp3 = SoundFormat("MP3", ffmpeg: "mp3", frames: FrameChain(MPEGFrame.self))
  static let aac = SoundFormat("AAC", ffmpeg: "aac", frames: FrameChain(ADTSFrame.self))
  static let ac3 = SoundFormat("AC-3", ffmpeg: "ac3", frames: FrameChain(AC3Frame.self))
  static let enhancedAC3 = SoundFormat("E-AC-3", ffmpeg: "eac3", frames: FrameChain(EnhancedAC3Frame.self))
  static let transportStream = SoundFormat(
    "an MPEG transport stream", ffmpeg: "mpegts", frames: FrameChain(TransportPacket.self))

  private init<Frame: StreamFrame>(_ name: String, ffmpeg demultiplexer: String, frames: FrameChain<Frame>) {
    self.init(
      name, ffmpeg: demultiplexer,
      mark: Mark(first: [Frame.first], isBeginning: false, stands: frames.stands),
      telling: frames.recognition(name))
  }
}

extension Beginning {
  fileprivate func hasBox(_ name: String) -> Bool { has(name, at: 4) }

  /// Whether the samples of an MP4 come before its index (ISO 14496-12 §4.2: a size, a name, and what they enclose).
  fileprivate var hasIndexAtEnd: Bool {
    var place = 0
    while let size = number(at: place, bytes: 4), place + 8 <= count {
      let box = behind(place)
      if box.hasBox("moov") { return false }
      if box.hasBox("mdat") { return true }
      let whole = size == 1 ? number(at: place + 8, bytes: 8) ?? 0 : size
      guard whole >= 8, whole <= count else { return false }
      place += whole
    }
    return false
  }
}
