import FluxGraph
import Testing

@testable import GraphLanguage

/// What a graph is given as secret, by whatever way, is known as one.
@Suite struct SecretTests {
  private static let secret = "s3cr3t-0f-m1ne"

  @Test(
    "every way to give a graph a secret makes it known",
    arguments: [
      "mic | flux key=env(K) | stdout", "param k = env(K)\nmic | flux key=$k | stdout",
      "mic | flux | webhook https://h/x secret=[env(K), env(K)]",
      "mic | flux | webhook https://h/x headers=[env(H)]",
      "param h = env(H)\nmic | flux | webhook https://h/x headers=[$h]",
      "param h = [env(H)]\nmic | flux | webhook https://h/x headers=$h",
      "mic | flux | webhook https://h/x headers=[\"Authorization: Token \(secret)\"]",
      "mic | flux | webhook env(U)", "param u = env(U)\nmic | flux | webhook $u",
      "mic | flux | webhook https://h/x?token=\(secret)",
      "mic | flux | webhook \"https://h/x?token=\(secret)\"",
      "param u = https://h/x?token=\(secret)\nmic | flux | webhook $u",
      "mic | flux | command [\"curl\", \"https://me:\(secret)@h/x\"]",
      "mic | flux | command [\"curl\", \"-H\", env(AUTH_TOKEN)]",
      "param auth = env(AUTH_TOKEN)\nmic | flux | stdout \"{$auth}\"",
      "mic | flux | webhook https://me:\(secret)@h/x", "mic | flux key=env(K) | stdoutt",
    ])
  func ways(graph: String) {
    let register = SecretRegister()
    let environment = [
      "K": Self.secret, "H": "X-Key: \(Self.secret)", "U": "https://h/x?token=\(Self.secret)",
      "AUTH_TOKEN": Self.secret,
    ]
    let result = check(graph, environment: environment, secrets: register)
    #expect(register.masked("<\(Self.secret)>") == "<•••>")
    let plan = result.plan.map { PlanPrinter($0).text + GraphDrawing($0).json.serialized } ?? ""
    #expect(!plan.contains(Self.secret), "\(plan)")
    let variables = ["K", "H", "U", "AUTH_TOKEN"].filter { graph.contains("env(\($0))") }
    let left = register.withoutSecrets(environment)
    for variable in variables { #expect(left[variable] == nil, "\(variable)") }
  }

  @Test("an address that comes whole from a variable opens something by its path, and is shown without it")
  func hook() {
    let register = SecretRegister()
    let path = "/services/T0000/abcdefghij0123456789"
    _ = check(
      "mic | flux | webhook env(HOOK)", environment: ["HOOK": "https://h.example" + path], secrets: register)
    #expect(register.masked("to https://h.example\(path): 404") == "to https://h.example•••: 404")
    #expect(register.masked("abcdefghij0123456789") == "•••")
    #expect(register.withoutSecrets(["HOOK": "https://h.example" + path]).isEmpty)
  }

  @Test("the name of a stream is part of file names, and holds no secret")
  func streamName() {
    let result = check(
      "param k = env(K)\nmic | flux key=$k as=$k | stdout", environment: ["K": Self.secret])
    #expect(result.diagnostics.contains { $0.code == "secret-in-path" })
  }

  @Test(
    "the value of a header with a key is looked at as a key is",
    arguments: ["", " ", "Bearer ", "Bearer \"abcdefgh\""])
  func headerValues(value: String) {
    let result = check(
      "mic | flux | webhook https://h/x headers=[env(H)]", environment: ["H": "Authorization: \(value)"])
    #expect(result.diagnostics.contains { $0.code == "unusable-secret" }, "\(result.diagnostics.map(\.code))")
  }

  @Test("a drawing that leaves a secret out says so, and the real address is used")
  func drawing() throws {
    let plan = try #require(check("mic | flux | webhook \"https://h/x?token=\(Self.secret)\"").plan)
    #expect(plan.isRedacted)
    #expect(plan.nodes.flatMap(\.settings).contains { $0.value.text?.contains(Self.secret) ?? false })
  }

  @Test("what stands in for a secret that is missing is none")
  func standIn() {
    let register = SecretRegister()
    let options = Checker.Options(allowsMissingSecrets: true, secrets: register)
    let source = GraphSource(name: "t", text: "mic | flux key=env(FLUX_KEY) | stdout", directory: "")
    let result = Checker(catalogue: standard, options: options).check(source)
    #expect(result.plan?.nodes.contains { $0.text.contains("env(FLUX_KEY)") } ?? false)
    #expect(register.masked("FLUX_KEY") == "FLUX_KEY")
  }

  @Test(
    "a value that cannot be meant is told where it is used, and by its variable",
    arguments: [
      ("mic | flux key=env(K) | stdout", "", "K is empty"),
      ("mic | flux key=env(K) | stdout", "s3cr3t\n", "K ends with a line break"),
      ("param k = env(K)\nmic | flux key=$k | stdout", " s3cr3t", "K begins with a blank"),
      ("mic | flux | webhook https://h/x secret=[env(K)]", "'s3cr3t'", "K stands in quotes"),
      ("mic | flux | webhook https://h/x headers=[env(K)]", "X-Key: s3cr3t\r\n", "K ends with a line break"),
      (
        "mic | flux | webhook https://h/x headers=[env(K)]", "X-Key: s3\ncr3t",
        "does not allow there, the 10th"
      ),
    ])
  func unusable(graph: String, value: String, message: String) {
    let result = check(graph, environment: ["K": value])
    #expect(result.plan == nil && result.blamesSecrets)
    let text = result.rendered(color: false)
    #expect(
      text.contains("error[unusable-secret]") && text.contains(message) && !text.contains("s3cr"), "\(text)")
  }

  @Test("a secret from the command line is warned of once, and other values are not")
  func commandLine() {
    let graph = "param key\nmic | flux key=$key | stdout\nmic | flux key=$key | null"
    let codes = check(graph, parameters: ["key": Self.secret]).diagnostics.map(\.code)
    #expect(codes == ["secret-on-command-line"])
    let room = "param room\nmic | flux | webhook https://h/x headers=[$room]"
    #expect(check(room, parameters: ["room": "X-Room: 7"]).diagnostics.isEmpty)
    let header = check(room, parameters: ["room": "Authorization: Token \(Self.secret)"])
    #expect(header.diagnostics.map(\.code) == ["secret-on-command-line"])
    #expect(!header.rendered(color: false).contains(Self.secret))
  }

  @Test(
    "no file is named by a secret, wherever else the secret is used",
    arguments: [
      "param key = env(K)\nmic | flux key=$key | jsonl turns-{$key}.jsonl",
      "param key = env(K)\nmic | wav {$key}.wav\nmic | flux key=$key | stdout",
      "mic | flux key=env(K) | jsonl env(K)",
    ])
  func paths(graph: String) {
    let result = check(graph, environment: ["K": Self.secret])
    #expect(result.diagnostics.map(\.code) == ["secret-in-path"], "\(result.rendered(color: false))")
  }
}
