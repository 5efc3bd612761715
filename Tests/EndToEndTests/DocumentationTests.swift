import Foundation
import Testing

/// What the program and the README tell people to type is right.
@Suite(.timeLimit(.minutes(10))) struct DocumentationTests {
  @Test("every sample graph checks, and its plan shows what was added")
  func samples() async throws {
    let graphs = Peers.packageRoot.appending(path: "graphs")
    let names = try FileManager.default.contentsOfDirectory(atPath: graphs.path).filter {
      $0.hasSuffix(".graph")
    }
    #expect(names.contains("quickstart.graph"))
    for name in names {
      let outcome = try await Fluxgraph.command(
        ["check", graphs.appending(path: name).path],
        environment: ["CF_AIG_TOKEN": "t", "HOOK_SECRET": "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"])
      let isTold =
        name == "use.graph" ? outcome.errors.hasPrefix("note[chain-left-out]") : outcome.errors.isEmpty
      #expect(outcome.status == 0 && isTold, "\(outcome.errors)")
      // What else is added depends on the source: a microphone needs no decoder and no pace.
      let line = outcome.output.split(separator: "\n").first { $0.contains("  chunk 80ms ") }
      #expect(line?.contains("(auto)") == true, "no chunk in \(outcome.output)")
    }
  }

  @Test("every stage has a page, and each of its examples checks")
  func examples() async throws {
    let list = try await Fluxgraph.command(["inspect"])
    #expect(list.status == 0 && list.errors.isEmpty)
    let names = list.output.split(separator: "\n").filter { $0.hasPrefix("  ") }.compactMap {
      $0.split(separator: " ").first.map(String.init)
    }
    #expect(
      Set(names).isSuperset(of: ["file", "stdin", "decode", "flux", "where", "stdout", "jsonl", "webhook"]))
    for name in names {
      let page = try await Fluxgraph.command(["inspect", name])
      #expect(page.status == 0 && page.output.hasPrefix(name), "\(page.errors)")
      let parts = page.output.split(separator: "\nexamples\n")
      try #require(parts.count == 2, "\(name) has no examples")
      for example in parts[1].split(separator: "\n") {
        let text = example.trimmingCharacters(in: .whitespaces)
        let outcome = try await Fluxgraph.command(["check", "-e", text])
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(text)\n\(outcome.errors)")
        #expect(outcome.output.hasPrefix("-e  ok\n"))
      }
    }
  }

  @Test("the graphs of the README check without a warning")
  func readmeGraphs() async throws {
    let blocks = try Readme().blocks("graph")
    #expect(blocks.count >= 4)
    for block in blocks {
      let outcome = try await Fluxgraph.command(["check", "-e", block], environment: ["HOOK_SECRET": "x"])
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(block)\n\(outcome.errors)")
      #expect(outcome.output.hasPrefix("-e  ok\n"))
    }
  }

  @Test("what the graphs of README and gallery write does not stand in the way of their next run")
  func secondRuns() async throws {
    let gallery = try FileManager.default.contentsOfDirectory(
      at: Peers.packageRoot.appending(path: "graphs"), includingPropertiesForKeys: nil
    ).filter { $0.pathExtension == "graph" }
    #expect(gallery.count > 20)
    let texts = try Readme().blocks("graph") + gallery.map { try String(contentsOf: $0, encoding: .utf8) }
    for text in texts {
      for sink in text.matches(of: #/\| +(vtt|srt|txt|wav) [^|;\n]*/#) {
        let words = sink.output.0
        #expect(words.contains("overwrite") || words.contains("{clock}"), "\(words)")
      }
    }
  }

  @Test("graphs on command lines in the README check")
  func readmeCommandLines() async throws {
    let graphs = try Readme().commands.compactMap { $0.firstMatch(of: /-e '([^']+)'/)?.output.1 }
    #expect(!graphs.isEmpty)
    // The README's own stage is no part of the program.
    for graph in graphs where !graph.contains("gain") {
      let outcome = try await Fluxgraph.command(["check", "-e", String(graph)])
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(graph)\n\(outcome.errors)")
      #expect(outcome.output.hasPrefix("-e  ok\n"))
    }
  }

  @Test("commands, options and tools the README names are there, and all commands are named")
  func readmeCommands() async throws {
    let overview = try await Fluxgraph.command(["help"]).output
    let known = overview.matches(of: #/\n  ([a-z]+) /#).map { String($0.output.1) }
    let commands = try Readme().commands
    var named: Set<String> = []
    for command in commands {
      for match in command.matches(of: /fluxgraph ([a-z]+)([^|]*)/) {
        let word = String(match.output.1)
        #expect(known.contains(word), "there is no `fluxgraph \(word)`")
        named.insert(word)
        let help = try await Fluxgraph.command(["help", word]).output
        for option in String(match.output.2).matches(of: /(?: )(--?[a-z-]+)/) {
          #expect(help.contains("  \(option.output.1) "), "`\(word)` has no \(option.output.1)")
        }
      }
      for match in command.matches(of: /tools\/[a-z-]+/) {
        let path = Peers.packageRoot.appending(path: String(match.output)).path
        #expect(FileManager.default.isExecutableFile(atPath: path), "there is no \(match.output)")
      }
    }
    #expect(named.isSuperset(of: Set(known).subtracting(["help", "version"])))
  }

  @Test("the README's exit codes are those of `help run`")
  func exitCodes() async throws {
    let codes = try Readme().text.matches(of: #/\n\| (\d+) \| /#).map { String($0.output.1) }
    #expect(codes.count >= 9)
    let help = try await Fluxgraph.command(["help", "run"]).output
    let listed = help.split(separator: "exit codes:").last?.matches(of: /\d+/).map { String($0.output) }
    #expect(listed == codes)
  }

  @Test("help and version are asked for in every usual way, and are no mistake")
  func help() async throws {
    for arguments in [["help"], ["--help"], ["-h"], ["run", "--help"], ["serve", "-h"], ["help", "check"]] {
      let outcome = try await Fluxgraph.command(arguments)
      #expect(outcome.status == 0 && outcome.errors.isEmpty && outcome.output.contains("fluxgraph"))
    }
    let version = try await Fluxgraph.command(["--version"])
    #expect(version.output.wholeMatch(of: /fluxgraph \d+\.\d+\.\d+\n/) != nil, "\(version.output)")
  }
}
