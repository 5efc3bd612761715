import Foundation
import Testing

/// Sound that is not decoded here, as people have it: what ffmpeg makes of it comes out, whatever way it comes in.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs ffmpeg and flite"))
struct ForeignSoundTests {
  /// Formats, and how ffmpeg writes them.
  private static let formats: [(ending: String, options: String)] = [
    ("mp3", "-ar 44100 -c:a libmp3lame"), ("m4a", "-c:a aac -movflags faststart"), ("flac", "-c:a flac"),
    ("webm", "-ar 48000 -c:a libopus"), ("mka", "-c:a libvorbis"), ("wma", "-c:a wmav2"), ("aiff", ""),
    ("au", ""),
    ("w64", ""), ("ts", "-c:a mp2"), ("caf", ""), ("aac", "-c:a aac"), ("ogg", "-c:a libvorbis"),
    ("adpcm.wav", "-c:a adpcm_ms"), ("gsm.wav", "-ar 8000 -c:a gsm_ms"), ("avi", "-c:a libmp3lame"),
    ("mpg", "-c:a mp2"),
    ("ac3", "-ar 32000 -c:a ac3"), ("tta", ""),
  ]
  private static let sound = Task {
    let folder = try Folder()
    let lines = formats.map { "ffmpeg -nostdin -v error -i talk.wav \($0.options) 'talk.\($0.ending)'" }
    try await Peers.shell(
      """
      flite -voice slt -t 'Who speaks through another program is heard as if there were none, from the beginning to the end.' -o talk.wav
      \(lines.joined(separator: "\n"))
      ffmpeg -nostdin -v error -i talk.wav -c:a aac late.m4a
      ffmpeg -nostdin -v error -i talk.wav -ac 2 -c:a libmp3lame two.mp3
      ffmpeg -nostdin -v error -f lavfi -i testsrc=d=1:r=5 -an silent.mp4
      for name in talk.* late.m4a; do
        ffmpeg -nostdin -v quiet -i "$name" -map 0:a:0 -f s16le -c:a pcm_s16le "$name.raw"
        ffmpeg -v quiet -i pipe:0 -map 0:a:0 -f s16le -c:a pcm_s16le "$name.piped.raw" < "$name" || true
      done
      """, in: folder.path)
    return folder
  }

  private let sound: Folder
  private let folder: Folder

  init() async throws {
    sound = try await Self.sound.value
    folder = try Folder()
  }

  /// The samples of the file the graphs of these tests write, whose header is 80 bytes long.
  private func samples(_ name: String = "out.wav") throws -> [Int16] {
    try folder.bytes(of: name).dropFirst(80).chunks
  }

  private func expected(_ name: String) throws -> [Int16] { try sound.bytes(of: name + ".raw").chunks }

  @Test("every sample is ffmpeg's own, from a file and from a pipe", arguments: formats.map(\.ending))
  func samples(ending: String) async throws {
    let name = "talk.\(ending)"
    // Of a pipe it does not know the end, and does not take away what an encoder has added there.
    for (source, reference) in [
      ("file \"\(sound.path(name))\"", name), ("sh \"cat '\(sound.path(name))'\"", name + ".piped"),
    ] {
      let outcome = try await Fluxgraph.run("\(source) | wav out.wav overwrite", directory: folder.path)
      #expect(outcome.status == 0, "\(outcome.errors)")
      #expect(outcome.errors.contains("which is decoded through ffmpeg"), "\(outcome.errors)")
      #expect(try samples() == expected(reference), "\(source)")
    }
  }

  @Test("a file on standard input is a file: what has its index at its end is read, and from a pipe refused")
  func indexAtEnd() async throws {
    let file = sound.path("late.m4a")
    let whole = try await Program.run(
      "/bin/sh", ["-c", "exec '\(Fluxgraph.path)' run -e 'stdin | wav out.wav' < '\(file)'"],
      Fluxgraph.surroundings(directory: folder.path))
    #expect(whole.status == 0, "\(whole.errors)")
    #expect(try samples() == expected("late.m4a"))
    let piped = try await Fluxgraph.run(
      "stdin | wav piped.wav", directory: folder.path, input: Array(sound.bytes(of: "late.m4a")))
    piped.expectFailure(65, saying: "the index of this MP4 stands at its end", "`file FILE`")
  }

