import FluxGraph
import GraphLanguage
import Testing

@testable import FluxGraphCLI

/// The mistakes stages declare themselves: each code's page shows one, and this is what is said of it.
@Suite struct StageDiagnosticTests {
  @Test("each mistake is told in these words, and what a program can apply puts it right", arguments: texts.keys.sorted())
  func text(_ code: String) throws {
    let page = try #require(DocumentTests.pages.first { $0.code == code })
    let example = try #require(page.example)
    let result = check(example)
    #expect(result.rendered(color: false) == (Self.texts[code] ?? "") + "\n")
    guard let replacement = result.diagnostics.first?.replacement else { return }
    let mended = check(MutationTests.replacing(replacement, in: example))
    #expect(mended.diagnostics == [], "\(mended.rendered(color: false))")
  }

  @Test("every code of a stage's own has its text here")
  func complete() {
    let language = Set(DiagnosticCode.allCases.map(\.rawValue))
    #expect(Set(DocumentTests.pages.map(\.code)).subtracting(language) == Set(Self.texts.keys))
  }

  static let texts: [String: String] = [
    "bad-fault": #"""
      error[bad-fault]: there is no fault called `explode`; there are refuse, never-answer, no-connected, stall, drop, close, latency, garbage-frame, oversize-frame, bad-utf8, bad-json, unknown-type, wrong-order, duplicate-sequence, slow-reader
        ┌─ t.graph:1:23
      1 │ file talk.opus | flux fault="explode" endpoint=local | stdout
        │                       ^^^^^^^^^^^^^^^

      """#,
    "bad-header": #"""
      error[bad-header]: `X-Room` is no header
        ┌─ t.graph:1:68
      1 │ file talk.opus | flux | webhook https://example.com/turns headers=["X-Room"]
        │                                                                    ^^^^^^^^
        = help: a header looks like `"Name: value"`

      """#,
    "bad-parameter": #"""
      error[bad-parameter]: language_hint works only with model=flux-general-multi, not with flux-general-en
        ┌─ t.graph:1:23
      1 │ file talk.opus | flux language_hint=[es] | stdout
        │                       ^^^^^^^^^^^^^^^^^^
        = help: write `model=flux-general-multi`

      """#,
    "cloudflare-limits": #"""
      error[cloudflare-limits]: Cloudflare's Flux has an address of its own
        ┌─ t.graph:1:23
      1 │ file talk.opus | flux dialect=cloudflare | stdout
        │                       ^^^^^^^^^^^^^^^^^^
        = help: write `endpoint="wss://gateway.ai.cloudflare.com/v1/ACCOUNT/GATEWAY/workers-ai?model=@cf/deepgram/flux"`

      """#,
    "doubtful-parameter": #"""
      warning[doubtful-parameter]: the model flux-general-xx is not known here; the service may know it
        ┌─ t.graph:1:29
      1 │ file talk.opus | flux model=flux-general-xx | stdout
        │                             ^^^^^^^^^^^^^^^ did you mean `flux-general-en`?
        = there are `flux-general-en`, `flux-general-multi`

      """#,
    "eager-above-eot": #"""
      error[eager-above-eot]: `eager_eot_threshold` must not be above `eot_threshold`, which is not set and defaults to 0.7
        ┌─ t.graph:1:23
      1 │ file talk.opus | flux eager_eot_threshold=0.8 | stdout
        │                       ^^^^^^^^^^^^^^^^^^^^^^^
        = help: add `eot_threshold=0.8`, or lower the eager value to 0.7 or less

      """#,
    "fault-without-local": #"""
      error[fault-without-local]: `fault` is for the local Flux, and the endpoint is not local
        ┌─ t.graph:1:23
      1 │ file talk.opus | flux fault="drop after=5s" | stdout
        │                       ^^^^^^^^^^^^^^^^^^^^^
        = help: add `endpoint=local`, or leave `fault` out

      """#,
    "follow-and-pinned": #"""
      error[follow-and-pinned]: a stream either follows or is pinned
        ┌─ t.graph:1:12
      1 │ mic follow pinned | flux | stdout
        │            ^^^^^^
        │     ------ together with this
        = help: leave one of them out

      """#,
    "frequency-too-high": #"""
      error[frequency-too-high]: 9kHz is too high for a rate of 16k
        ┌─ t.graph:1:6
      1 │ tone frequency=9kHz rate=16k | null
        │      ^^^^^^^^^^^^^^
        │                     -------- together with this
        = help: a sine stays below 0.5 times the rate

      """#,
    "json-and-template": #"""
      error[json-and-template]: `json` prints whole events, and a template parts of them
        ┌─ t.graph:1:47
      1 │ file talk.opus | flux | stdout "{transcript}" json
        │                                               ^^^^
        │                                -------------- together with this
        = help: leave one of them out

      """#,
    "keep-without-rotate": #"""
      error[keep-without-rotate]: `keep` counts files that `rotate` puts aside
        ┌─ t.graph:1:43
      1 │ file talk.opus | flux | jsonl turns.jsonl keep=24
        │                                           ^^^^^^^
        = help: add `rotate=[1h]`, or leave `keep` out

      """#,
    "key-and-token": #"""
      error[key-and-token]: a key and a token cannot both be shown
        ┌─ t.graph:1:49
      1 │ file talk.opus | flux key=env(DEEPGRAM_API_KEY) token=env(TOKEN) | stdout
        │                                                 ^^^^^^^^^^^^^^^^
        │                       ------------------------- together with this
        = help: leave one of them out

      """#,
    "live-and-format": #"""
      error[live-and-format]: `live` has a layout of its own
        ┌─ t.graph:1:32
      1 │ file talk.opus | flux | stdout live json
        │                                ^^^^
        │                                     ---- together with this
        = help: leave one of them out

      """#,
    "unused-option": #"""
      error[unused-option]: noise has no frequency
        ┌─ t.graph:1:12
      1 │ tone noise frequency=440Hz | null
        │            ^^^^^^^^^^^^^^^
        │      ----- together with this
        = help: leave `frequency` out

      """#,
    "words-without-local": #"""
      error[words-without-local]: `words` is where the local Flux takes words from, and the endpoint is not local
        ┌─ t.graph:1:23
      1 │ file talk.opus | flux words=none | stdout
        │                       ^^^^^^^^^^
        = help: add `endpoint=local`, or leave `words` out

      """#,
  ]
}
