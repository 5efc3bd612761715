internal import Glibc
internal import Synchronization

/// Counts how often one thread asks for memory while a piece of code runs.
///
/// The C library has no counter for a thread, and its totals are changed by every other thread, so the calls themselves are
/// counted: in each loaded program and library, the entries of the tables through which the dynamic linker has it call `malloc`
/// and its kin are made to point to functions of this file, which count and call the real ones. Swift's own allocations pass
/// there too: its run-time library calls `malloc` as any other. Once put in, the functions stay.
enum AllocationCounter {
  /// Calls of `malloc`, `calloc`, `realloc`, `posix_memalign` and `aligned_alloc` made by this thread inside `body`.
  static func count<Failure: Error>(_ body: () throws(Failure) -> Void) throws(Failure) -> Int {
    _ = isInstalled
    // One thread at a time is watched; what is counted is short.
    while !watched.thread.compareExchange(
      expected: 0, desired: UInt(pthread_self()), ordering: .sequentiallyConsistent
    ).exchanged {
      sched_yield()
    }
    watched.count.store(0, ordering: .relaxed)
    defer { watched.thread.store(0, ordering: .sequentiallyConsistent) }
    try body()
    return watched.count.load(ordering: .relaxed)
  }

  private static let isInstalled: Bool = {
    // Made before the first counted call: a constant that made itself inside of `malloc` would call it.
    _ = watched
    LinkedLibraries.forEach { $0.replace(replacements) }
    return true
  }()

  private static var replacements: [String: UnsafeRawPointer] {
    [
      "malloc": unsafeBitCast(countedMalloc, to: UnsafeRawPointer.self),
      "calloc": unsafeBitCast(countedCalloc, to: UnsafeRawPointer.self),
      "realloc": unsafeBitCast(countedRealloc, to: UnsafeRawPointer.self),
      "posix_memalign": unsafeBitCast(countedMemalign, to: UnsafeRawPointer.self),
      "aligned_alloc": unsafeBitCast(countedAligned, to: UnsafeRawPointer.self),
    ]
  }
}

private typealias Allocate = @convention(c) (Int) -> UnsafeMutableRawPointer?
private typealias AllocateTwo = @convention(c) (Int, Int) -> UnsafeMutableRawPointer?
private typealias Reallocate = @convention(c) (UnsafeMutableRawPointer?, Int) -> UnsafeMutableRawPointer?
private typealias AllocateInto =
  @convention(c) (UnsafeMutablePointer<UnsafeMutableRawPointer?>, Int, Int) -> Int32

private final class Watched: Sendable {
  /// The thread that is watched; 0 for none.
  let thread = Atomic<UInt>(0)
  let count = Atomic<Int>(0)
  // The real functions, by address: this file's own calls by name would come back to it.
  let malloc = unsafeBitCast(dlsym(nil, "malloc"), to: Allocate.self)
  let calloc = unsafeBitCast(dlsym(nil, "calloc"), to: AllocateTwo.self)
  let realloc = unsafeBitCast(dlsym(nil, "realloc"), to: Reallocate.self)
  let memalign = unsafeBitCast(dlsym(nil, "posix_memalign"), to: AllocateInto.self)
  let aligned = unsafeBitCast(dlsym(nil, "aligned_alloc"), to: AllocateTwo.self)

  func note() {
    if thread.load(ordering: .relaxed) == UInt(pthread_self()) { count.add(1, ordering: .relaxed) }
  }
}

private let watched = Watched()

private let countedMalloc: Allocate = { size in
  watched.note()
  return watched.malloc(size)
}

private let countedCalloc: AllocateTwo = { count, size in
  watched.note()
  return watched.calloc(count, size)
}

private let countedRealloc: Reallocate = { old, size in
  watched.note()
  return watched.realloc(old, size)
}

private let countedMemalign: AllocateInto = { result, alignment, size in
  watched.note()
  return watched.memalign(result, alignment, size)
}

private let countedAligned: AllocateTwo = { alignment, size in
  watched.note()
  return watched.aligned(alignment, size)
}

/// A program or library as the dynamic linker has loaded it (glibc's `struct link_map`, and the ELF specification's dynamic
/// section, symbols and relocations, of 64-bit machines).
private struct LinkedLibraries {
  private let base: UInt
  private let dynamic: UnsafeRawPointer

  /// Calls `body` for all that is loaded, except the linker and the C library: their own calls are their business.
  static func forEach(_ body: (LinkedLibraries) -> Void) {
    // A handle of dlopen is a `struct link_map`: address, name, dynamic section, next, previous.
    var map = dlopen(nil, RTLD_LAZY).map { UnsafeRawPointer($0) }
    while let entry = map {
      let name =
        entry.load(fromByteOffset: 8, as: UnsafePointer<CChar>?.self).map { String(cString: $0) } ?? ""
      let file = name.split(separator: "/").last ?? ""
      let dynamic = entry.load(fromByteOffset: 16, as: UnsafeRawPointer?.self)
      if let dynamic, !["libc.so", "ld-linux", "linux-vdso"].contains(where: { file.hasPrefix($0) }) {
        body(LinkedLibraries(base: entry.load(as: UInt.self), dynamic: dynamic))
      }
      map = entry.load(fromByteOffset: 24, as: UnsafeRawPointer?.self)
    }
  }

  /// The value of an entry of the dynamic section; nil when there is none.
  private func value(_ tag: Int) -> UInt? {
    var entry = dynamic
    while true {
      let found = entry.load(as: Int.self)
      if found == tag { return entry.load(fromByteOffset: 8, as: UInt.self) }
      if found == 0 { return nil }
      entry += 16
    }
  }

  func replace(_ functions: [String: UnsafeRawPointer]) {
    // DT_STRTAB, DT_SYMTAB; glibc has made addresses of them.
    guard let names = value(5).flatMap(UnsafePointer<CChar>.init(bitPattern:)),
      let symbols = value(6).flatMap(UnsafeRawPointer.init(bitPattern:))
    else { return }
    // DT_JMPREL with DT_PLTRELSZ, DT_RELA with DT_RELASZ.
    for (table, size) in [(value(23), value(2)), (value(7), value(8))] {
      guard let table, let size, let start = UnsafeRawPointer(bitPattern: table) else { continue }
      for offset in stride(from: 0, to: Int(size), by: 24) {
        let place = start.load(fromByteOffset: offset, as: UInt.self)
        let information = start.load(fromByteOffset: offset + 8, as: UInt.self)
        guard Self.isCall(information & 0xFFFF_FFFF) else { continue }
        let symbol = symbols + Int(information >> 32) * 24
        let name = String(cString: names + Int(symbol.load(as: UInt32.self)))
        if let function = functions[name] { Self.write(function, at: base + place) }
      }
    }
  }

  /// R_X86_64_GLOB_DAT and _JUMP_SLOT, R_AARCH64_GLOB_DAT and _JUMP_SLOT.
  private static func isCall(_ kind: UInt) -> Bool { [6, 7, 1025, 1026].contains(kind) }

  private static func write(_ function: UnsafeRawPointer, at address: UInt) {
    let page = UInt(sysconf(Int32(_SC_PAGESIZE)))
    let start = UnsafeMutableRawPointer(bitPattern: address / page * page)
    guard mprotect(start, Int(page), PROT_READ | PROT_WRITE) == 0 else { return }
    UnsafeMutablePointer<UInt>(bitPattern: address)?.pointee = UInt(bitPattern: function)
  }
}
