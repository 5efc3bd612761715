import FluxGraph
import Testing

@testable import FluxGraphHost

@Suite(.timeLimit(.minutes(10))) struct EventTapTests {
  private func event(_ number: Int, _ text: String = "") -> Event {
    .turn(
      TurnEvent(
        kind: .endOfTurn, stream: "me", session: "s", turn: number, isFinal: true, trigger: "model", start: 0,
        end: 1, time: WallTime(seconds: 0), transcript: text))
  }

  private func number(_ event: Event?) -> Int? { if case .turn(let turn)? = event { turn.turn } else { nil } }

  @Test("what a program does not read is bounded by its bytes, and room comes back with what is read")
  func bytes() async {
    let buffer = EventTap.Buffer()
    let text = String(repeating: "x", count: 1_000_000)
    var kept = 0
    while buffer.offer(event(kept + 1, text)) == .kept { kept += 1 }
    #expect(kept == 17)
    for expected in 1...3 { #expect(number(await buffer.next()) == expected) }
    #expect(buffer.offer(event(18, text)) == .kept)
    buffer.end()
    for expected in 4...18 {
      if expected == 18 { #expect(number(await buffer.next()) == 18) } else { _ = await buffer.next() }
    }
    #expect(number(await buffer.next()) == nil)
  }

  @Test("a reader that waits is woken, by an event, by the end, and by nobody being left to read")
  func waiting() async {
    for way in 0..<3 {
      let buffer = EventTap.Buffer()
      let reader = Task { await buffer.next() }
      while !buffer.isAwaited { await Task.yield() }
      switch way {
      case 0: #expect(buffer.offer(event(7)) == .kept)
      case 1: buffer.end()
      default: buffer.close()
      }
      #expect(number(await reader.value) == (way == 0 ? 7 : nil))
    }
  }

  @Test("small ones are bounded by their number; without a reader none is taken")
  func count() {
    let buffer = EventTap.Buffer()
    for number in 0..<4096 { #expect(buffer.offer(event(number)) == .kept) }
    #expect(buffer.offer(event(0)) == .full)
    var reader: EventTap.Reader? = EventTap.Reader(buffer)
    #expect(reader != nil)
    reader = nil
    #expect(buffer.offer(event(0)) == .closed)
  }
}
