import Foundation
import Testing

/// What `run` shows on a terminal while it runs, as a terminal emulator in Python sees it.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's pyte"))
struct TerminalStatusTests {
  /// What was on the screen, one screen after the other.
  private struct Course {
    var screens: [[String]] = []
    var written = ""
    var status = -1

    /// The status lines, each of which has to be the last of its screen.
    var lines: [String] {
      screens.compactMap { screen in
        let found = screen.indices.filter {
          screen[$0].contains(/^(\[[=> ]{20}\] +\d+ %  )?\d:\d\d\.\d .*(connect|ending)/)
        }
        #expect(found.count <= 1 && found.allSatisfy { $0 == screen.count - 1 }, "\(screen)")
        return found.first.map { screen[$0] }
      }
    }
  }

  private struct End: Decodable {
    var status: Int
    var written: String
  }

  private func run(
    _ graph: String, _ options: String = "", columns: Int = 80, colored: Bool = false, directory: String,
    redirection: String = ""
  ) async throws -> Course {
    try Data(graph.utf8).write(to: URL(filePath: "\(directory)/shown.graph"))
    let color = colored ? "" : "NO_COLOR=1 "
    let output = try await Peers.run(
      "terminal.py",
      [
        "\(columns)", "24", "/bin/sh", "-c",
        "unset NO_COLOR DEEPGRAM_API_KEY; cd '\(directory)'; \(color)exec '\(Fluxgraph.path)' run \(options) shown.graph \(redirection)",
      ])
    var course = Course()
    for line in output.split(separator: "\n") {
      if let screen = try? JSONDecoder().decode([String].self, from: Data(line.utf8)) {
        course.screens.append(screen)
      } else {
        let end = try JSONDecoder().decode(End.self, from: Data(line.utf8))
        (course.status, course.written) = (end.status, end.written)
      }
    }
    #expect(course.status == 0, "\(course.screens.last ?? [])")
    return course
  }

  @Test("a file has a bar below the open turn; notices stay above both, and nothing of it stays in the end")
  func file() async throws {
    let folder = try LocalFluxTests.folder()
    let course = try await run(
      "file call.wav | flux endpoint=local words=script:call.srt fault=\"drop after=1s connection=1\" | stdout live",
      directory: folder.path)
    let lines = course.lines
    #expect(
      lines.contains { $0.contains(/^\[[=> ]{20}\] +\d+ %  0:0\d\.\d of about 0:0[34]\.\d  connected/) },
      "\(lines)")
    #expect(lines.contains { $0.contains("disconnected") }, "\(lines)")
    #expect(
      course.screens.contains {
        $0.contains { $0.hasPrefix("[0:00.0] hello") } && $0.last?.contains("turn open") == true
      })
    let last = try #require(course.screens.last)
    #expect(last.contains { $0.hasPrefix("warning: flux: the connection to") }, "\(last)")
    #expect(last.filter { $0 == "[0:00.0] hello world" }.count == 1, "\(last)")
    #expect(last.last?.hasSuffix("of audio, 1 turn") == true, "\(last)")
    #expect(!last.contains { $0.contains(" %  ") }, "\(last)")
    #expect(!course.written.contains("\u{1B}[2m") && !course.written.contains("\u{1B}[33m"))
  }

  @Test("live input has its stream time; plain lines of stdout stay above it, and it fits a narrow terminal")
  func live() async throws {
    let folder = try LocalFluxTests.folder()
    let course = try await run(
      """
      heard = tone silence live | flux endpoint=local words=script:call.srt
      heard | stdout "<{event} {turn}>"
      """, "--for 4s", columns: 24, colored: true, directory: folder.path)
    let lines = course.lines
    #expect(lines.contains { $0.contains(/^0:0[1-4]\.\d  connected/) }, "\(lines)")
    #expect(lines.allSatisfy { $0.count < 24 })
    #expect(course.screens.last?.contains("<EndOfTurn 1>") == true)
    #expect(course.screens.last?.contains { $0.contains("connected") } == false)
    #expect(course.written.contains("\u{1B}[2m"))
  }

  @Test(
    "without a terminal, with another program behind stdout, or with --quiet there is none",
    arguments: [("", "2>errors"), ("", "| cat"), ("--quiet", "")])
  func absent(options: String, redirection: String) async throws {
    let folder = try LocalFluxTests.folder()
    let course = try await run(
      "file call.wav | flux endpoint=local words=script:call.srt | stdout", options, directory: folder.path,
      redirection: redirection)
    #expect(course.lines == [])
    #expect(!course.written.contains("\u{1B}[J") || redirection == "| cat")
    #expect(course.screens.last?.contains("[0:00.0] hello world") == true)
    if redirection == "2>errors" { #expect(try !folder.text(of: "errors").contains("\u{1B}")) }
  }
}
