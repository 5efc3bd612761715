import FluxGraph
import Foundation
import StageTesting
import TestSupport
import Testing

@testable import EventStages

@Suite struct CaptionWriterTests {
  private let world = TestWorld()

  private func stage(
    _ path: String, _ change: (inout CaptionSink<WebVTT>) -> Void = { _ in }
  ) throws -> CaptionSink<WebVTT> {
    var stage = CaptionSink<WebVTT>()
    stage.path = PathTemplate(try Template(path))
    change(&stage)
    return stage
  }

  private func cue(_ text: String, at start: Double, stream: String = "me") -> String {
    let times = "00:00:0\(fixedText(start, digits: 3)) --> 00:00:0\(fixedText(start + 1, digits: 3))"
    return "\(times)\n<v \(stream)>\(text)\n\n"
  }

  @Test func `a file is made with its first caption, and an empty one only when all went well`() async throws
  {
    let folder = try TemporaryFolder()
    var stage = try stage(folder.file("a.vtt"))
    try await stage.open(world.context())
    #expect(folder.names.isEmpty)
    try await stage.finish()
    #expect(try folder.text("a.vtt") == "WEBVTT\n\n")
  }

  @Test func `after a while of the stream another file begins, whose times count from there`() async throws {
    let folder = try TemporaryFolder()
    var stage = try stage(folder.file("{start}.vtt")) { $0.rotate = [.duration(.seconds(60))] }
    try await stage.open(world.context())
    for (word, start, stream) in [
      ("one", 3.0, "me"), ("two", 62.0, "me"), ("late", 59.0, "them"), ("three", 301.0, "me"),
    ] {
      try await stage.write(turn(1, stream: stream, spoken(word, from: start)))
    }
    try await stage.finish()
    #expect(folder.names == ["0.vtt", "300.vtt", "60.vtt"])
    let early = "WEBVTT\n\n" + cue("one", at: 3) + "00:00:59.000 --> 00:01:00.000\n<v them>late\n\n"
    #expect(try folder.text("0.vtt") == early)
    #expect(try folder.text("60.vtt") == "WEBVTT\n\n" + cue("two", at: 2))
    #expect(try folder.text("300.vtt") == "WEBVTT\n\n" + cue("three", at: 1))
  }

  @Test func `a file that would get too long is followed by another with a number`() async throws {
    let folder = try TemporaryFolder()
    var stage = try stage(folder.file("a.vtt")) { $0.rotate = [.size(.bytes(4096))] }
    try await stage.open(world.context())
    for number in 1...200 {
      try await stage.write(turn(number, stream: "me", spoken("word\(number)", from: Double(number))))
    }
    try await stage.finish()
    #expect(folder.names.first == "a-2.vtt" && folder.names.last == "a.vtt")
    let texts = try folder.names.map { try folder.text($0) }
    #expect(texts.allSatisfy { $0.utf8.count <= 4096 && $0.hasPrefix("WEBVTT\n\n") })
    #expect(texts.reduce(0) { $0 + $1.split(separator: "\n").count { $0.contains("-->") } } == 200)
  }

  @Test func `each stream has a file where the path names it`() async throws {
    let folder = try TemporaryFolder()
    var stage = try stage(folder.file("{stream}.vtt"))
    try await stage.open(world.context())
    for stream in ["me", "them", "me"] {
      try await stage.write(turn(1, stream: stream, spoken("word", from: 1)))
    }
    try await stage.finish()
    #expect(folder.names == ["me.vtt", "them.vtt"])
  }

  @Test func `a time of day in a name is one that any disk, host and program takes`() async throws {
    let folder = try TemporaryFolder()
    var stage = try stage(folder.file("{clock}.vtt"))
    try await stage.open(world.context())
    try await stage.finish()
    let name = try #require(folder.names.first)
    #expect(name.count == 12 && name.filter(\.isNumber).count == 6)
    #expect(name.allSatisfy { $0.isNumber || "-.vt".contains($0) })
  }

  @Test func `captions wait for a disk that is full, whole and in order`() async throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("a.vtt"), withDestinationPath: "/dev/full")
    var stage = try stage(folder.file("a.vtt")) { $0.overwrite = true }
    try await stage.open(world.context())
    try await stage.write(turn(1, stream: "me", spoken("one", from: 1)))
    try await stage.write(turn(2, stream: "me", spoken("two", from: 2)))
    #expect(world.notices.map(\.notice) == ["not-written"])
    #expect(world.notices[0].message.contains("a.vtt: No space left on device"))
    unlink(folder.file("a.vtt"))
    world.loop.advance(by: .seconds(1))
    #expect(world.notices.last?.notice == "written-again")
    try await stage.write(turn(3, stream: "me", spoken("three", from: 3)))
    try await stage.finish()
    let wanted = "WEBVTT\n\n" + cue("one", at: 1) + cue("two", at: 2) + cue("three", at: 3)
    #expect(try folder.text("a.vtt") == wanted)
  }

  @Test func `what stays unwritten at the end is counted`() async throws {
    let folder = try TemporaryFolder()
    try FileManager.default.createSymbolicLink(
      atPath: folder.file("a.vtt"), withDestinationPath: "/dev/full")
    var stage = try stage(folder.file("a.vtt")) { $0.overwrite = true }
    try await stage.open(world.context())
    try await stage.write(turn(1, stream: "me", spoken("one", from: 1)))
    let error = await #expect(throws: StageError.self) { try await stage.finish() }
    #expect(error?.message == "1 caption could not be written to \(folder.file("a.vtt"))")
  }

  @Test(arguments: ["deleted", "moved", "replaced"])
  func `captions go on where the file has been taken away`(_ fate: String) async throws {
    let folder = try TemporaryFolder()
    var stage = try stage(folder.file("a.vtt"))
    try await stage.open(world.context())
    try await stage.write(turn(1, stream: "me", spoken("one", from: 1)))
    switch fate {
    case "deleted": unlink(folder.file("a.vtt"))
    case "moved": rename(folder.file("a.vtt"), folder.file("b.vtt"))
    default:
      try folder.write(Array("WEBVTT\n\nNOTE edited\n\n".utf8), to: "b.vtt")
      rename(folder.file("b.vtt"), folder.file("a.vtt"))
    }
    try await stage.write(turn(2, stream: "me", spoken("two", from: 2)))
    try await stage.finish()
    #expect(world.notices.map(\.notice) == ["moved"])
    let head = fate == "replaced" ? "WEBVTT\n\nNOTE edited\n\n" : "WEBVTT\n\n"
    #expect(try folder.text("a.vtt") == head + cue("two", at: 2))
    if fate == "moved" { #expect(try folder.text("b.vtt") == "WEBVTT\n\n" + cue("one", at: 1)) }
  }

  @Test func `a name that was taken in the meantime gets a number`() async throws {
    let folder = try TemporaryFolder()
    var stage = try stage(folder.file("a.vtt"))
    try await stage.open(world.context())
    try folder.write(Array("mine".utf8), to: "a.vtt")
    try await stage.write(turn(1, stream: "me", spoken("one", from: 1)))
    try await stage.finish()
    #expect(try folder.text("a.vtt") == "mine")
    #expect(try folder.text("a-2.vtt") == "WEBVTT\n\n" + cue("one", at: 1))
  }
}
