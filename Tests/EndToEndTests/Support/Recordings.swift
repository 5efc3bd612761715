import Foundation

/// Sounds for the tests, made once with ffmpeg.
struct Recordings: Sendable {
  static let shared = Task { try await Recordings() }

  private let folder: Folder

  private init() async throws {
    folder = try Folder()
    try await Peers.shell(
      """
      make() { ffmpeg -nostdin -v error -f lavfi -i "$1" $2; }
      make sine=440:sample_rate=16000:duration=0.6 '-ac 1 short.wav'
      make sine=440:sample_rate=44100:duration=2.0123 '-ac 2 stereo.wav'
      make anoisesrc=sample_rate=48000:duration=2:seed=7 '-ac 2 -c:a libopus -b:a 64k -page_duration 200000 noise.opus'
      make sine=440:sample_rate=16000:duration=60 '-ac 1 minute.wav'
      make sine=440:sample_rate=44100:duration=1 'sine.mp3'
      make sine=440:sample_rate=44100:duration=1 'sine.flac'
      make sine=440:sample_rate=44100:duration=1 '-ac 2 -c:a vorbis -strict -2 sine.ogg'
      for name in stereo.wav noise.opus; do
        ffmpeg -nostdin -v error -i $name -ac 1 -ar 16000 -f s16le $name.raw
      done
      """, in: folder.path)
  }

  func path(_ name: String) -> String { folder.path(name) }

  func bytes(of name: String) throws -> Data { try folder.bytes(of: name) }
}
