import FluxGraph
import Testing

@testable import GraphLanguage

@Suite struct RouteTests {
  private func predicates(_ text: String) throws -> [String] {
    let result = check(text)
    #expect(result.diagnostics == [])
    let plan = try #require(result.plan)
    return plan.nodes.filter { $0.specification.name == "where" }.map(\.text)
  }

  @Test("an arm takes what its condition holds for and no earlier arm took; `else` takes the rest")
  func firstMatch() throws {
    let graph = """
      mic | flux | route {
        event == EndOfTurn => stdout
        turn > 3 or final == true => jsonl late.jsonl
        else => null
      }
      """
    #expect(
      try predicates(graph) == [
        "where event == EndOfTurn",
        "where (turn > 3 or final == true) and not event == EndOfTurn",
        "where not (event == EndOfTurn or turn > 3 or final == true)",
      ])
  }

  @Test("with `all` every arm is asked; `else` takes what none took")
  func all() throws {
    let graph = "mic | flux | route all { event == EndOfTurn => stdout; turn > 3 => null; else => null }"
    #expect(
      try predicates(graph) == [
        "where event == EndOfTurn", "where turn > 3", "where not (event == EndOfTurn or turn > 3)",
      ])
  }

  @Test("exactly one arm of a route takes an event, whichever fields it has")
  func partition() throws {
    let graph =
      "mic | flux | route { event == EndOfTurn => a; confidence > 0.5 => b; stream ~ \"m\" => c; else => d }\n"
      + "a, b, c, d | stdout"
    let plan = try #require(check(graph).plan)
    let conditions = plan.nodes.flatMap(\.settings).compactMap {
      if case .predicate(let predicate) = $0.value { predicate } else { nil }
    }
    #expect(conditions.count == 4)
    for kind in TurnEvent.Kind.known {
      for stream in [nil, "me", "you"] {
        for confidence in [[], [0.2], [0.9]] {
          let words = confidence.map { TurnEvent.Word(word: "x", start: nil, end: nil, confidence: $0) }
          let event = Event.turn(
            TurnEvent(
              kind: kind, stream: stream, session: "s", turn: 1, start: 0, end: 1, time: .now(),
              transcript: "", words: words))
          #expect(conditions.count { $0.holds { event.value(of: $0) } } == 1)
        }
      }
    }
  }

  @Test("an arm's name is used afterwards, also as a port of nothing; a chain in an arm may filter further")
  func names() throws {
    let graph = """
      heard = mic | flux
      heard | route {
        # the turns
        event == EndOfTurn => turns
        else => where event == Notice
                | null
      }
      turns | stdout
      """
    let plan = try #require(check(graph).plan)
    let turns = try #require(plan.nodes.first { $0.name == "turns" })
    #expect(turns.text == "where event == EndOfTurn")
    #expect(plan.outputs(of: turns.id).map { plan.nodes[$0.to].specification.name } == ["stdout"])
    #expect(turns.location == "t.graph:2:9")
  }

  @Test("a route within a route splits what the arm gives")
  func nested() throws {
    let graph = """
      mic | flux | route {
        event == EndOfTurn => route {
          turn > 3 => stdout
          else => null
        }
        else => null
      }
      """
    #expect(
      try predicates(graph) == [
        "where event == EndOfTurn", "where turn > 3", "where not turn > 3", "where not event == EndOfTurn",
      ])
  }
}

@Suite struct UseTests {
  @Test("names, parameters and arms of another graph are taken over, its other chains and tests are not")
  func takesOver() throws {
    let other = """
      param level = -3dB
      heard = mic | gain $level | flux
      heard | route { event == EndOfTurn => turns; else => null }
      heard | stdout
      test "theirs" { feed heard from a.jsonl; expect turns count == 1 }
      """
    let result = check(
      "use shared/other.graph\nturns | jsonl x.jsonl", files: ["/graphs/shared/other.graph": other])
    #expect(result.diagnostics.map(\.code) == ["chain-left-out"])
    let plan = try #require(result.plan)
    #expect(plan.nodes.filter { $0.specification.group == .sink }.map(\.text) == ["null", "jsonl x.jsonl"])
    #expect(plan.nodes.first { $0.specification.name == "gain" }?.text == "gain -3dB")
    #expect(plan.nodes.first { $0.specification.name == "mic" }?.location == "/graphs/shared/other.graph:2:9")
    #expect(plan.nodes.first { $0.specification.name == "mic" }?.directory == "/graphs/shared/")
    #expect(result.tests?.tests.isEmpty == true)
  }