  @Test(
    "an excerpt is the part of the whole, to within a frame of the codec",
    arguments: ["mp3", "m4a", "flac", "webm", "mka", "ogg", "adpcm.wav", "avi", "aiff", "wma"])
  func excerpt(ending: String) async throws {
    let name = "talk.\(ending)"
    let outcome = try await Fluxgraph.run(
      "file \"\(sound.path(name))\" start=2s duration=1.5s | wav out.wav", directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let (whole, part) = (try expected(name), try samples())
    let rate = Double(whole.count) / (Double(try expected("talk.flac").count) / 16_000)
    let scale = (rate / 1000).rounded() * 1000 == rate.rounded() ? rate : rate
    #expect(abs(Double(part.count) / scale - 1.5) < 0.03)
    // Where in the whole a piece of it stands: as near as a frame of 1024 samples and a bit.
    let piece = Array(part[(part.count / 2)...].prefix(2000))
    let place = Int(2 * scale) + part.count / 2
    let places = (place - 1200)...min(place + 1200, whole.count - piece.count)
    let distances = places.map { at in
      (at, zip(whole[at...], piece).reduce(0) { $0 + abs(Int($1.0) - Int($1.1)) })
    }
    let best = try #require(distances.min { $0.1 < $1.1 })
    #expect(best.1 < 2000 * 40, "\(best)")
    #expect(abs(best.0 - place) <= 1100, "\(best.0 - place) samples off")
  }

  @Test(
    "the plan says who decodes, the look at the world how long it is, and two speakers on two channels are told of"
  )
  func plan() async throws {
    let graph = "file \"\(sound.path("two.mp3"))\" | flux endpoint=local words=none | null"
    let check = try await Fluxgraph.command(["check", "--world", "-e", graph])
    #expect(check.output.contains(#/decode +\(auto\) through ffmpeg/#), "\(check.output)")
    #expect(
      check.output.contains("takes: about 0.1 min") && check.output.contains("stereo: "), "\(check.output)")
    let outcome = try await Fluxgraph.run(
      "file \"\(sound.path("two.mp3"))\" | pace 20x | flux endpoint=local words=none | null")
    #expect(outcome.status == 0 && outcome.errors.contains("channels=split"), "\(outcome.errors)")
  }

  @Test("it is forbidden by `--strict` and by `native`; without it a line says how to come by it")
  func forbidden() async throws {
    let file = "file \"\(sound.path("talk.mp3"))\""
    try await Fluxgraph.run("\(file) | decode | null", ["--strict"]).expectFailure(
      65, saying: "talk.mp3: it holds MP3, which is not decoded here", "`--strict` keeps it")
    try await Fluxgraph.run("\(file) | decode native | null").expectFailure(65, saying: "`native` keeps it")
    let none = try Folder()
    for environment in [["PATH": none.path], ["PATH": ""]] {
      try await Fluxgraph.run("\(file) | null", environment: environment).expectFailure(
        65, saying: "holds MP3", "once it is installed",
        #"exec ["ffmpeg", "-v", "error", "-i", "FILE", "-f", "wav", "-"]"#)
      let check = try await Fluxgraph.command(
        ["check", "--world", "-e", "\(file) | null"], environment: environment)
      #expect(
        check.status == 65 && check.output.contains("missing") && !check.output.contains("through"),
        "\(check.output)")
    }
  }

  @Test(
    "an ffmpeg that fails is an error with what it said, behind the sound that came before",
    arguments: [
      ("echo 'out of order' >&2; exit 3", Int32(65), "out of order"), ("kill -9 $$", 69, "by signal 9"),
      ("head -c 2000 talk.wav; echo halfway >&2; exit 1", 65, "halfway"),
      ("echo this is no sound at all; exit 0", 69, "no sound"),
      ("exit 0", 65, "no sound"), ("exec >&-; trap '' TERM; sleep 1; exit 4", 65, "cannot decode"),
    ])
  func failing(script: String, status: Int32, words: String) async throws {
    try folder.write("#!/bin/sh\ncd '\(sound.path("."))'\n\(script)\n", to: "bin/ffmpeg")
    try await Peers.shell("chmod +x bin/ffmpeg", in: folder.path)
    let path = "\(folder.path("bin")):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")"
    let outcome = try await Fluxgraph.run(
      "file \"\(sound.path("talk.mp3"))\" | wav out.wav", environment: ["PATH": path], directory: folder.path)
    outcome.expectFailure(status, saying: "ffmpeg", words)
    if script.contains("head") { #expect(try samples().count > 900) }
  }

