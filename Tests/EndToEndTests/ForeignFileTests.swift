import Foundation
import Glibc
import Testing

/// Files that are somebody else's, or that something else of the same run uses: they stay as they are.
@Suite(.timeLimit(.minutes(10))) struct ForeignFileTests {
  private static let talk = "tone silence duration=1s | pace 100x | flux endpoint=local words=none"

  @Test(
    "lines of events go behind lines of events only",
    arguments: [
      #"{"fluxgraph":"recording","v":1,"url":"ws://a/v2/listen"}"#, #"{"name":"settings"}"#,
      #"{"v":1,"time":"2026-01-01T00:00:00Z","input":"a.wav","state":"done"}"#, "", "[1]",
    ])
  func foreignLines(line: String) async throws {
    let folder = try Folder()
    try folder.write(line + "\n", to: "a.jsonl")
    let outcome = try await Fluxgraph.run("\(Self.talk) | jsonl a.jsonl", directory: folder.path)
    outcome.expectFailure(65, saying: "a.jsonl holds something else than lines of events")
    #expect(try folder.text(of: "a.jsonl") == line + "\n")
  }

  @Test("a manifest is not appended to events, nor to anything else")
  func foreignManifest() async throws {
    let folder = try Folder()
    let line = #"{"v":1,"event":"EndOfTurn"}"# + "\n"
    try folder.write(line, to: "a.jsonl")
    let outcome = try await Fluxgraph.command(
      ["batch", "--manifest", "a.jsonl", "-e", "param input\nfile $input | null", "x.wav"],
      directory: folder.path)
    outcome.expectFailure(74, saying: "a.jsonl is there already, is no manifest of a batch")
    #expect(try folder.text(of: "a.jsonl") == line)
  }

  @Test(
    "what a batch itself uses is no stage's to write",
    arguments: [
      ("txt list.txt overwrite", "the list of inputs"), ("jsonl m.jsonl", "the batch's manifest"),
      ("txt ./sub/../m.jsonl overwrite", "the batch's manifest"),
    ])
  func ownFiles(sink: String, user: String) async throws {
    let folder = try Folder()
    try folder.write("a.wav\n", to: "list.txt")
    mkdir(folder.path("sub"), 0o755)
    let graph = "param input\nfile $input | flux endpoint=local words=none | \(sink)"
    let outcome = try await Fluxgraph.command(
      ["batch", "--manifest", "m.jsonl", "-e", graph, "@list.txt"], directory: folder.path)
    #expect(outcome.status == 78 && outcome.errors.contains(user), "\(outcome.status) \(outcome.errors)")
    #expect(try folder.text(of: "list.txt") == "a.wav\n")
  }

  @Test("a recording and a sink do not share a file, and neither is written")
  func recording() async throws {
    let folder = try Folder()
    let outcome = try await Fluxgraph.command(
      ["record", "-e", "\(Self.talk) | txt call.fluxrec", "call.fluxrec"], directory: folder.path)
    outcome.expectFailure(74, saying: "call.fluxrec is written by `record`, too")
    #expect(!FileManager.default.fileExists(atPath: folder.path("call.fluxrec")))
  }

  @Test("a file a secret is read from is not written over, whatever it is called")
  func secret() async throws {
    let folder = try Folder()
    try folder.write("a-key-of-some-length\n", to: "key.txt")
    symlink("key.txt", folder.path("link.txt"))
    let outcome = try await Fluxgraph.run(
      "tone duration=1s | flux endpoint=local key=secret(file:key.txt) words=none | txt link.txt overwrite",
      directory: folder.path)
    outcome.expectFailure(74, saying: "link.txt is read by `secret(file:key.txt)`")
    #expect(try folder.text(of: "key.txt") == "a-key-of-some-length\n")
  }

  @Test("two sinks on one file are told, by whatever names they go and before there is one")
  func links() async throws {
    let folder = try Folder()
    mkdir(folder.path("there"), 0o755)
    symlink("there", folder.path("here"))
    symlink("there/a.wav", folder.path("dangling.wav"))
    for (one, other) in [("here/a.wav", "there/a.wav"), ("dangling.wav", "there/./a.wav")] {
      let outcome = try await Fluxgraph.run(
        "tone duration=1s | wav \(one) overwrite\ntone sine duration=1s | wav \(other) overwrite",
        directory: folder.path)
      outcome.expectFailure(74, saying: "is written by `wav`")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path("there")).isEmpty)
  }

  @Test("a file one run is writing is not written by another")
  func twoRuns() async throws {
    let folder = try Folder()
    let first = try Fluxgraph.start("tone live | wav a.wav overwrite", directory: folder.path)
    while !FileManager.default.fileExists(atPath: folder.path("a.wav")) {
      try await Task.sleep(for: .milliseconds(10))
    }
    let second = try await Fluxgraph.run("tone duration=1s | wav a.wav overwrite", directory: folder.path)
    second.expectFailure(74, saying: "a.wav is being written by another run")
    first.signal(SIGINT)
    #expect(try await first.outcome().status == 0)
    #expect(try folder.bytes(of: "a.wav").count > 44)
  }

  @Test("a spool's commands leave what is no spool's")
  func spool() async throws {
    let folder = try Folder()
    try folder.write("a diary\n", to: "mine.dead.jsonl")
    for action in ["ls", "drop", "redeliver"] {
      let all = try await Fluxgraph.command(["spool", action, "."], directory: folder.path)
      #expect(all.status == 0 && all.output.isEmpty, "\(all.output)\(all.errors)")
      let named = try await Fluxgraph.command(["spool", action, ".", "mine"], directory: folder.path)
      named.expectFailure(74, saying: "there is no spool of a sink called mine")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["mine.dead.jsonl"])
    // Theirs beside ours.
    let letter =
      #"{"v":1,"reason":"gone","attempts":1,"id":"a","stream":null,"accepted":"2026-01-01T00:00:00Z","event":{}}"#
    try folder.write("a diary\n\(letter)\n", to: "mine.dead.jsonl")
    let dropped = try await Fluxgraph.command(["spool", "drop", "."], directory: folder.path)
    #expect(dropped.output.contains("1 dead were dropped"), "\(dropped.output)\(dropped.errors)")
    #expect(dropped.errors.contains("1 lines are no dead letters and were left"))
    #expect(try folder.text(of: "mine.dead.jsonl") == "a diary\n")
  }

  @Test("a pipe is neither waited for nor replaced by a graph")
  func pipes() async throws {
    let folder = try Folder()
    mkfifo(folder.path("pipe.graph"), 0o600)
    let used = try await Fluxgraph.run("use \"pipe.graph\"\ntone duration=1s | null", directory: folder.path)
    used.expectFailure(78, saying: "pipe.graph is no file")
    let directory = try await Fluxgraph.run("use \".\"\ntone duration=1s | null", directory: folder.path)
    directory.expectFailure(78, saying: "is no file")
    let written = Task.detached { [path = folder.path("pipe.graph")] in
      try "tone   duration=1s|null".write(toFile: path, atomically: false, encoding: .utf8)
    }
    let laidOut = try await Fluxgraph.command(["fmt", "pipe.graph"], directory: folder.path)
    try await written.value
    #expect(laidOut.output == "tone duration=1s | null\n", "\(laidOut.output)\(laidOut.errors)")
    var state = stat()
    #expect(stat(folder.path("pipe.graph"), &state) == 0 && state.st_mode & S_IFMT == S_IFIFO)
  }

  @Test("a full disk that takes nothing leaves nothing behind, and says nothing of what can be played")
  func fullDisk() async throws {
    let folder = try Folder()
    try folder.write(#"[{"word":"a-word-that-is-longer-than-a-disk.","start":0.5,"end":1}]"#, to: "w.json")
    for sink in ["wav a.wav", "txt a.txt", "jsonl a.jsonl", "vtt a.vtt"] {
      let source = sink.hasPrefix("wav") ? "tone sine duration=1s" : "\(Self.words) | \(sink)"
      let graph = sink.hasPrefix("wav") ? "\(source) | \(sink)" : source
      let outcome = try await Program.run(
        "/usr/bin/prlimit", ["--fsize=20:20", Fluxgraph.path, "run", "-e", graph],
        Fluxgraph.surroundings(directory: folder.path))
      #expect(outcome.status == 74, "\(sink): \(outcome.status) \(outcome.errors)")
      #expect(!outcome.errors.contains("can be played"), "\(outcome.errors)")
      let left = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      #expect(left == ["w.json"], "\(sink): \(left)")
    }
  }

  private static let words =
    "tone silence duration=4s | pace 100x | flux endpoint=local words=script:w.json"

  @Test("a recording is a file: devices, pipes and links stay what they are")
  func recordingPlaces() async throws {
    let folder = try Folder()
    mkfifo(folder.path("pipe"), 0o600)
    try folder.write("", to: "old.fluxrec")
    symlink("old.fluxrec", folder.path("link"))
    let refused = try await Fluxgraph.command(
      ["record", "-e", "\(Self.talk) | null", "pipe", "--overwrite"], directory: folder.path)
    refused.expectFailure(74, saying: "pipe is no file")
    let linked = try await Fluxgraph.command(
      ["record", "-e", "\(Self.talk) | null", "link", "--overwrite"], directory: folder.path)
    #expect(linked.status == 0, "\(linked.errors)")
    var state = stat()
    #expect(lstat(folder.path("link"), &state) == 0 && state.st_mode & S_IFMT == S_IFLNK)
    #expect(try folder.text(of: "old.fluxrec").hasPrefix(#"{"fluxgraph":"recording""#))
  }

  @Test(
    "a spool's files are the sink's alone, and a link in their place is not followed",
    arguments: ["webhook.spool", "webhook.dead.jsonl"])
  func spoolFiles(name: String) async throws {
    let folder = try Folder()
    let graph = "h = \(Self.talk)\nh | webhook http://127.0.0.1:9/ spool=sp retry=[1h]"
    let over = try await Fluxgraph.run(graph + "\nh | txt sp/\(name) overwrite", directory: folder.path)
    over.expectFailure(74, saying: "sp/\(name) is written by `webhook`")
    let behind = try await Fluxgraph.run(graph + "\nh | jsonl sp/\(name)", directory: folder.path)
    behind.expectFailure(74, saying: "sp/\(name) is written by `webhook`")
    try folder.write("precious", to: "precious")
    mkdir(folder.path("sp"), 0o700)
    symlink("../precious", folder.path("sp/\(name)"))
    try await Fluxgraph.run(graph, directory: folder.path).expectFailure(74, saying: "is no file of a spool")
    #expect(try folder.text(of: "precious") == "precious")
  }

  @Test("what one sink of a run has written is not replaced by another, whatever name it gets while it runs")
  func sameNames() async throws {
    let folder = try Folder()
    try folder.write(#"[{"word":"hello.","start":0.5,"end":1}]"#, to: "w.json")
    let outcome = try await Fluxgraph.run(
      """
      h = tone silence duration=3s | pace 100x | flux endpoint=local words=script:w.json as=me
      h | jsonl me.x
      h | txt {stream}.x overwrite
      h | vtt {stream}.vtt overwrite
      h | srt {stream}.vtt overwrite
      """, directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    #expect(try folder.text(of: "me.x").hasPrefix(#"{"v":1,"event":"#))
    #expect(try folder.text(of: "me-2.x") == "me: hello.\n")
    let captions = [try folder.text(of: "me.vtt"), try folder.text(of: "me-2.vtt")]
    #expect(captions.filter { $0.hasPrefix("WEBVTT") }.count == 1, "\(captions)")
  }

  @Test("captions and recordings that one run will write are refused to another before it begins")
  func twoCaptions() async throws {
    let folder = try Folder()
    let live = "tone live | flux endpoint=local words=none"
    let first = try Fluxgraph.start(
      "\(live) | vtt a.vtt overwrite\ntone live | wav sign.wav", directory: folder.path)
    while !FileManager.default.fileExists(atPath: folder.path("sign.wav")) {
      try await Task.sleep(for: .milliseconds(10))
    }
    let second = try await Fluxgraph.run("\(Self.talk) | vtt ./a.vtt overwrite", directory: folder.path)
    second.expectFailure(74, saying: "a.vtt is being written by another run")
    first.signal(SIGINT)
    #expect(try await first.outcome().status == 0)
    let third = try await Fluxgraph.run("\(Self.talk) | vtt a.vtt overwrite", directory: folder.path)
    #expect(third.status == 0, "\(third.errors)")
  }

  @Test(
    "a link that leads nowhere is told as that before anything begins",
    arguments: [
      ("txt dangling overwrite", "leads to"), ("jsonl dangling", "leads to"),
      ("txt dangling", "is already there"), ("vtt loop overwrite", "symbolic links"),
    ])
  func badLinks(sink: String, saying: String) async throws {
    let folder = try Folder()
    symlink("nowhere/x.txt", folder.path("dangling"))
    symlink("loop", folder.path("loop"))
    let graph = "\(Self.talk) | \(sink)"
    try await Fluxgraph.run(graph, directory: folder.path).expectFailure(74, saying: saying)
    let check = try await Fluxgraph.command(["check", "--world", "-e", graph], directory: folder.path)
    #expect(check.status == 74 && check.output.contains(saying), "\(check.output)")
  }

  @Test("what a program is given to read or to run is not written over")
  func programFiles() async throws {
    let folder = try Folder()
    try folder.write("precious", to: "in.wav")
    for source in [#"exec ["cat", "in.wav"]"#, #"sh "cat <in.wav""#] {
      let outcome = try await Fluxgraph.run("\(source) | wav in.wav overwrite", directory: folder.path)
      outcome.expectFailure(74, saying: "in.wav is read by")
    }
    #expect(try folder.text(of: "in.wav") == "precious")
  }
}