  @Test("a parameter of another graph is set like an own one")
  func parameters() throws {
    let other = "param path\nsound = file $path"
    let files = ["/graphs/o.graph": other]
    #expect(check("use o.graph\nsound | null", parameters: ["path": "a.wav"], files: files).diagnostics == [])
    #expect(check("use o.graph\nsound | null", files: files).diagnostics.map(\.code) == ["missing-parameter"])
  }

  @Test("a graph used by two that are used is read once")
  func diamond() {
    let files = [
      "/graphs/a.graph": "use ./d.graph\na = sound | flux",
      "/graphs/b.graph": "use ../graphs/d.graph\nb = sound | flux",
      "/graphs/d.graph": "sound = mic",
    ]
    #expect(check("use a.graph\nuse b.graph\na, b | stdout", files: files).diagnostics == [])
  }

  @Test("a mistake in another graph is drawn over its own line, also in JSON")
  func mistakes() {
    let result = check(
      "use a.graph\nsound | null", files: ["/graphs/a.graph": "# first\nsound = mic | gian 3dB"])
    #expect(
      result.rendered(color: false) == """
        error[unknown-stage]: no stage is called `gian`
          ┌─ /graphs/a.graph:2:15
        2 │ sound = mic | gian 3dB
          │               ^^^^ did you mean `gain`?


        """)
    #expect(result.json.contains(#""file":"/graphs/a.graph","line":2,"column":15,"start":22,"end":26"#))
  }

  @Test("what is left out is checked all the same, with what is bound where it stands")
  func leftOut() {
    func codes(_ other: String, _ text: String = "use o.graph\nsound | null") -> [String] {
      check(text, files: ["/graphs/o.graph": other]).diagnostics.map(\.code)
    }
    let sound = "sound = mic\n"
    #expect(codes(sound + "sound | gian 3dB | null") == ["unknown-stage"])
    #expect(codes(sound + "sound | flux eot_threshold=9 | stdout") == ["out-of-range"])
    #expect(codes(sound + "sound | webhook https://h/x") == ["events-expected"])
    #expect(codes(sound + "nosuch | stdout\nmic | | null").count == 2)
    #expect(codes(sound + "sound | flux | where event == ") == ["bad-predicate"])
    // What only this machine or the rest of the graph makes wrong is none.
    let input = "stdin emits=pcm(s16le, 16k, mono) live"
    let elsewhere = "\(input) | flux key=env(NOT_SET) | stdout"
    #expect(codes(sound + elsewhere, "use o.graph\nsound | null\n\(input) | null") == ["chain-left-out"])
    #expect(codes("param p\nsound = file $p\nsound | flux key=env(NO) | stdout") == ["missing-parameter"])
    #expect(
      codes("both | stdout\nsound = mic", "both = mic | flux\nboth | null\nuse o.graph\nsound | null") == [
        "chain-left-out"
      ])
  }

  @Test(
    "each graph tells of its own, also one that is used by one that is used; what is used twice tells once")
  func notes() {
    let files = [
      "/graphs/a.graph": "use b.graph\na = sound | gain -3dB\na | flux | stdout",
      "/graphs/b.graph":
        "sound = mic\nsound | flux | stdout\nsound | null\nsound | wav x.wav\nsound | null\nsound | null",
    ]
    let result = check("use a.graph\nuse b.graph\na | null", files: files)
    #expect(result.plan != nil && result.plan?.nodes.filter { $0.specification.group == .sink }.count == 1)
    #expect(
      result.diagnostics.map(\.message) == [
        "a chain of `a.graph` without a name does not run here",
        "5 chains of `b.graph` without a name do not run here",
      ])
    #expect(result.diagnostics.allSatisfy { $0.severity == .note })
    #expect(result.diagnostics.last?.notes == ["and 1 more"])
    #expect(result.json.contains(#""severity":"note""#))
    let nothing = check("use o.graph\nmic | null", files: ["/graphs/o.graph": "mic | flux | stdout"])
    #expect(nothing.plan != nil && nothing.diagnostics.map(\.severity) == [.warning])
    #expect(nothing.diagnostics[0].message == "nothing in `o.graph` has a name, so that none of it runs here")
  }

  @Test(
    "what is no graph is told as that, once",
    arguments: [
      "", "\n\n", "# only words\n",
      "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n",
      "PRETTY_NAME=\"Debian GNU/Linux 12\"\nNAME=\"Debian\"\n", "{\"v\": 1, \"nodes\": [],\n \"links\": []}",
      "\u{0}\u{1}\u{2}\u{7F}ELF\u{0}\n\u{0}", "Dear reader,\n\nthis is a letter | of mine.\n",
      "<html><body>x</body></html>",
      "a,b,c\n1,2,3\n", "[section]\nkey = value\n",
    ])
  func noGraph(_ text: String) {
    let result = check("use o.graph\nmic | null", files: ["/graphs/o.graph": text])
    #expect(result.diagnostics.map(\.code) == ["not-a-graph"], "\(result.rendered(color: false))")
    #expect(
      result.diagnostics.allSatisfy {
        $0.primary.map { result.source.location(of: $0.span) } == "t.graph:1:5"
      })
  }

  @Test("a graph that uses itself is told as that")
  func itself() {
    let result = check("use ../graphs/t.graph\nmic | null")
    #expect(
      result.diagnostics.map(\.code) == ["unreadable-file"] || result.diagnostics.map(\.code) == ["use-cycle"]
    )
    let used = check("use o.graph\nmic | null", files: ["/graphs/o.graph": "sound = mic\nuse ./o.graph"])
    #expect(used.diagnostics.map(\.message) == ["`./o.graph` is this graph itself"])
  }

  @Test("a chain of graphs that is too long ends in an error, not in the stack")
  func depth() {
    var files: [String: String] = [:]
    for index in 0..<100 { files["/graphs/\(index).graph"] = "use \(index + 1).graph" }
    #expect(check("use 0.graph\nmic | null", files: files).diagnostics.map(\.code) == ["too-deep"])
  }
}