  @Test(
    "what it is given is all it gets: no name on its command line, nothing of the environment, no file but that"
  )
  func hardened() async throws {
    try folder.write(
      "#!/bin/sh\nprintf '%s\\n' \"$@\" > '\(folder.path("arguments"))'\nenv > '\(folder.path("environment"))'\n"
        + "ls -l /proc/self/fd > '\(folder.path("files"))'\nexit 1\n", to: "bin/ffmpeg")
    try await Peers.shell(
      "chmod +x bin/ffmpeg && cp '\(sound.path("talk.mp3"))' './-i concat:odd.mp3'", in: folder.path)
    let path = "\(folder.path("bin")):/usr/bin:/bin"
    let environment = ["PATH": path, "HOOK_SECRET": "s3cr3t-of-mine", "FFREPORT": "file=report.log"]
    _ = try await Fluxgraph.run(
      "file \"./-i concat:odd.mp3\" | null", environment: environment, directory: folder.path)
    let arguments = try folder.text(of: "arguments").split(separator: "\n")
    #expect(!arguments.contains { $0.contains("odd") })
    #expect(arguments.contains("-protocol_whitelist") && arguments.contains("file:/proc/self/fd/0"))
    let seen = try folder.text(of: "environment")
    #expect(!seen.contains("s3cr3t") && !seen.contains("FFREPORT"), "\(seen)")
    #expect(try folder.text(of: "files").contains("odd.mp3"))
  }

  @Test(
    "a list of files is none of its business, whatever it is called", arguments: ["list.mp3", "list.m4a"])
  func lists(name: String) async throws {
    let target = sound.path("talk.wav")
    for (text, words) in [
      ("#EXTM3U\n#EXTINF:5,\nfile://\(target)\n", "list of addresses"),
      ("ffconcat version 1.0\nfile '\(target)'\n", "it is text"),
      ("v=0\no=- 0 0 IN IP4 127.0.0.1\nm=audio 5004 RTP/AVP 0\n", "it is text"),
    ] {
      try folder.write(text, to: name)
      try await Fluxgraph.run("file \(name) | wav out.wav", directory: folder.path).expectFailure(
        65, saying: name, words)
    }
  }

  @Test("a film without sound, and what is cut off or is none of the formats, are told in one line")
  func soundless() async throws {
    try await Fluxgraph.run("file \"\(sound.path("silent.mp4"))\" | null").expectFailure(
      65, saying: "silent.mp4: it holds no sound")
    try folder.write(try sound.bytes(of: "late.m4a").prefix(9_000), to: "cut.m4a")
    try await Fluxgraph.run("file cut.m4a | null", directory: folder.path).expectFailure(
      65, saying: "cut.m4a", "moov atom not found")
    try folder.write("<!doctype html><html><body>Not found</body></html>", to: "page.mp3")
    try await Fluxgraph.run("file page.mp3 | null", directory: folder.path).expectFailure(
      65, saying: "page.mp3: it is text")
  }

  @Test("a stream somebody tuned in to, and a tag with a picture in front, are sound")
  func inTheMiddle() async throws {
    let bytes = [UInt8](try sound.bytes(of: "talk.mp3"))
    try folder.write(Data(bytes[5_000...]), to: "middle.mp3")
    let picture = [UInt8](repeating: 0x5A, count: 500_000)
    let size = (0..<4).map { UInt8(picture.count >> (7 * (3 - $0)) & 0x7F) }
    try folder.write(Data(Array("ID3".utf8) + [4, 0, 0] + size + picture + bytes[5_000...]), to: "cover.mp3")
    for name in ["middle.mp3", "cover.mp3"] {
      for source in ["file \(name)", "sh \"cat \(name)\""] {
        let outcome = try await Fluxgraph.run("\(source) | wav out.wav overwrite", directory: folder.path)
        #expect(outcome.status == 0, "\(outcome.errors)")
        let all = try expected("talk.mp3").count
        #expect(try (all / 2...all).contains(samples().count))
      }
    }
  }

  @Test("what is cut short or damaged is told, and nothing that could be decoded is lost")
  func damaged() async throws {
    let mp3 = try sound.bytes(of: "talk.mp3")
    try folder.write(mp3.prefix(mp3.count / 2), to: "cut.mp3")
    let cut = try await Fluxgraph.run("file cut.mp3 | wav cut.wav", directory: folder.path)
    #expect(cut.status == 0 && cut.errors.contains("its header promises"), "\(cut.errors)")
    let webm = try sound.bytes(of: "talk.webm")
    try folder.write(webm.prefix(webm.count * 6 / 10), to: "cut.webm")
    let broken = try await Fluxgraph.run("file cut.webm | wav out.wav", directory: folder.path)
    broken.expectFailure(65, saying: "cut.webm: it is damaged", "all that could be decoded was used")
    #expect(try samples().count > expected("talk.webm").count / 2)
    var holed = [UInt8](mp3)
    for index in 8_000..<8_600 { holed[index] = 0x55 }
    try folder.write(Data(holed), to: "hole.mp3")
    let hole = try await Fluxgraph.run("file hole.mp3 | null", directory: folder.path)
    #expect(hole.status == 0 && hole.errors.contains("ffmpeg has complained"), "\(hole.errors)")
  }

