import Testing

@testable import GraphLanguage

/// What `run` says of files that are not there, before anything starts.
@Suite struct MissingFileTests {
  private func told(_ graph: String, parameters: [String: String] = [:]) -> String {
    let result = check(graph, parameters: parameters)
    let diagnostics = result.missingFiles(
      home: "/home/me", isThere: { $0.hasSuffix("there.wav") },
      neighbours: { _ in ["call.wav", "notes.txt"] })
    return diagnostics.map { $0.rendered(source: result.source, color: false) }.joined()
  }

  @Test("a file that is not there is shown in its place, with a name like it")
  func similar() {
    #expect(
      told("file there.wav | null\nfile sounds/cal.wav | null") == """
        error[missing-file]: No such file: sounds/cal.wav
          ┌─ t.graph:2:6
        2 │ file sounds/cal.wav | null
          │      ^^^^^^^^^^^^^^ did you mean `sounds/call.wav`?
          = looked for /graphs/sounds/cal.wav

        """)
  }

  @Test("without a name like it, the help says where paths begin; `-` is no file")
  func other() {
    #expect(told("file - | null") == "")
    #expect(
      told("param input\nfile $input | null", parameters: ["input": "~/x.wav"]) == """
        error[missing-file]: No such file: ~/x.wav
          ┌─ t.graph:2:1
        2 │ file $input | null
          │ ^^^^^^^^^^^
          = looked for /home/me/x.wav
          = help: paths are relative to the directory of the graph; with `-e` to the working one

        """)
  }
}
