import Glibc
import TestSupport
import Testing

@testable import Platform

@Suite struct FileLockTests {
  private func holder(_ path: String) -> LockHolder?? {
    do throws(FileLockError) {
      _ = try FileLock(path)
      return nil
    } catch {
      guard case .held(_, let holder) = error else { return nil }
      return .some(holder)
    }
  }

  @Test("a lock is taken once, and says who has it")
  func once() throws {
    let folder = try TemporaryFolder()
    do {
      let lock = try FileLock(folder.file("a.lock"))
      #expect(holder(folder.file("a.lock")) == .some(.some(LockHolder(process: getpid()))))
      _ = try FileLock(folder.file("b.lock"))
      withExtendedLifetime(lock) {}
    }
  }

  @Test("a directory can be locked; what cannot be opened is told as that")
  func places() throws {
    let folder = try TemporaryFolder()
    let lock = try FileLock(folder.path)
    #expect(holder(folder.path) != nil)
    withExtendedLifetime(lock) {}
    #expect(folder.names == [])
    do {
      _ = try FileLock(folder.file("none/a.lock"))
      Issue.record("there is no such directory")
    } catch {
      #expect(!error.isHeld)
      let place = folder.file("none")
      #expect(
        "\(error)"
          == "cannot make \(place)/a.lock: there is no directory \(place): No such file or directory")
    }
  }

  @Test("a lock file that was taken away and made anew is another lock")
  func replaced() throws {
    let folder = try TemporaryFolder()
    let first = try FileLock(folder.file("a.lock"))
    unlink(folder.file("a.lock"))
    let second = try FileLock(folder.file("a.lock"))
    #expect(holder(folder.file("a.lock")) != nil)
    withExtendedLifetime((first, second)) {}
  }

  @Test("a child does not keep a lock of the program that started it")
  func child() async throws {
    let folder = try TemporaryFolder()
    var process = pid_t()
    do {
      let lock = try FileLock(folder.file("a.lock"))
      var words: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("60"), nil]
      defer { for word in words { free(word) } }
      #expect(posix_spawnp(&process, "sleep", nil, nil, &words, environ) == 0)
      withExtendedLifetime(lock) {}
    }
    // What other tests start has a copy of every descriptor until it becomes another program.
    _ = try await waiting(upTo: .seconds(60), while: \.isHeld) { () throws(FileLockError) in
      try FileLock(folder.file("a.lock"))
    }
    kill(process, SIGKILL)
    waitpid(process, nil, 0)
  }

  private struct Held: Error {
    var isPassing: Bool
  }

  @Test("what is held is tried again until it is free; what fails for another reason is tried once")
  func waits() async throws {
    var tries = 0
    let value = try await waiting(upTo: .seconds(3600), while: { (error: Held) in error.isPassing }) {
      () throws(Held) in
      tries += 1
      if tries < 4 { throw Held(isPassing: true) }
      return tries
    }
    #expect(value == 4)
    await #expect(throws: Held.self) {
      try await waiting(while: { (error: Held) in error.isPassing }) { () throws(Held) -> Int in
        tries += 1
        throw Held(isPassing: false)
      }
    }
    #expect(tries == 5)
  }

  @Test("what is never free is given up after the time that was given, or with its task")
  func givesUp() async throws {
    let began = ContinuousClock.now
    await #expect(throws: Held.self) {
      try await waiting(upTo: .milliseconds(50), while: { (error: Held) in error.isPassing }) {
        () throws(Held) -> Int in throw Held(isPassing: true)
      }
    }
    #expect(began.duration(to: .now) >= .milliseconds(50))
    let task = Task {
      try await waiting(upTo: .seconds(3600), while: { (error: Held) in error.isPassing }) {
        () throws(Held) -> Int in throw Held(isPassing: true)
      }
    }
    task.cancel()
    await #expect(throws: Held.self) { try await task.value }
  }
}
