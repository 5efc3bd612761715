import Foundation
import Glibc
import Testing

/// What is certain to fail does so before anything is opened, sent or made; and what was there stays.
@Suite(.timeLimit(.minutes(10))) struct BeginningTests {
  private static let talk = "tone silence duration=2s | pace 100x | flux endpoint=local words=none"

  private static let samples = "decode raw=pcm(s16le, 16k, mono)"

  /// A graph, and what is wrong with it in the folder of `folder()`.
  struct Hopeless: Sendable, CustomTestStringConvertible {
    var graph: String
    var status: Int32
    var saying: String

    var testDescription: String { graph }
  }

  private func folder() throws -> Folder {
    let folder = try Folder()
    try folder.write("precious", to: "there.vtt")
    try folder.write("precious", to: "there.wav")
    try folder.write("precious", to: "text.jsonl")
    try folder.write("precious", to: "file")
    symlink("there.wav", folder.path("link.wav"))
    try folder.write("no words", to: "bad.json")
    return folder
  }

  @Test(
    "a run says what `check --world` says, before it makes or opens anything",
    arguments: [
      Hopeless(graph: "\(talk) | vtt there.vtt", status: 74, saying: "there.vtt is already there"),
      Hopeless(graph: "\(talk) | srt file/a.srt", status: 74, saying: "file is no directory"),
      Hopeless(graph: "\(talk) | txt .", status: 74, saying: "Is a directory"),
      Hopeless(
        graph: "\(talk) | jsonl text.jsonl", status: 65, saying: "something else than lines of events"),
      Hopeless(graph: "tone duration=1s | wav there.wav", status: 74, saying: "there.wav is already there"),
      Hopeless(graph: #"\#(talk) | command ["no-such-program"]"#, status: 69, saying: "no-such-program"),
      Hopeless(graph: #"exec ["./file"] | null"#, status: 69, saying: "file is no program"),
      Hopeless(
        graph: #"tone duration=1s | through ["no-such-program"] | null"#, status: 69,
        saying: "no-such-program"),
      Hopeless(
        graph: "\(talk) | webhook http://127.0.0.1:1/ spool=file/sp", status: 74,
        saying: "file is no directory"),
      Hopeless(graph: "tone | flux | stdout", status: 77, saying: "there is no key"),
      Hopeless(graph: "tone | flux key=secret(file:no.key) | stdout", status: 74, saying: "no.key"),
      Hopeless(
        graph: "tone | flux endpoint=local words=script:bad.json | stdout", status: 65, saying: "bad.json"),
      Hopeless(
        graph: #"tone | flux endpoint=local words="command:no-such-program" | stdout"#, status: 69,
        saying: "no-such-program"),
      Hopeless(
        graph: "tone | flux endpoint=local words=none fault=\"no such fault\" | stdout", status: 78,
        saying: "fault"),
      Hopeless(
        graph: "tone | flux endpoint=wss://127.0.0.1:1 ca=no.pem | stdout", status: 74, saying: "no.pem"),
      Hopeless(graph: "\(talk) | sse 127.0.0.1:PORT", status: 69, saying: "127.0.0.1:"),
      Hopeless(
        graph: "file ./there.wav | \(samples) | wav there.wav overwrite", status: 74,
        saying: "is read by `file`"),
      Hopeless(
        graph: "file there.wav | \(samples) | wav link.wav overwrite", status: 74,
        saying: "link.wav is read by"),
      Hopeless(graph: "tone | wav a.wav\ntone sine | wav a.wav", status: 74, saying: "a.wav is written by"),
      Hopeless(graph: "t = \(talk)\nt | vtt a.txt\nt | txt a.txt", status: 74, saying: "a.txt is written by"),
      Hopeless(
        graph: "t = \(talk)\nt | jsonl a.jsonl\nt | vtt a.jsonl", status: 74, saying: "a.jsonl is written by"),
    ])
  func sameAsCheck(_ hopeless: Hopeless) async throws {
    let folder = try folder()
    let holder = try PortHolder()
    let graph =
      hopeless.graph.replacing("PORT", with: "\(holder.port)") + "\ntone duration=1s | wav made.wav\n"
      + "tone duration=1s | null"
    let before = try FileManager.default.subpathsOfDirectory(atPath: folder.path)
    let check = try await Fluxgraph.command(["check", "--world", "-e", graph], directory: folder.path)
    #expect(check.status == hopeless.status, "\(check.output)\(check.errors)")
    let missing = check.output.split(separator: "\n").filter { $0.hasPrefix("missing") }
    let run = try await Fluxgraph.run(graph, directory: folder.path)
    #expect(run.status == hopeless.status, "\(run.errors)")
    #expect(run.errors.contains(hopeless.saying), "\(run.errors)")
    // The very same sentence, but for secrets, which are looked up before.
    if let sentence = missing.first?.split(separator: ": ", maxSplits: 1).last,
      !hopeless.graph.contains("secret(")
    {
      #expect(missing.count == 1 && run.errors.contains(sentence), "\(sentence)\n\(run.errors)")
    }
    #expect(try FileManager.default.subpathsOfDirectory(atPath: folder.path) == before)
    for name in ["there.vtt", "there.wav", "text.jsonl", "file"] {
      #expect(try folder.text(of: name) == "precious")
    }
  }

  /// An address somebody listens at.
  private final class PortHolder: Sendable {
    let port: Int
    private let descriptor: Int32

    init() throws {
      descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let descriptor = descriptor
      let isThere = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, length) == 0 && listen(descriptor, 1) == 0
            && getsockname(descriptor, $0, &length) == 0
        }
      }
      try #require(isThere)
      port = Int(UInt16(bigEndian: address.sin_port))
    }

    deinit { close(descriptor) }
  }

  @Test("no connection is made for a graph one of whose sinks cannot work")
  func nothingIsDialled() async throws {
    let folder = try folder()
    let holder = try PortHolder()
    let outcome = try await Fluxgraph.run(
      "heard = tone | flux endpoint=ws://127.0.0.1:\(holder.port)\nheard | vtt there.vtt\nheard | stdout",
      directory: folder.path)
    // A listener that answers nobody: a connection would be waited for.
    outcome.expectFailure(74, saying: "vtt: ", "there.vtt is already there", "`overwrite`")
  }

  @Test("a batch tells what every input would fail with once, before the first")
  func batch() async throws {
    let folder = try folder()
    try folder.write("param input\nfile $input | flux | jsonl {$input.stem}.jsonl\n", to: "b.graph")
    let outcome = try await Fluxgraph.command(["batch", "b.graph", "a.wav", "b.wav"], directory: folder.path)
    outcome.expectFailure(77, saying: "there is no key for api.deepgram.com")
    #expect(!FileManager.default.fileExists(atPath: folder.path("b.batch.jsonl")))
  }

  // MARK: - Recordings

  @Test("record takes graph and file in either order, and replaces only a recording, and only when told")
  func record() async throws {
    let folder = try Folder()
    try folder.write("\(Self.talk) | stdout json\n", to: "my.graph")
    let graph = try folder.text(of: "my.graph")
    func record(_ arguments: String...) async throws -> Program.Outcome {
      let outcome = try await Fluxgraph.command(["record"] + arguments, directory: folder.path)
      #expect(try folder.text(of: "my.graph") == graph)
      return outcome
    }
    #expect(try await record("my.graph", "call.fluxrec").status == 0)
    let first = try folder.text(of: "call.fluxrec")
    #expect(first.hasPrefix(#"{"fluxgraph":"recording""#))
    try await record("my.graph", "call.fluxrec").expectFailure(74, saying: "already there", "--overwrite")
    #expect(try folder.text(of: "call.fluxrec") == first)
    #expect(try await record("call.fluxrec", "my.graph", "--overwrite").status == 0)
    #expect(try folder.text(of: "call.fluxrec") != first)
    #expect(try await record("new.fluxrec", "my.graph").status == 0)
    try folder.write(graph, to: "other.graph")
    try await record("my.graph", "other.graph", "--overwrite").expectFailure(74, saying: "swap")
    try await record("-e", graph, "my.graph", "--overwrite").expectFailure(74, saying: "swap")
    #expect(try await record("-e", graph, "text.fluxrec").status == 0)
    #expect(try await record("my.graph").status == 64)
    let before = try folder.text(of: "call.fluxrec")
    let keyless = try await record("-e", "tone | flux | stdout", "call.fluxrec", "--overwrite")
    #expect(keyless.status == 77)
    #expect(try folder.text(of: "call.fluxrec") == before)
  }

  @Test("a graph does not write over itself, and a batch not over what is no manifest")
  func ownFiles() async throws {
    let folder = try Folder()
    let graph = "param input = x\ntone duration=100ms | wav my.graph overwrite\n"
    try folder.write(graph, to: "my.graph")
    let run = try await Fluxgraph.command(["run", "my.graph"], directory: folder.path)
    run.expectFailure(74, saying: "my.graph is read by the graph itself")
    try folder.write("param input\ntone duration=100ms | wav {$input.stem}.wav\n", to: "b.graph")
    let batch = ["batch", "b.graph", "in.wav", "--manifest"]
    let over = try await Fluxgraph.command(batch + ["my.graph"], directory: folder.path)
    over.expectFailure(74, saying: "my.graph is there already", "no manifest")
    #expect(try folder.text(of: "my.graph") == graph)
    #expect(try await Fluxgraph.command(batch + ["new"], directory: folder.path).status == 0)
  }

  @Test("what a graph reads is not written over, by whatever name a file gets while it runs")
  func lateNames() async throws {
    let folder = try Folder()
    let sound = try Data(contentsOf: Peers.packageRoot.appending(path: "graphs/audio/dialogue.opus"))
    try folder.write(sound, to: "me.opus")
    try folder.write("K=abcdef123456\n", to: ".env")
    try folder.write(#"[{"word":"hello","start":0.5,"end":0.9}]"#, to: "w.json")
    try folder.write("mine", to: "r-2.wav")
    let talk = "pace 100x | flux endpoint=local words=none as=me"
    for (graph, input) in [
      ("file me.opus | \(talk) | txt {stream}.opus overwrite", nil),
      ("stdin | wav me.opus overwrite", "me.opus"),
      ("file me.opus | \(talk) | txt .env overwrite", nil),
      ("tone duration=2s | flux endpoint=local words=\"script:w.json\" | txt w.json overwrite", nil),
    ] {
      let command = input.map { "exec \"$0\" run -e \"$1\" < \($0)" } ?? "exec \"$0\" run -e \"$1\""
      let outcome = try await Program.run(
        "/bin/sh", ["-c", command, Fluxgraph.path, graph], Fluxgraph.surroundings(directory: folder.path))
      #expect(outcome.status == 74 && outcome.errors.contains("is read by"), "\(graph)\n\(outcome.errors)")
    }
    let rotated = try await Fluxgraph.run(
      "tone duration=2s | wav r.wav rotate=[1s] overwrite", directory: folder.path)
    #expect(rotated.status == 0, "\(rotated.errors)")
    #expect(try folder.bytes(of: "me.opus") == sound)
    #expect(try folder.text(of: ".env") == "K=abcdef123456\n" && folder.text(of: "r-2.wav") == "mine")
    #expect(try folder.text(of: "w.json").hasPrefix("[{"))
  }

  @Test("a recording stays when no session comes about that could replace it")
  func recordingKept() async throws {
    let folder = try Folder()
    #expect(
      try await Fluxgraph.command(
        ["record", "-e", "\(Self.talk) | stdout json", "a.fluxrec"], directory: folder.path
      ).status == 0)
    let before = try folder.bytes(of: "a.fluxrec")
    let talk = "tone duration=1s | flux endpoint=ws://127.0.0.1:1/v2/listen max_attempts=1 | stdout"
    let refused = try await Fluxgraph.command(
      ["record", "-e", talk, "a.fluxrec", "--overwrite"], directory: folder.path)
    #expect(refused.status == 69)
    #expect(try folder.bytes(of: "a.fluxrec") == before)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["a.fluxrec"])
  }

  @Test("a batch takes away only what it left itself, and as it left it")
  func resumption() async throws {
    let folder = try Folder()
    let sound = try Data(contentsOf: Peers.packageRoot.appending(path: "graphs/audio/dialogue.opus"))
    try folder.write(
      "param input\nfile $input | pace 100x | flux endpoint=local words=none | vtt {$input.stem}.vtt\n",
      to: "b.graph")
    try folder.write(sound.prefix(sound.count * 2 / 3), to: "a.opus")
    let batch = ["batch", "b.graph", "a.opus"]
    #expect(try await Fluxgraph.command(batch, directory: folder.path).status == 65)
    // Somebody has worked on it since.
    try folder.write("WEBVTT\n\nmine\n", to: "a.vtt")
    try folder.write(sound, to: "a.opus")
    let again = try await Fluxgraph.command(batch + ["--resume"], directory: folder.path)
    #expect(again.status == 74, "\(again.errors)")
    #expect(try folder.text(of: "a.vtt") == "WEBVTT\n\nmine\n")
    // A manifest that names what is none of the graph's files.
    try folder.write("precious", to: "other.txt")
    let line =
      #"{"v":1,"time":"2026-01-01T00:00:00Z","input":"\#(folder.path)/c.opus","state":"started","#
      + #""makes":["\#(folder.path)/other.txt","\#(folder.path)/c.opus"]}"#
    try folder.write(line + "\n", to: "m")
    try folder.write(sound, to: "c.opus")
    let foreign = try await Fluxgraph.command(
      ["batch", "b.graph", "c.opus", "--resume", "--manifest", "m"], directory: folder.path)
    #expect(foreign.status == 0, "\(foreign.errors)")
    #expect(try folder.text(of: "other.txt") == "precious" && folder.bytes(of: "c.opus") == sound)
  }

  @Test("fmt keeps a link to a graph, and its permissions")
  func format() async throws {
    let folder = try Folder()
    try folder.write("tone   |   null\n", to: "real.graph")
    chmod(folder.path("real.graph"), 0o640)
    symlink("real.graph", folder.path("link.graph"))
    #expect(try await Fluxgraph.command(["fmt", "link.graph"], directory: folder.path).status == 0)
    #expect(try folder.text(of: "real.graph") == "tone | null\n")
    var state = stat()
    #expect(lstat(folder.path("link.graph"), &state) == 0 && state.st_mode & S_IFMT == S_IFLNK)
    #expect(stat(folder.path("real.graph"), &state) == 0 && state.st_mode & 0o777 == 0o640)
  }

  // MARK: - Batches

  @Test("an input that failed leaves no empty files, and one tried again has each line once")
  func batchOutputs() async throws {
    let folder = try Folder()
    try folder.write(
      """
      param input
      t = file $input | pace 100x | flux endpoint=local words=none as=a
      t | vtt out/{$input.stem}.vtt
      t | jsonl out/{$input.stem}-{stream}.jsonl
      t | jsonl all.jsonl
      """, to: "b.graph")
    let sound = try Data(contentsOf: Peers.packageRoot.appending(path: "graphs/audio/dialogue.opus"))
    try folder.write("this is no sound", to: "text.wav")
    let names = { (try? FileManager.default.contentsOfDirectory(atPath: folder.path("out")))?.sorted() ?? [] }
    let first = try await Fluxgraph.command(
      ["batch", "b.graph", "text.wav", "--manifest", "m"], directory: folder.path)
    #expect(first.status == 65, "\(first.errors)")
    #expect(names().isEmpty)
    // Cut in the middle: some turns come, and then it fails. What it writes is known only with its events.
    try folder.write(sound.prefix(sound.count * 2 / 3), to: "a.opus")
    let batch = ["batch", "b.graph", "a.opus"]
    let cut = try await Fluxgraph.command(batch, directory: folder.path)
    #expect(cut.status == 65, "\(cut.errors)")
    #expect(names() == ["a-a.jsonl", "a.vtt"])
    let shared = try folder.text(of: "all.jsonl")
    try folder.write(sound, to: "a.opus")
    let again = try await Fluxgraph.command(batch + ["--resume"], directory: folder.path)
    #expect(again.status == 0, "\(again.errors)")
    #expect(names() == ["a-a.jsonl", "a.vtt"])
    let lines = try folder.text(of: "out/a-a.jsonl").split(separator: "\n")
    #expect(lines.count { $0.contains(#""event":"EndOfTurn""#) } == 7)
    #expect(lines.count { $0.contains(#""event":"StartOfTurn""#) } == 7)
    // What all inputs share stays.
    #expect(try folder.text(of: "all.jsonl").hasPrefix(shared))
  }
}
