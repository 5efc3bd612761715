import FluxGraph
import Foundation
import Synchronization
import Testing

private let format = AudioFormat(.s16le, rate: 16_000, channels: 1)

/// A block of two frames that hold their number.
private func push(_ number: Int, to queue: AudioQueue, _ block: inout AudioBuffer) -> Bool {
  block.position = Int64(2 * number)
  block.appendSilence(2)
  block.withMutableBytes { bytes in
    bytes.storeBytes(of: Int32(truncatingIfNeeded: number), as: Int32.self)
  }
  let kept = queue.push(block)
  block.removeAll()
  return kept
}

private func makeBlock() -> AudioBuffer { AudioBuffer(format: format, capacity: 2) }

/// Pops a block: its number by its position, checked against its content. nil when there is none.
private func pop(_ queue: AudioQueue) -> (number: Int?, result: AudioQueue.PopResult) {
  var number: Int?
  let result = queue.pop { bytes, frames, position, _ in
    if frames == 2, bytes.load(as: Int32.self) == Int32(truncatingIfNeeded: position / 2) {
      number = Int(position / 2)
    }
  }
  return (number, result)
}

@Suite(.timeLimit(.minutes(10))) struct AudioQueueTests {
  @Test("a queue is there before its format: both sides learn when it opens, or that it never will")
  func opening() {
    let told = Atomic<Int>(0)
    for opens in [true, false] {
      let queue = AudioQueue()
      queue.onOpen { [unowned queue] in told.add(queue.isOpen ? 1 : 10, ordering: .relaxed) }
      #expect(!queue.isOpen && !queue.neverOpens && queue.capacity == 0 && queue.count == 0)
      #expect(queue.pop { _, _, _, _ in } == .empty)
      if opens {
        queue.open(
          format: AudioFormat(.s16le, rate: 8_000, channels: 1), slotFrames: 4, capacity: 2, dropsOldest: true
        )
        #expect(queue.isOpen && queue.format.rate == 8_000 && queue.slotFrames == 4 && queue.capacity == 2)
      }
      queue.end()
      #expect(queue.pop { _, _, _, _ in } == .ended && queue.neverOpens == !opens)
    }
    #expect(told.load(ordering: .relaxed) == 11)
  }

  @Test("a queue and who reads from it let go of each other")
  func lettingGo() async {
    weak var gone: AudioQueue?
    do {
      let queue = AudioQueue(
        format: AudioFormat(.s16le, rate: 8_000, channels: 1), slotFrames: 4, capacity: 2)
      gone = queue
      let inlet = AudioInlet(queue, liveness: .finite)
      queue.end()
      #expect(await inlet.next() == nil)
    }
    #expect(gone == nil)
  }

  @Test("blocks come out in order, whole and once")
  func order() {
    let queue = AudioQueue(format: format, slotFrames: 2, capacity: 3)
    var block = makeBlock()
    for round in 0..<10 {
      for number in 0..<3 { #expect(push(3 * round + number, to: queue, &block)) }
      #expect(!queue.hasRoom)
      #expect(queue.count == 3)
      for number in 0..<3 { #expect(pop(queue).number == 3 * round + number) }
      #expect(pop(queue).result == .empty)
    }
  }

  @Test("a full queue drops its oldest block, and the positions show it")
  func dropOldest() {
    let queue = AudioQueue(format: format, slotFrames: 2, capacity: 3)
    var block = makeBlock()
    #expect((0..<5).map { push($0, to: queue, &block) } == [true, true, true, false, false])
    #expect((0..<3).map { _ in pop(queue).number } == [2, 3, 4])
    #expect(pop(queue).result == .empty)
  }

  @Test("the end comes after everything that was pushed before it")
  func end() {
    let queue = AudioQueue(format: format, slotFrames: 2, capacity: 3)
    var block = makeBlock()
    _ = push(0, to: queue, &block)
    queue.end()
    #expect(queue.isFinished)
    #expect(pop(queue).result == .block)
    #expect(pop(queue).result == .ended)
    #expect(pop(queue).result == .ended)
  }

  @Test("a closed queue always has room and keeps nothing")
  func close() {
    let queue = AudioQueue(format: format, slotFrames: 2, capacity: 1)
    var block = makeBlock()
    _ = push(0, to: queue, &block)
    let told = Mutex(0)
    queue.onRoom { told.withLock { $0 += 1 } }
    #expect(!queue.hasRoom)
    queue.close()
    #expect(told.withLock { $0 } == 1)
    #expect(queue.hasRoom)
    #expect(queue.isAbandoned)
    for number in 1..<9 { #expect(push(number, to: queue, &block)) }
    #expect(queue.count == 1)
  }

  @Test("whoever found no room is told once there is some")
  func room() {
    let queue = AudioQueue(format: format, slotFrames: 2, capacity: 1)
    var block = makeBlock()
    let told = Mutex(0)
    queue.onRoom { told.withLock { $0 += 1 } }
    _ = push(0, to: queue, &block)
    _ = pop(queue)
    #expect(told.withLock { $0 } == 0)
    _ = push(1, to: queue, &block)
    #expect(!queue.hasRoom)
    _ = pop(queue)
    _ = pop(queue)
    #expect(told.withLock { $0 } == 1)
  }

  @Test("a block pushed while the oldest is being read costs itself alone")
  func readWhilePushed() {
    let queue = AudioQueue(format: format, slotFrames: 2, capacity: 2)
    var block = makeBlock()
    _ = push(0, to: queue, &block)
    _ = push(1, to: queue, &block)
    let kept = queue.pop { bytes, _, position, _ in
      #expect(position == 0)
      var block = makeBlock()
      // 2 drops block 0, which is being read; 3 would go where it lies.
      #expect(!push(2, to: queue, &block))
      #expect(!push(3, to: queue, &block))
      #expect(bytes.load(as: Int32.self) == 0, "what is being read is not written over")
    }
    #expect(kept == .block)
    #expect(pop(queue).number == 1)
    #expect(pop(queue).number == 2)
    #expect(pop(queue).result == .empty)
  }

  /// Runs a pushing thread beside the popping one; `waits` says whether the pushing one waits for room.
  private func race(blocks: Int, waits: Bool) -> (received: [Int], lost: Int) {
    let queue = AudioQueue(format: format, slotFrames: 2, capacity: 8)
    let lost = Mutex(0)
    let room = DispatchSemaphore(value: 0)
    let news = DispatchSemaphore(value: 0)
    queue.onRoom { room.signal() }
    queue.onChange { news.signal() }
    let thread = Thread {
      var block = makeBlock()
      for number in 0..<blocks {
        while waits && !queue.hasRoom { room.wait() }
        if !push(number, to: queue, &block) { lost.withLock { $0 += 1 } }
      }
      queue.end()
    }
    thread.start()
    var received: [Int] = []
    while true {
      let (number, result) = pop(queue)
      switch result {
      case .block: received.append(number ?? -1)
      case .empty: news.wait()
      case .ended: return (received, lost.withLock { $0 })
      }
    }
  }

  @Test("two threads pass 100,000 blocks, none lost, when the pushing one waits for room")
  func waitingRace() {
    let (received, lost) = race(blocks: 100_000, waits: true)
    #expect(received == Array(0..<100_000))
    #expect(lost == 0)
  }

  @Test("two threads pass 100,000 blocks, every gap accounted for, when the pushing one does not wait")
  func droppingRace() {
    let (received, lost) = race(blocks: 100_000, waits: false)
    #expect(!received.contains(-1), "no block is torn")
    #expect(zip(received, received.dropFirst()).allSatisfy { $0 < $1 })
    // A dropped block may still have been on its way out, so that its loss is counted and it arrives all the same.
    #expect(received.count + lost >= 100_000)
    #expect(received.count <= 100_000)
  }
}

@Suite(.timeLimit(.minutes(10))) struct AudioInletTests {
  @Test("next() gives every block with its position and then nil")
  func next() async {
    let queue = AudioQueue(format: format, slotFrames: 2, capacity: 4)
    let inlet = AudioInlet(queue, liveness: .finite)
    let room = DispatchSemaphore(value: 0)
    queue.onRoom { room.signal() }
    Thread {
      var block = makeBlock()
      for number in 0..<4_000 {
        while !queue.hasRoom { room.wait() }
        _ = push(number, to: queue, &block)
      }
      queue.end()
    }.start()
    var expected: Int64 = 0
    while let block = await inlet.next() {
      guard block.position == expected, block.frames == 2, block.bytes.count == 4 else {
        Issue.record("\(block) where \(expected) was due")
        return
      }
      expected += 2
    }
    #expect(expected == 8_000)
    let after = await inlet.next()
    #expect(after?.frames == nil)
  }

  @Test("a cancelled task gets nil, even while it waits")
  func cancelled() async {
    let inlet = AudioInlet(AudioQueue(format: format, slotFrames: 2, capacity: 4), liveness: .live)
    for _ in 0..<100 {
      let task = Task { await inlet.next()?.frames == nil }
      await Task.yield()
      task.cancel()
      #expect(await task.value)
    }
  }

  @Test("read() hands blocks over without waiting")
  func read() {
    let queue = AudioQueue(format: format, slotFrames: 2, capacity: 4)
    let inlet = AudioInlet(queue, liveness: .live)
    let calls = Mutex(0)
    inlet.onChange { calls.withLock { $0 += 1 } }
    var block = makeBlock()
    #expect(inlet.read { _, _, _, _ in } == .empty)
    _ = push(7, to: queue, &block)
    var position: Int64?
    #expect(inlet.read { _, _, start, _ in position = start } == .block)
    #expect(position == 14)
    queue.end()
    #expect(inlet.read { _, _, _, _ in } == .ended)
    #expect(calls.withLock { $0 } == 2)
  }
}
