import Testing

@testable import GraphLanguage

@Suite struct ParserTests {
  @Test("a graph is read as the language says", arguments: good)
  func reads(_ text: String, _ reading: String) {
    let (tree, diagnostics) = Parser.parse(GraphSource(name: "t.graph", text: text, directory: "."))
    #expect(tree.dump == reading)
    #expect(diagnostics == [])
  }

  static let good: [(String, String)] = [
    // The examples of the language's description.
    ("file talk.opus | flux | stdout", "(chain (file talk.opus) flux stdout)"),
    (
      "param hook = https://hooks.example.com/turns",
      "(param hook https://hooks.example.com/turns)"
    ),
    (
      #"heard = monitor | flux eot_threshold=0.8 keyterm=["Deepgram", "Flux"]"#,
      "(= heard (chain monitor (flux eot_threshold=0.8 keyterm=['Deepgram' 'Flux'])))"
    ),
    ("heard | stdout live", "(chain heard (stdout live))"),
    ("heard | jsonl logs/{date}.jsonl", "(chain heard (jsonl logs/{date}.jsonl))"),
    (
      """
      crm = heard | where event == EndOfTurn and transcript != ""
                  | webhook $hook secret=env(HOOK_SECRET) spool=./spool
      crm.dead | jsonl dead.jsonl
      """,
      """
      (= crm (chain heard (where (and (== event EndOfTurn) (!= transcript ''))) \
      (webhook $hook secret=env(HOOK_SECRET) spool=./spool)))
      (chain crm.dead (jsonl dead.jsonl))
      """
    ),
    ("me, them | stdout", "(chain (union me them) stdout)"),
    ("a,b.dead | stdout", "(chain (union a b.dead) stdout)"),

    // Atoms run to the next blank, end of line or `|`.
    ("file a.wav|flux|stdout", "(chain (file a.wav) flux stdout)"),
    ("file a,b;c=d].wav", "(chain (file a,b;c=d].wav))"),
    ("x [en, es]", "(chain (x [en es]))"),
    ("x [en,es]", "(chain (x [en es]))"),
    ("x ws://[::1]:8080/x?a=b", "(chain (x ws://[::1]:8080/x?a=b))"),
    ("x endpoint=ws://[::1]:8080/x?a=b", "(chain (x endpoint=ws://[::1]:8080/x?a=b))"),
    ("file out(1).wav", "(chain (file out(1).wav))"),
    ("x environment(1) pcms", "(chain (x environment(1) pcms))"),
    ("x emits=pcm(s16le, 16k, mono)", "(chain (x emits=pcm(s16le 16k mono)))"),
    ("x a=env(A,b) live", "(chain (x a=env(A b) live))"),
    ("x ja\u{00FC}.wav 日本.wav", "(chain (x jaü.wav 日本.wav))"),
    ("x -3dB 1.25x 80ms", "(chain (x -3dB 1.25x 80ms))"),
    ("x don't it\"s", "(chain (x don't it\"s))"),

    // `key=` begins an option, unless `=` follows.
    ("x a=b", "(chain (x a=b))"),
    ("x ./a=b.wav", "(chain (x ./a=b.wav))"),
    ("x a==b", "(chain (x a==b))"),
    ("x A=b 1=2", "(chain (x A=b 1=2))"),
    (#"x "a=b.wav""#, "(chain (x 'a=b.wav'))"),
    ("x headers=[a=b]", "(chain (x headers=[a=b]))"),
    ("x a=$b", "(chain (x a=$b))"),

    // Comments begin at the start of a line or after a blank.
    ("#!/usr/bin/env -S fluxgraph run\nmic | stdout", "(chain mic stdout)"),
    ("http http://x/#top | y # not this", "(chain (http http://x/#top) y)"),
    ("x a#b #c", "(chain (x a#b))"),
    ("x [a, # one\n b] # two", "(chain (x [a b]))"),
    ("x \"# no comment\"", "(chain (x '# no comment'))"),
    ("mic\n# between\n  | stdout", "(chain mic stdout)"),
    ("mic\n\n\n | stdout", "(chain mic stdout)"),

    // Texts know four escapes; the last stays for templates.
    (#"x "a \"b\" \\ \n \{c}""#, #"(chain (x 'a "b" \ ⏎ \{c}'))"#),
    (#"x "a|b;c # d""#, "(chain (x 'a|b;c # d'))"),
    (#"x [ "a" , "b" ]"#, "(chain (x ['a' 'b']))"),
    (#"command ["awk", "{print}"]"#, "(chain (command ['awk' '{print}']))"),

    // Layout.
    ("a | b\nc | d", "(chain a b)\n(chain c d)"),
    ("a | b; c | d", "(chain a b)\n(chain c d)"),
    ("a | b ; c ;; d;", "(chain a b)\n(chain c)\n(chain d)"),
    ("a\n  | b\n  | c\nd | e", "(chain a b c)\n(chain d e)"),
    ("a\n| b\n| c", "(chain a b c)"),
    ("a x=1\n  y=2\n    z", "(chain (a x=1 y=2 z))"),
    ("  a\n  b", "(chain a)\n(chain b)"),
    ("\ta\n\t\t| b\n\tc", "(chain a b)\n(chain c)"),
    ("a [b,\nc\n,d]\ne", "(chain (a [b c d]))\n(chain e)"),
    ("a | where (event == X\nor turn > 3)\nb", "(chain a (where (or (== event X) (> turn 3))))\n(chain b)"),
    ("a | b\r\n  | c\r\nd\r\n", "(chain a b c)\n(chain d)"),
    ("\u{FEFF}a | b", "(chain a b)"),
    ("\u{FEFF}# comment\na | b", "(chain a b)"),
    ("", ""),
    ("# nothing\n\n", ""),
    ("x = a |\n  b", "(= x (chain a b))"),
    ("x=a | b", "(= x (chain a b))"),
    ("x =\n  a | b", "(= x (chain a b))"),
    ("param x", "(param x)"),
    ("param x=1", "(param x 1)"),
    ("param x = [a, b]; param y = \"a b\"", "(param x [a b])\n(param y 'a b')"),
    ("x [] y=[a,]", "(chain (x [] y=[a]))"),
    ("x [[a], [b, [c]]]", "(chain (x [[a] [b [c]]]))"),

    // `!` is read as `|`.
    ("a ! b x=1 ! c", "(chain a (b x=1) c)"),
    ("a\n! b", "(chain a b)"),
    ("a b!c !d", "(chain (a b!c !d))"),

    // Predicates.
    ("a | where x==1 | b", "(chain a (where (== x 1)) b)"),
    ("a | where x>=1 and y<2", "(chain a (where (and (>= x 1) (< y 2))))"),
    (
      "a | where a == 1 or b == 2 and not c == 3",
      "(chain a (where (or (== a 1) (and (== b 2) (not (== c 3))))))"
    ),
    ("a | where (a == 1 or b == 2) and c == 3", "(chain a (where (and (or (== a 1) (== b 2)) (== c 3))))"),
    ("a | where not (a == 1)", "(chain a (where (not (== a 1))))"),
    ("a | where not not a == 1", "(chain a (where (not (not (== a 1)))))"),
    ("a | where event in [A, B] | c", "(chain a (where (in event [A B])) c)"),
    (#"a | where "en" in languages"#, "(chain a (where (in 'en' languages)))"),
    (
      #"a | where transcript ~ "x*y" and stream !~ me"#,
      "(chain a (where (and (~ transcript 'x*y') (!~ stream me))))"
    ),
    ("a | where flux.turn_index == $n", "(chain a (where (== flux.turn_index $n)))"),
    ("a | where x == -0.5 ! b", "(chain a (where (== x -0.5)) b)"),
    ("a | where x == 1; b", "(chain a (where (== x 1)))\n(chain b)"),
    ("a | where x == 1\n  and y == 2\nb", "(chain a (where (and (== x 1) (== y 2))))\n(chain b)"),
  ]

  @Test("a text that is no graph is refused where it goes wrong", arguments: bad)
  func refuses(_ marked: String, _ code: DiagnosticCode) {
    let (text, markers) = unmarked(marked)
    let (_, diagnostics) = Parser.parse(GraphSource(name: "t.graph", text: text, directory: "."))
    #expect(diagnostics.map(\.code) == Array(repeating: code.rawValue, count: markers.count))
    #expect(diagnostics.compactMap(\.primary?.span.lower) == markers)
  }

  static let bad: [(String, DiagnosticCode)] = [
    ("1️⃣| flux", .missingStage),
    ("mic 1️⃣| | stdout", .missingStage),
    ("mic 1️⃣|\nstdout", .missingStage),
    ("mic 1️⃣|", .missingStage),
    ("mic 1️⃣|| stdout", .missingStage),
    ("x = 1️⃣", .missingStage),
    ("1️⃣\"talk.opus\" | flux", .missingStage),
    ("mic | 1️⃣\"x\"", .missingStage),
    ("a1️⃣, | flux", .missingStage),
    ("a, b 1️⃣live | flux", .unexpectedText),
    ("x 1️⃣\"abc", .stringNotClosed),
    ("x 1️⃣\"abc\ny 2️⃣\"def", .stringNotClosed),
    ("x \"a1️⃣\\t\"", .badEscape),
    ("x \"a\"1️⃣b", .unexpectedText),
    ("x [a]1️⃣b", .unexpectedText),
    ("x 1️⃣[a", .bracketNotClosed),
    ("x 1️⃣[a, b\ny = mic | flux\nz | b", .bracketNotClosed),
    ("x 1️⃣[a,\nmic | flux", .bracketNotClosed),
    ("x y=env1️⃣(A", .bracketNotClosed),
    ("x [a 1️⃣b]", .unexpectedText),
    ("x [a1️⃣|b]", .unexpectedText),
    ("x [1️⃣,]", .missingValue),
    ("x 1️⃣a=", .missingValue),
    ("x 1️⃣a= b", .missingValue),
    ("x a 1️⃣= b", .spacedOption),
    ("x 1️⃣$a/b", .badName),
    ("x 1️⃣$", .badName),
    ("x 1️⃣“a”", .oddCharacter),
    ("x a1️⃣\u{00A0}b", .oddCharacter),
    ("x a1️⃣\u{0}b", .oddCharacter),
    ("1️⃣param", .missingValue),
    ("param x =1️⃣", .missingValue),
    ("param x = a 1️⃣b", .unexpectedText),
    ("param x 1️⃣a", .unexpectedText),
    ("1️⃣where = mic", .reservedWord),
    ("param 1️⃣in = 3", .reservedWord),
    ("1️⃣my-name = mic", .badName),
    ("1️⃣2x = mic", .badName),
    ("1️⃣use", .missingValue),
    ("use a.graph 1️⃣b.graph\nmic | stdout", .unexpectedText),
    ("test \"x\" {\n  feed 1️⃣a\n}\nmic | stdout", .badTest),
    ("1️⃣test {\n  feed a from b\n}\nmic | stdout", .missingValue),
    ("test \"x\" {\n  1️⃣fed a from b\n}", .badTest),
    ("test \"x\" {\n  expect 1️⃣a\n}", .badTest),
    ("test \"x\" {\n  expect a1️⃣[x].turn == 1\n}", .badTest),
    ("test \"x\" {\n  expect a count 1️⃣= 1\n}", .badPredicate),
    ("test \"x\" 1️⃣{\n  expect a count == 1\nmic | stdout", .bracketNotClosed),
    ("mic | 1️⃣route\nb | stdout", .missingStage),
    ("mic | route 1️⃣{\n}\nb | stdout", .missingStage),
    ("mic | route {\n  event == EndOfTurn 1️⃣stdout\n}\nb | stdout", .unexpectedText),
    ("mic | route {\n  1️⃣final => stdout\n}\nb | stdout", .badPredicate),
    ("mic | route {\n  else 1️⃣=>\n}\nb | stdout", .missingStage),
    ("mic | route {\n  else => a\n  1️⃣event == x => b\n}\nb | stdout", .unexpectedText),
    ("mic | route 1️⃣{\n  event == EndOfTurn => a\nb = mic | flux\n", .bracketNotClosed),
    ("mic | 1️⃣else => x", .reservedWord),
    ("a key=secret(1️⃣key.txt)", .wrongType),
    ("a | 1️⃣where", .badPredicate),
    ("a | 1️⃣where | b", .badPredicate),
    ("a | where x 1️⃣= 1", .badPredicate),
    ("a | where 1️⃣final", .badPredicate),
    ("a | where x 1️⃣==", .badPredicate),
    ("a | where x == 1 1️⃣&& y == 2", .badPredicate),
    ("a | where x == 1 1️⃣|| y == 2", .badPredicate),
    ("a | where x == 1 1️⃣AND y == 2", .badPredicate),
    ("a | where 1️⃣\"x\" == transcript", .badPredicate),
    ("a | where x 1️⃣=== 1", .badPredicate),
    ("a | where 1️⃣(x == 1", .bracketNotClosed),
    ("a | where 1️⃣(x == 1\nb = mic | flux", .bracketNotClosed),
    ("a | where (x == 1 1️⃣y", .badPredicate),
    ("a | where x == 1 1️⃣y", .badPredicate),
    ("a | where x 1️⃣in", .badPredicate),
  ]

  @Test("mistakes in different items are all found")
  func recovers() {
    let (tree, diagnostics) = Parser.parse(
      GraphSource(name: "t", text: "a = \"x\nb = mic | flux\nc | | d\n\ne [1 2]\nf | g", directory: "."))
    #expect(diagnostics.map(\.code) == ["string-not-closed", "missing-stage", "unexpected-text"])
    #expect(tree.dump == "(= a (chain ))\n(= b (chain mic flux))\n(chain c)\n(chain )\n(chain f g)")
  }

  @Test("depth, length and number of comparisons are bounded")
  func bounds() {
    func codes(_ text: String) -> [String] {
      Parser.parse(GraphSource(name: "t", text: text, directory: ".")).diagnostics.map(\.code)
    }
    #expect(codes("x " + String(repeating: "[", count: 10_000)) == ["too-deep"])
    #expect(codes("x | where " + String(repeating: "(", count: 10_000)) == ["too-deep"])
    #expect(codes("x | where " + String(repeating: "not ", count: 10_000)) == ["too-deep"])
    let many = Array(repeating: "turn > 3", count: 1_000).joined(separator: " or ")
    #expect(codes("x | where " + many) == ["too-large"])
    #expect(codes(String(repeating: "x\n", count: 600_000)) == ["too-large"])
  }
}

/// A text without its markers, and where they stood, in bytes.
func unmarked(_ marked: String) -> (text: String, markers: [Int]) {
  var text = ""
  var markers: [Int] = []
  for character in marked {
    if character.unicodeScalars.contains("\u{20E3}") {
      markers.append(text.utf8.count)
    } else {
      text.append(character)
    }
  }
  return (text, markers)
}
