import Foundation
import Glibc
import Testing

/// Caption files of a program that is killed, and of one that ends, as ffmpeg reads them.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs ffmpeg"))
struct CaptionFileTests {
  /// Two speakers without a sound, whose turns overlap: the one that begins first ends last.
  private static func folder() throws -> Folder {
    let folder = try Folder()
    try folder.write(
      """
      [{"word":"First,","start":0.3,"end":0.6},{"word":"and","start":0.9,"end":1.2},{"word":"longer.","start":1.5,"end":1.9}]
      """, to: "a.json")
    try folder.write(#"[{"word":"Second.","start":0.5,"end":0.8}]"#, to: "b.json")
    return folder
  }

  private static func graph(_ length: String) -> String {
    """
    a = tone silence \(length) | flux endpoint=local words="script:a.json" as=ann
    b = tone silence \(length) | flux endpoint=local words="script:b.json" as=bob
    a, b | srt talk.srt voice=stream
    a, b | vtt talk.vtt
    a, b | txt talk.txt
    """
  }

  /// Starts and lengths of the captions, in seconds, as ffprobe reads them.
  private func captions(_ name: String, in folder: Folder) async throws -> [[Double]] {
    let outcome = try await Program.run(
      "/bin/sh",
      [
        "-c", "exec ffprobe -v error -show_entries packet=pts_time,duration_time -of csv=p=0 \"$0\"",
        folder.path(name),
      ])
    #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
    return outcome.output.split(separator: "\n").map { $0.split(separator: ",").compactMap { Double($0) } }
  }

  @Test("captions are there as soon as a turn ends, and stay readable after SIGKILL")
  func killed() async throws {
    let folder = try Self.folder()
    let program = try Fluxgraph.start(Self.graph("live"), directory: folder.path)
    for name in ["talk.srt", "talk.vtt", "talk.txt"] {
      for _ in 0..<300 {
        if let text = try? folder.text(of: name), text.contains("longer."), text.contains("Second.") { break }
        try await Task.sleep(for: .milliseconds(100))
      }
    }
    program.signal(SIGKILL)
    _ = try await program.outcome()
    #expect(try folder.text(of: "talk.txt") == "bob: Second.\nann: First, and longer.\n")
    for name in ["talk.srt", "talk.vtt"] {
      #expect(
        try await captions(name, in: folder).sorted { $0[0] < $1[0] } == [[0.3, 1.6], [0.5, 1.0]], "\(name)")
    }
  }

  @Test("at the end the captions of several speakers stand in the order of time")
  func ended() async throws {
    let folder = try Self.folder()
    let outcome = try await Fluxgraph.run(Self.graph("duration=4s"), directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try folder.text(of: "talk.txt") == "ann: First, and longer.\nbob: Second.\n")
    #expect(
      try folder.text(of: "talk.srt")
        == """
        1
        00:00:00,300 --> 00:00:01,900
        ann: First, and longer.

        2
        00:00:00,500 --> 00:00:01,500
        bob: Second.


        """)
    for name in ["talk.srt", "talk.vtt"] {
      #expect(try await captions(name, in: folder) == [[0.3, 1.6], [0.5, 1.0]], "\(name)")
    }
    #expect(try folder.text(of: "talk.vtt").contains("<v ann>First, and longer."))
    let again = try await Fluxgraph.run(Self.graph("duration=1s"), directory: folder.path)
    #expect(again.status == 74 && again.errors.contains("is already there"), "\(again.errors)")
  }
}
