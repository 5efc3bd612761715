import Foundation
import Glibc
import Testing

/// Ctrl-C.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's websockets and ffmpeg"))
struct SignalTests {
  private func start() async throws -> (program: Program, flux: FakeFlux, call: FakeFlux.Call) {
    let flux = try await FakeFlux.shared.value
    let call = flux.call("normal")
    let sound = try await Recordings.shared.value.path("minute.wav")
    let program = try Fluxgraph.start("file \(sound) | flux endpoint=\(call.url) | stdout json")
    // A turn is open then.
    _ = try await program.line(containing: "StartOfTurn")
    return (program, flux, call)
  }

  @Test(
    "the first SIGINT or SIGTERM ends the open turn, closes the stream and ends with 0",
    arguments: [SIGINT, SIGTERM])
  func once(signal: Int32) async throws {
    let (program, flux, call) = try await start()
    program.signal(signal)
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errorLines.isEmpty, "\(outcome.errors)")
    #expect(!outcome.wasLate)
    let record = try await flux.record(of: call)
    #expect(record.ending == [.text("ForceEndTurn"), .text("CloseStream")])
    #expect(record.audio.reduce(0, +) < 60 * 32_000 / 2)
    let events = try outcome.events()
    #expect(events.last?.event == "EndOfTurn")
    #expect(events.last?.final == true)
  }

  @Test("a program that is stopped for longer than its limits goes on with its connection and its open turn")
  func stopped() async throws {
    let flux = try await FakeFlux.shared.value
    let call = flux.call("normal")
    let sound = try await Recordings.shared.value.path("minute.wav")
    let program = try Fluxgraph.start(
      "file \(sound) | flux endpoint=\(call.url) stall_timeout=1s turn_timeout=1s ping=1s send_timeout=1s | stdout json"
    )
    _ = try await program.line(containing: "StartOfTurn")
    program.signal(SIGSTOP)
    try await Task.sleep(for: .seconds(5))
    program.signal(SIGCONT)
    try await Task.sleep(for: .seconds(3))
    program.signal(SIGINT)
    let outcome = try await program.outcome()
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errorLines.isEmpty, "\(outcome.errors)")
    #expect(try outcome.events().allSatisfy { $0.event != "EndOfTurn" || $0.final == true })
  }

  @Test("the second SIGINT ends at once with 130")
  func twice() async throws {
    let flux = try await FakeFlux.shared.value
    let sound = try await Recordings.shared.value.path("minute.wav")
    // A service that never answers: the orderly end would take its time.
    let program = try Fluxgraph.start(
      "file \(sound) | flux endpoint=\(flux.call("deaf").url) max_attempts=1 | stdout json")
    _ = try await program.line(containing: "StartOfTurn")
    program.signal(SIGINT)
    _ = try await program.errorLine(containing: "once more")
    program.signal(SIGINT)
    let outcome = try await program.outcome()
    #expect(outcome.status == 130, "\(outcome.errors)")
    outcome.expectNoCrash()
  }

  @Test("the second SIGINT ends recognisers, too, whatever they ignore")
  func stubbornRecogniser() async throws {
    let folder = try Folder()
    let mark = "stubborn-\(UInt32.random(in: 0...(.max)))"
    try folder.write(
      "import signal, sys, time\nfor number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):\n    signal.signal(number, signal.SIG_IGN)\nopen('begun', 'w')\nwhile sys.stdin.buffer.read(320): pass\ntime.sleep(600)\n",
      to: mark)
    let speech = Peers.packageRoot.appending(path: "graphs/audio/dialogue.opus").path
    let program = try Fluxgraph.start(
      "file \(speech) | flux endpoint=local words=\"command:\(Peers.python) \(mark)\" | stdout json",
      directory: folder.path)
    while !FileManager.default.fileExists(atPath: folder.path("begun")) {
      try await Task.sleep(for: .milliseconds(50))
    }
    program.signal(SIGINT)
    _ = try await program.errorLine(containing: "once more")
    program.signal(SIGINT)
    #expect(try await program.outcome().status == 130)
    let left = try await Program.run(
      "/bin/sh", ["-c", "grep -al '\(mark.dropLast())[\(mark.suffix(1))]' /proc/[0-9]*/cmdline"])
    #expect(left.output.isEmpty, "\(left.output)")
  }

  @Test("a service that says nothing more does not hold up the end, and what it has not heard is told")
  func deaf() async throws {
    let flux = try await FakeFlux.shared.value
    let sound = try await Recordings.shared.value.path("minute.wav")
    let graph = "file \(sound) | flux endpoint=\(flux.call("deaf").url) | stdout json"
    let program = try Program(
      Fluxgraph.path, ["run", "--stop-timeout", "2s", "-e", graph], Fluxgraph.surroundings())
    _ = try await program.line(containing: "StartOfTurn")
    program.signal(SIGTERM)
    let outcome = try await program.outcome()
    #expect(outcome.status == 69, "\(outcome.errors)")
    #expect(outcome.errors.contains(" s of audio, from 0:0"), "\(outcome.errors)")
    #expect(outcome.errors.contains("were not transcribed before the end"))
    #expect(!outcome.wasLate)
  }

  @Test("a standard output that nobody reads does not hold up the end, and what it has not taken is counted")
  func unread() async throws {
    let folder = try Folder()
    let words = (0..<5000).map {
      #"{"word":"word\#($0).","start":\#(Double($0) * 2),"end":\#(Double($0) * 2 + 0.5)}"#
    }
    try folder.write("[" + words.joined(separator: ",") + "]", to: "w.json")
    // The shell's pipe has a reader that is asleep, and a full one holds up the program as a terminal does that was stopped.
    let graph =
      "tone silence duration=10000s | pace 1000x | flux endpoint=local words=script:w.json | stdout json"
    let program = try Program(
      "/bin/sh",
      [
        "-c",
        #"mkfifo p; sleep 60 <p & "$0" run --stop-timeout 2s -e "$1" >p & PID=$!; sleep 4; kill -TERM $PID; wait $PID; CODE=$?; kill %1; exit $CODE"#,
        Fluxgraph.path, graph,
      ], Fluxgraph.surroundings(directory: folder.path))
    let outcome = try await program.outcome()
    #expect(outcome.status == 69, "\(outcome.errors)")
    #expect(outcome.errors.contains("stdout did not end within 2s; it has not taken"), "\(outcome.errors)")
    #expect(!outcome.wasLate)
  }

  @Test("`--for` ends the sources after its time, in order")
  func duration() async throws {
    let flux = try await FakeFlux.shared.value
    let call = flux.call("normal")
    let sound = try await Recordings.shared.value.path("minute.wav")
    let outcome = try await Fluxgraph.run(
      "file \(sound) | flux endpoint=\(call.url) | stdout json", ["--for", "1s", "--quiet"])
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(outcome.errors.isEmpty)
    let record = try await flux.record(of: call)
    #expect(record.ending == [.text("ForceEndTurn"), .text("CloseStream")])
    #expect((16_000...48_000).contains(record.audio.reduce(0, +)))
  }
}
