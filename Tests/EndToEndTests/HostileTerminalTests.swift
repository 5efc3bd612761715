import Foundation
import TestSupport
import Testing

/// Text of others on a real terminal: whatever a command prints of it, the terminal is asked for nothing by it.
@Suite(.timeLimit(.minutes(10)), .enabled(if: Peers.areThere, "needs Python's pyte"))
struct HostileTerminalTests {
  private struct End: Decodable { var written: String }

  /// What a shell script writes to a terminal; `$f` is the program, `$x` the text.
  private func written(_ script: String, _ folder: Folder) async throws -> String {
    let output = try await Peers.run(
      "terminal.py",
      [
        "200", "50", "/bin/sh", "-c",
        "f=$1 x=$2; cd \"$3\"; unset DEEPGRAM_API_KEY NO_COLOR; \(script)\ntrue", "sh",
        Fluxgraph.path, HostileText.sample, folder.path,
      ])
    let last = try #require(output.split(separator: "\n").last)
    return try JSONDecoder().decode(End.self, from: Data(last.utf8)).written
  }

  private func expectFit(_ text: String, _ script: String) {
    // What the program draws with: colours, and lines that are erased and drawn again.
    let rest = text.replacing(/\u{1B}\[[0-9;]*[mJKA]/, with: "")
    #expect(HostileText.offences(in: rest, besides: "\r\n\t") == [], "\(script): \(text.debugDescription)")
    #expect(!rest.unicodeScalars.contains("m\rn".unicodeScalars), "\(script)")
    #expect(rest.contains("pwned"), "\(script) shows nothing of it: \(text.debugDescription)")
  }

  @Test(
    "no command prints what a terminal would obey or hide, whoever says it",
    arguments: [
      #"$f check -e "mic | $x" || $f check --diagnostics json -e "mic | $x""#,
      #"$f check -e "file \"$x.wav\" | null"; $f check --world -e "file \"$x.wav\" | null""#,
      #"for t in text mermaid dot json; do $f graph --format $t -e "file \"$x.wav\" | null"; done"#,
      #"$f fmt -e "file \"$x.wav\"   | null""#,
      #"echo 'mic   |  null' > "$x.graph"; $f fmt --check "$x.graph"; $f check "$x.graph"; $f test "$x.graph""#,
      #"$f run "none/$x.graph"; $f run -e "file \"$x.wav\" | null"; $f run -e "file a | wav \"none/$x/y.wav\"" "#,
      #"$f "$x"; $f explain "$x"; $f inspect "$x"; $f help "$x"; $f run "--$x"; $f plugin new "$x""#,
      #"$f ctl "$x" status; $f ctl none "$x"; $f tap "$x" y; $f serve --words "$x"; $f completion "$x""#,
      #"mkdir s; touch "s/$x.spool"; $f spool ls s; $f spool drop s; $f spool ls s "$x.no"; $f spool "$x" s"#,
      #"printf '%s\n' "$x.wav" | $f batch -e "param input; file \$input | null" -"#,
      #"printf '%s\n' "$x.wav" | $f batch -e "param input; file \$input | null" - 2>&1 | cat"#,
      #"FLUXGRAPH_LOG=$x $f run -e "file call.wav | null"; echo "K='$x'x" > .env; $f check -e "file call.wav | null""#,
      #"printf 'param a\ntest "%s" {\n  feed x.jsonl\n}' "$x" > t.graph; $f test t.graph"#,
    ])
  func commands(_ script: String) async throws {
    expectFit(try await written(script, try LocalFluxTests.folder()), script)
  }

  @Test(
    "what is said in a session is printed without it: as text, while it is spoken, as JSON, by a template, by a tap",
    arguments: ["stdout", "stdout live", "stdout json", "stdout \"{transcript}\t{event}\""])
  func speech(_ sink: String) async throws {
    let folder = try LocalFluxTests.folder()
    let text = HostileText.sample.replacing("\r", with: "").replacing("\u{85}", with: "")
    try folder.write("1\n00:00:00,300 --> 00:00:01,900\n\(text) \(HostileText.languages)\n", to: "call.srt")
    let script = "$f run -e 'file call.wav | flux endpoint=local words=script:call.srt | \(sink)'"
    let shown = try await written(script, folder)
    expectFit(shown, script)
    #expect(
      shown.contains("می‌خواهم") && shown.contains("שלום") && shown.contains("👩‍👩‍👧"), "\(shown.debugDescription)")
  }
}
