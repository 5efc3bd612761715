import Foundation
import Testing

/// What was given as a secret is shown nowhere and handed to no other program, whatever way it came.
@Suite(
  .timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's websockets, ffmpeg and openssl"))
struct SecretTests {
  private let secret = "s3cr3t-0f-m1ne-4f1c"
  private static let speech = Peers.packageRoot.appending(path: "graphs/audio/dialogue.opus").path

  @Test(
    "a key the service repeats is not shown: in no message, log or manifest",
    arguments: ["repeats", "repeats-header"])
  func repeated(shape: String) async throws {
    let flux = try await FakeFlux.shared.value
    let sound = try await Recordings.shared.value.path("short.wav")
    let folder = try Folder()
    let call = flux.call("refuse", ["status": 401, "body": shape])
    let graph =
      "param input = \(sound)\nturns = file $input | flux endpoint=\(call.url) key=env(SOME_KEY) max_attempts=1"
      + "\nturns | stdout\nturns.notices | jsonl notices.jsonl"
    try folder.write(graph, to: "talk.graph")
    for arguments in [["run", "talk.graph"], ["batch", "talk.graph", sound, "--manifest", "made.jsonl"]] {
      for environment in [
        ["FLUXGRAPH_LOG": "debug"], ["FLUXGRAPH_LOG": "debug", "FLUXGRAPH_LOG_FORMAT": "json"],
      ] {
        let outcome = try await Fluxgraph.command(
          arguments + (arguments[0] == "batch" ? ["--resume"] : []),
          environment: environment.merging(["SOME_KEY": secret]) { $1 }, directory: folder.path)
        #expect(
          outcome.status == 77 && outcome.errors.contains("this is no key: Token •••"), "\(outcome.errors)")
        var shown = outcome.errors + outcome.output
        for file in ["made.jsonl", "notices.jsonl"] { shown += (try? folder.text(of: file)) ?? "" }
        #expect(!shown.contains(secret), "\(shown)")
      }
    }
  }

  @Test("no program a graph starts gets a secret of the graph, in whatever variable it is")
  func children() async throws {
    let folder = try Folder()
    let sound = try await Recordings.shared.value.path("short.wav")
    try folder.write(
      """
      audio = exec ["sh", "-c", "env > exec.env; cat \(sound)"] | through ["sh", "-c", "env > through.env; cat"]
      heard = audio | flux endpoint=local key=env(A_KEY)
      file \(Self.speech) duration=5s | pace 4x
        | flux endpoint=local words="command:sh -c 'env > words.env; exec cat >/dev/null'" | null
      heard | command ["sh", "-c", "env > command.env; cat >/dev/null"]
      heard | webhook http://127.0.0.1:9/x?token=\(secret) headers=[env(A_HEADER)] retry=none \
        secret=secret(exec:["sh", "-c", "env > secret.env; echo whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"])
      heard | webhook env(A_URL) retry=none headers=["X-Auth: \(secret)"]
      """, to: "talk.graph")
    let environment = [
      "A_KEY": secret, "A_HEADER": "Authorization: Bearer \(secret)", "DEEPGRAM_API_KEY": "dg-\(secret)",
      "A_URL": "http://127.0.0.1:9/y?api_key=\(secret)", "COPY": secret, "LINE": "--header=\(secret)",
      "HARMLESS": "yes",
    ]
    let outcome = try await Fluxgraph.command(
      ["run", "talk.graph"], environment: environment, directory: folder.path)
    for name in ["exec", "through", "command", "secret", "words"] {
      let text = (try? folder.text(of: "\(name).env")) ?? "none: \(outcome.errors)"
      #expect(text.contains("HARMLESS=yes") && !text.contains(secret), "\(name): \(text)")
      for variable in environment.keys where variable != "HARMLESS" {
        #expect(!text.contains("\(variable)="), "\(name) has \(variable)")
      }
    }
    #expect(!(outcome.errors + outcome.output).contains(secret), "\(outcome.errors)")
  }

  @Test("every program a graph starts has default signals and a group of its own")
  func groups() async throws {
    let folder = try Folder()
    let look = "cat /proc/self/status /proc/self/stat >"
    try folder.write(
      """
      audio = exec ["sh", "-c", "\(look) exec.look; cat \(try await Recordings.shared.value.path("short.wav"))"] | through ["sh", "-c", "\(look) through.look; cat"]
      heard = audio | flux endpoint=local words=none
      file \(Self.speech) duration=5s | pace 4x
        | flux endpoint=local words="command:sh -c '\(look) words.look; exec cat >/dev/null'" | null
      heard | command ["sh", "-c", "\(look) command.look; cat >/dev/null"]
      heard | webhook http://127.0.0.1:9/x retry=none \
        secret=secret(exec:["sh", "-c", "\(look) secret.look; echo whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"])
      """, to: "talk.graph")
    let outcome = try await Fluxgraph.command(["run", "talk.graph"], directory: folder.path)
    for name in ["exec", "through", "command", "secret", "words"] {
      let text = (try? folder.text(of: "\(name).look")) ?? "none: \(outcome.errors)"
      for field in ["SigBlk:", "SigIgn:"] {
        let line = text.split(separator: "\n").first { $0.hasPrefix(field) }
        let signals = line.flatMap { UInt64($0.split(separator: "\t").last ?? "", radix: 16) }
        // glibc keeps 32 and 33 to itself.
        #expect(signals.map { $0 & ~(3 << 31) } == 0, "\(name): \(text)")
      }
      // The number of its shell, and the group that leads.
      let words = text.split(separator: "\n").last.map { $0.split(separator: " ") } ?? []
      #expect(words.count > 5 && words[3] == words[4], "\(name): \(text)")
    }
  }

  @Test("a program that gives a secret gets no sound, and what it leaves running holds nothing up")
  func leftRunning() async throws {
    let folder = try Folder()
    let graph =
      #"stdin | decode raw=pcm(s16le, 16k, mono) | wav out.wav; tone duration=0.1s | flux endpoint=local words=none | webhook http://127.0.0.1:9/x retry=none secret=secret(exec:["sh", "-c", "cat > taken; sleep 600 & echo whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"])"#
    let began = ContinuousClock.now
    _ = try await Fluxgraph.run(graph, directory: folder.path, input: [UInt8](repeating: 7, count: 64_000))
    #expect(ContinuousClock.now - began < .seconds(50))
    #expect(try folder.bytes(of: "taken").isEmpty)
    #expect(try folder.bytes(of: "out.wav").count > 64_000)
  }

  @Test("what a program complains is masked, and stays JSON where the log is")
  func complaints() async throws {
    let words = "command:sh -c 'echo the key is $0 >&2; exec cat >/dev/null' \(secret)"
    let graph =
      "file \(Self.speech) duration=5s | pace 4x | flux endpoint=local key=env(A_KEY) words=\"\(words)\" | stdout"
    let outcome = try await Fluxgraph.run(
      graph, environment: ["A_KEY": secret, "FLUXGRAPH_LOG_FORMAT": "json"])
    #expect(outcome.errors.contains("the key is •••"), "\(outcome.errors)")
    #expect(!outcome.errors.contains(secret))
    for line in outcome.errors.split(separator: "\n") {
      #expect(throws: Never.self) { try JSONSerialization.jsonObject(with: Data(line.utf8)) }
    }
  }

  @Test(
    "a key that cannot be meant is told as that before anything is opened, by run, record, batch and check",
    arguments: [
      ("", "is empty"), ("\n", "begins with a line break"), ("s3cr3t\n", "ends with a line break"),
      (" s3cr3t", "begins with a blank"), ("\"s3cr3t\"", "stands in quotes"), ("s3cr\u{E9}t", "the 5th of 6"),
    ])
  func unusable(value: String, message: String) async throws {
    let folder = try Folder()
    try folder.write("s3cr3t \n", to: "key.txt")
    for option in ["", "key=env(A_KEY)"] {
      let name = option.isEmpty ? "DEEPGRAM_API_KEY" : "A_KEY"
      try folder.write(
        "param input = tone.wav\nexec [\"sh\", \"-c\", \"echo $0 >> opened\", $input] | flux \(option) | jsonl out.jsonl\n",
        to: "talk.graph")
      for command in [
        ["run", "talk.graph"], ["record", "made.fluxrec", "talk.graph"], ["batch", "talk.graph", "a.wav"],
        ["check", "--world", "talk.graph"],
      ] {
        let outcome = try await Fluxgraph.command(
          command, environment: [name: value], directory: folder.path)
        let shown = outcome.errors + outcome.output
        #expect(outcome.status == 77, "\(command): \(shown)")
        #expect(shown.contains(message) && !shown.contains("s3cr"), "\(shown)")
        if message.hasPrefix("is") || message.hasPrefix("ends") {
          #expect(shown.contains("\(name) \(message)"))
        }
        for file in ["opened", "out.jsonl"] { #expect((try? folder.bytes(of: file)) == nil) }
      }
    }
  }

  @Test(
    "a secret from a file or a program that cannot be meant is told as that; one line break is no part of it")
  func references() async throws {
    let folder = try Folder()
    for (content, message) in [
      ("s3cr3t \n", "ends with a blank"), ("", "is empty"), ("s3cr3t\n\n", "line break"),
    ] {
      try folder.write(content, to: "key.txt")
      for option in ["secret(file:key.txt)", "secret(exec:[cat, key.txt])"] {
        let graph = "tone duration=1s | flux key=\(option) | stdout"
        let outcome = try await Fluxgraph.run(graph, directory: folder.path)
        outcome.expectFailure(77, saying: "secret(", message)
        #expect(!outcome.errors.contains("s3cr"))
        if option.contains("exec") { continue }
        let check = try await Fluxgraph.command(["check", "--world", "-e", graph], directory: folder.path)
        #expect(check.status == 77 && check.output.contains(message), "\(check.output)")
      }
    }
  }

  @Test(
    "an address with a password is refused by every stage, and one with a token is shown without it",
    arguments: [
      "http URL | flux endpoint=local | stdout", "tone | flux endpoint=local | webhook URL",
      "tone | flux endpoint=URL key=env(A_KEY) | stdout",
    ])
  func addresses(graph: String) async throws {
    let scheme = graph.contains("endpoint=URL") ? "wss" : "https"
    let password = graph.replacing("URL", with: "\(scheme)://me:\(secret)@example.com/x")
    let token = graph.replacing("URL", with: "\"\(scheme)://example.com/x?api_key=\(secret)&room=7\"")
    for command in [["check"], ["graph"], ["graph", "--format", "json"], ["graph", "--format", "mermaid"]] {
      let refused = try await Fluxgraph.command(
        command + ["-e", password], environment: ["A_KEY": "a-key-of-mine"])
      #expect(refused.status == 78 && refused.errors.contains("headers=[env(NAME)]"), "\(refused.errors)")
      let shown = try await Fluxgraph.command(
        command + ["-e", token], environment: ["A_KEY": "a-key-of-mine"])
      #expect(shown.status == 0, "\(shown.errors)")
      for text in [refused.errors, refused.output, shown.errors, shown.output] {
        #expect(!text.contains(secret), "\(text)")
      }
    }
  }

  @Test("a key over an open connection to another machine is warned of, and on this one it is not")
  func unencrypted() async throws {
    func warnings(_ endpoint: String, _ option: String = "key=env(A_KEY)") async throws -> Bool {
      let outcome = try await Fluxgraph.command(
        ["check", "-e", "tone | flux endpoint=\(endpoint) \(option) | stdout"],
        environment: ["A_KEY": "a-key-of-mine"])
      #expect(outcome.status == 0, "\(outcome.errors)")
      return outcome.errors.contains("unencrypted-key")
    }
    #expect(try await warnings("ws://flux.example.com"))
    #expect(try await warnings("ws://192.168.1.7:8119"))
    #expect(try await warnings("ws://127.example.com"))
    #expect(try await warnings("ws://h.example.com/?token=abcdefgh", ""))
    #expect(try await warnings("ws://h.example.com", "headers=[\"Authorization: Token x\"]"))
    for address in ["ws://127.0.0.1:8119", "ws://[::1]:8119", "ws://localhost", "wss://flux.example.com"] {
      #expect(try await !warnings(address))
    }
    #expect(try await !warnings("ws://h.example.com", ""))
  }

  @Test("the token of an input's address is in no manifest, and --resume knows the input again")
  func manifest() async throws {
    let folder = try Folder()
    let inputs = ["a", "b"].map { "http://127.0.0.1:9/talk.wav?token=\(secret)-\($0)" }
    try folder.write("param input\nhttp $input | flux endpoint=local | stdout\n", to: "t.graph")
    for round in 1...2 {
      let outcome = try await Fluxgraph.command(
        ["batch", "t.graph", "--manifest", "m.jsonl"] + (round == 2 ? ["--resume"] : []) + inputs,
        directory: folder.path)
      let text = try folder.text(of: "m.jsonl")
      #expect(outcome.status == 69 && !text.contains(secret) && !outcome.errors.contains(secret), "\(text)")
      let states = text.split(separator: "\n").compactMap {
        try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any]
      }
      #expect(Set(states.compactMap { $0["digest"] as? String }).count == 2)
      #expect(
        states.allSatisfy { $0["input"] as? String == "http://127.0.0.1:9/talk.wav?token=•••" }, "\(text)")
    }
    let again = try await Fluxgraph.command(
      ["batch", "t.graph", "--manifest", "m.jsonl"] + inputs, directory: folder.path)
    #expect(again.status == 74 && again.errors.contains("2 of these inputs"), "\(again.errors)")
  }
}