@Suite struct SecretReferenceTests {
  @Test("a secret from a file or a program is planned by its place and filled in when the graph runs")
  func references() async throws {
    for (text, reference) in [
      ("secret(file:key.txt)", SecretReference.file("/graphs/key.txt")),
      ("secret(file:\"a key\")", .file("/graphs/a key")),
      ("secret(exec:[pass, show, \"deep gram\"])", .program(["pass", "show", "deep gram"])),
    ] {
      for graph in ["mic | flux key=\(text) | stdout", "param k = \(text)\nmic | flux key=$k | stdout"] {
        let result = check(graph)
        #expect(result.diagnostics == [])
        let plan = try #require(result.plan)
        let node = try #require(plan.nodes.first { $0.specification.name == "flux" })
        #expect(node.settings == [StageSetting("key", .secretReference(reference))])
        let filled = await plan.resolvingSecrets { Secret("from \($0)") }
        #expect(
          filled.nodes[node.id].settings == [StageSetting("key", .secret(Secret("from \(reference)")))])
      }
    }
  }

  @Test("only an option of type secret takes a secret")
  func onlySecrets() {
    #expect(check("file secret(file:x) | null").diagnostics.map(\.code) == ["wrong-type"])
  }
}

@Suite struct TestBlockTests {
  @Test("a test's streams are planned with all that is between, used in a test is used")
  func plans() throws {
    let graph = """
      heard = mic | flux
      finished = heard | where event == EndOfTurn
      heard | stdout
      test "only finished turns" {
        feed heard from turns.jsonl
        expect finished count == 2
        expect finished[0].transcript == "Hello."
      }
      """
    let result = check(graph)
    #expect(result.diagnostics == [])
    let tests = try #require(result.tests)
    let test = try #require(tests.tests.first)
    #expect(test.feeds.map(\.path) == ["/graphs/turns.jsonl"])
    #expect(test.feeds[0].streams.map { tests.plan.nodes[$0.node].name } == ["heard"])
    #expect(
      test.expectations.map(\.text) == [
        "expect finished count == 2", "expect finished[0].transcript == \"Hello.\"",
      ])
    #expect(test.expectations[1].location == "t.graph:7:3")
    // What only a test looks at does not run otherwise.
    #expect(result.plan?.nodes.contains { $0.name == "finished" } == false)
  }

  @Test(
    "what a test says is checked like any condition",
    arguments: [
      ("feed nobody from a.jsonl", "unknown-name"), ("feed sound from a.jsonl", "events-expected"),
      ("expect heard[0].transcipt == \"x\"", "unknown-field"),
      ("expect heard[0].turn == many", "wrong-comparison"),
      ("expect heard count == two", "bad-test"), ("expect heard count ~ 2", "bad-test"),
      ("expect heard[0].event == EndOfTrun", "unknown-event"),
    ])
  func mistakes(_ step: String, _ code: String) {
    let graph =
      "sound = mic\nheard = sound | flux\nheard | stdout\ntest \"t\" {\n  expect heard count == 0\n  \(step)\n}"
    #expect(check(graph).diagnostics.map(\.code) == [code])
  }
}