  @Test("one that closes its output and stays, and one that leaves another behind, hold nothing up")
  func holding() async throws {
    for (script, status) in [
      ("exec >&-; exec sleep 600", Int32(69)), ("sleep 600 & exec /usr/bin/ffmpeg \"$@\"", 0),
    ] {
      try folder.write("#!/bin/sh\n\(script)\n", to: "bin/ffmpeg")
      try await Peers.shell("chmod +x bin/ffmpeg", in: folder.path)
      let began = ContinuousClock.now
      let outcome = try await Fluxgraph.run(
        "file \"\(sound.path("talk.mp3"))\" | wav out.wav overwrite",
        environment: ["PATH": "\(folder.path("bin")):/usr/bin:/bin"], directory: folder.path)
      #expect(outcome.status == status, "\(outcome.errors)")
      #expect(ContinuousClock.now - began < .seconds(60))
    }
  }

  @Test("a download that breaks off is sound as far as it came")
  func brokenDownload() async throws {
    let server = """
      import http.server, sys

      class Half(http.server.BaseHTTPRequestHandler):
          def do_GET(self):
              data = open(sys.argv[1], 'rb').read()
              self.send_response(200)
              self.send_header('Content-Length', str(len(data)))
              self.end_headers()
              self.wfile.write(data[:len(data) // 2])

          def log_message(self, *words):
              pass

      server = http.server.HTTPServer(('127.0.0.1', 0), Half)
      print(server.server_port, flush=True)
      server.serve_forever()

      """
    try folder.write(server, to: "half.py")
    for name in ["talk.mp3", "talk.flac", "talk.wav"] {
      let script = """
        '\(Peers.python)' half.py '\(sound.path(name))' > port & server=$!
        while ! [ -s port ]; do sleep 0.05; done
        '\(Fluxgraph.path)' run -e "http http://127.0.0.1:$(cat port)/ | wav out.wav overwrite"; echo code $?
        kill $server; rm port
        """
      let outcome = try await Program.run(
        "/bin/sh", ["-c", script], Fluxgraph.surroundings(directory: folder.path))
      #expect(outcome.output.contains("code 69"), "\(outcome.errors)")
      #expect(try samples().count > expected("talk.flac").count / 3, "\(name)")
    }
  }

  @Test(
    "what is no sound is called what it is, and never bare samples",
    arguments: [
      ("PK\u{3}\u{4}", "a ZIP archive"), ("%PDF-1.7", "a PDF document"), ("MThd", "a standard MIDI file"),
      ("Rar!\u{1A}\u{7}", "a RAR archive"),
    ])
  func otherContent(head: String, name: String) async throws {
    try folder.write(Data(head.utf8 + [UInt8](repeating: 0xC0, count: 3_000)), to: "thing.mp3")
    let outcome = try await Fluxgraph.run("file thing.mp3 | null", directory: folder.path)
    outcome.expectFailure(65, saying: "thing.mp3: it is \(name), and no sound itself")
    #expect(!outcome.errors.contains("raw="))
  }

  @Test("when nothing more is wanted it ends, and none is left behind")
  func nobodyIsLeft() async throws {
    try await Peers.shell(
      "ffmpeg -nostdin -v error -f lavfi -i anoisesrc=sample_rate=44100 -t 600 -c:a libmp3lame long.mp3",
      in: folder.path)
    let short = try await Fluxgraph.run("file long.mp3 duration=1s | wav out.wav", directory: folder.path)
    #expect(short.status == 0, "\(short.errors)")
    let stopped = try await Fluxgraph.run(
      "file long.mp3 | pace 1x | null", ["--for", "1s"], directory: folder.path)
    #expect(stopped.status == 0, "\(stopped.errors)")
    let left = try await Program.run(
      "/bin/sh",
      [
        "-c",
        "grep -al long.mp3 /proc/[0-9]*/maps; ls -l /proc/[0-9]*/fd/0 2>/dev/null | grep long.mp3; true",
      ])
    #expect(left.output.isEmpty, "\(left.output)")
  }

  @Test("a folder of recordings of all kinds is a batch like any other")
  func batch() async throws {
    let names = ["mp3", "m4a", "flac", "ogg", "webm", "wav"].map { sound.path("talk.\($0)") }
    try folder.write("param input\nfile $input | wav out/{$input.name}.wav\n", to: "copy.graph")
    let outcome = try await Fluxgraph.command(
      ["batch", "copy.graph", "--jobs", "4"] + names, directory: folder.path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    for name in names {
      #expect(try folder.bytes(of: "out/\(URL(fileURLWithPath: name).lastPathComponent).wav").count > 100_000)
    }
  }
}

extension Data {
  fileprivate var chunks: [Int16] {
    let bytes = Array(self)
    return stride(from: 0, to: bytes.count - 1, by: 2).map {
      Int16(bytes[$0]) | Int16(bitPattern: UInt16(bytes[$0 + 1]) << 8)
    }
  }
}
