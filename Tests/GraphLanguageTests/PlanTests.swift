import FluxGraph
import Testing

@testable import GraphLanguage

@Suite struct PlanTests {
  static let desk = """
    # what this computer plays, to the screen, a log and a CRM
    param hook = https://hooks.example.com/turns?token=abc

    heard = monitor | flux eot_threshold=0.8 keyterm=["Deepgram", "Flux"]

    heard | stdout live
    heard | jsonl logs/{date}.jsonl
    crm = heard | where event == EndOfTurn and transcript != ""
                | webhook $hook secret=env(HOOK_SECRET) spool=./spool
    crm.dead | jsonl dead.jsonl
    heard.notices | stdout
    """

  @Test("a plan holds nodes in the order of the flow, with links, names and places")
  func desk() throws {
    let result = check(Self.desk, environment: ["HOOK_SECRET": "s3cr3t"])
    #expect(result.diagnostics == [])
    let plan = try #require(result.plan)
    #expect(plan.directory == "/graphs")
    #expect(plan.nodes.map(\.id) == Array(plan.nodes.indices))
    for link in plan.links { #expect(link.from < link.to) }
    #expect(plan.nodes.compactMap(\.name) == ["heard", "crm"])
    let flux = try #require(plan.nodes.first { $0.name == "heard" })
    #expect(flux.specification.name == "flux")
    #expect(flux.location == "t.graph:4:19")
    #expect(plan.outputs(of: flux.id).map(\.port) == [nil, nil, nil, "notices"])
    let crm = try #require(plan.nodes.first { $0.name == "crm" })
    #expect(crm.location == "t.graph:9:15")
    #expect(plan.outputs(of: crm.id).map(\.port) == ["dead"])
    #expect(crm.settings.contains(StageSetting("secret", .secret(Secret("s3cr3t")))))
    // Automatic stages are where the stage that needs them is.
    for node in plan.nodes where node.isAutomatic { #expect(node.location == flux.location) }
    // The settings make the stage.
    let stage = try #require(try flux.specification.make(flux.settings) as? Flux)
    #expect(stage.endOfTurn == 0.8 && stage.keyterms == ["Deepgram", "Flux"])
  }

  @Test("the plan prints a chain a block, types in one column, no secret")
  func prints() throws {
    let plan = try #require(check(Self.desk, environment: ["HOOK_SECRET": "s3cr3t"]).plan)
    #expect(
      PlanPrinter(plan).text == """
        heard =
          monitor                                                               audio s16le 44.1k stereo, live
          format f32le                                                  (auto)  audio f32le 44.1k stereo
          mix mono                                                      (auto)  audio f32le 44.1k mono
          resample 16k                                                  (auto)  audio f32le 16k mono
          format s16le                                                  (auto)  audio s16le 16k mono
          chunk 80ms                                                    (auto)  audio s16le 16k mono, 80ms
          flux eot_threshold=0.8 keyterm=["Deepgram", "Flux"]                   events

        heard |
          stdout live                                                           queue 1024; full: waits 1s, then drops

        heard |
          jsonl logs/{date}.jsonl                                               queue 1024; full: waits 1s, then drops

        crm = heard |
          where event == EndOfTurn and transcript != ""                         events
          webhook https://hooks.example.com/turns secret=env(HOOK_SECRET) spool=./spool          queue 1024; full: waits 1s, then drops

        crm.dead |
          jsonl dead.jsonl                                                      queue 1024; full: waits 1s, then drops

        heard.notices |
          stdout                                                                queue 1024; full: waits 1s, then drops

        """)
  }

  @Test("what came from outside is called by its name: it may be secret")
  func shows() throws {
    let result = check(
      "param term = [a, \"b c\"]; param key; mic | flux keyterm=$term key=$key as=env(NAME) | webhook env(HOOK)",
      parameters: ["key": "dg_1"], environment: ["NAME": "me", "HOOK": "https://hooks.example.com/T1/B2"])
    let texts = try #require(result.plan).nodes.filter { !$0.isAutomatic }.map(\.text)
    #expect(texts == ["mic", "flux keyterm=[a, \"b c\"] key=$key as=env(NAME)", "webhook env(HOOK)"])
  }

  @Test("what no sink hears is not part of the plan")
  func prunes() throws {
    let result = check("a = mic\na | null\nspare = monitor | flux\nb = a | gain")
    #expect(result.diagnostics.map(\.code) == ["unused-name", "unused-name"])
    #expect(try #require(result.plan).outline == "mic → null")
  }

  @Test("a name can stand for another name, and for several streams")
  func aliases() throws {
    let plan = try #require(
      check("a = tone | flux; b = a; c = tone | flux as=c; both = b, c; both | stdout; both | null").plan)
    let fluxes = plan.nodes.filter { $0.specification.name == "flux" }.map(\.id)
    #expect(plan.nodes.filter { $0.specification.name == "flux" }.map(\.name) == ["a", "c"])
    for sink in plan.nodes.suffix(2) { #expect(plan.inputs(of: sink.id).map(\.from) == fluxes) }
  }

  @Test("a name used once is a link like any other")
  func namedOnce() throws {
    #expect(try #require(check("a = mic\na | null").plan).outline == "mic → null")
  }

  @Test("ports are events, whatever the main output is")
  func ports() throws {
    let result = check("a = mic | flux\na.notices | wav x.wav\na | stdout")
    #expect(result.diagnostics.map(\.code) == ["audio-expected"])
  }
}
