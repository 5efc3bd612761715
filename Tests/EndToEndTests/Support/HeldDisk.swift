import Foundation
import Glibc
import Testing

/// A directory whose file system can be stopped: whatever would change a file there does not come back, as on a file server that is
/// gone. The program under test is started with a library that stands before the system's calls, so that no rights are needed; it is
/// compiled once, by the compiler the tests were built with.
struct HeldDisk {
  /// On another file system than the tests' own folders, where the machine has one.
  let directory: String
  private var flag: String { directory + "/held" }

  init() throws {
    let place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : FileManager.default.temporaryDirectory.path
    directory = "\(place)/fluxgraph-held-\(UUID().uuidString)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
  }

  func remove() { try? FileManager.default.removeItem(atPath: directory) }

  func path(_ name: String) -> String { directory + "/" + name }

  /// What the program needs in its environment.
  func environment() async throws -> [String: String] {
    ["LD_PRELOAD": try await Self.library.value, "HELD_DIRECTORY": directory]
  }

  func stop() throws { try Data().write(to: URL(fileURLWithPath: flag)) }
  func goOn() { unlink(flag) }

  private static let library = Task {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "fluxgraph-held-\(getpid())")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let (text, library) = (folder.appendingPathComponent("held.c"), folder.appendingPathComponent("held.so"))
    try Data(source.utf8).write(to: text)
    let outcome = try await Program.run(
      "/usr/bin/env", ["clang", "-shared", "-fPIC", "-O1", "-o", library.path, text.path, "-ldl"])
    try #require(outcome.status == 0, "\(outcome.errors)")
    return library.path
  }

  private static let source = #"""
    #define _GNU_SOURCE
    #include <dlfcn.h>
    #include <fcntl.h>
    #include <stdarg.h>
    #include <stdio.h>
    #include <stdlib.h>
    #include <string.h>
    #include <unistd.h>

    static int is_there(const char *path) {
      const char *directory = getenv("HELD_DIRECTORY");
      return directory && strncmp(path, directory, strlen(directory)) == 0;
    }

    static void wait_while_held(void) {
      char flag[4096];
      snprintf(flag, sizeof flag, "%s/held", getenv("HELD_DIRECTORY"));
      while (access(flag, F_OK) == 0) usleep(10000);
    }

    static void wait_for(int descriptor) {
      char link[64], path[4096];
      snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
      ssize_t length = readlink(link, path, sizeof path - 1);
      if (length < 0) return;
      path[length] = 0;
      if (is_there(path)) wait_while_held();
    }

    #define NEXT(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
    #define OPENING(name) \
      int name(const char *path, int flags, ...) { \
        va_list list; \
        va_start(list, flags); \
        int mode = flags & O_CREAT ? va_arg(list, int) : 0; \
        va_end(list); \
        if (flags & (O_CREAT | O_TRUNC) && is_there(path)) wait_while_held(); \
        return NEXT(name)(path, flags, mode); \
      }
    OPENING(open)
    OPENING(open64)

    ssize_t write(int d, const void *b, size_t n) { wait_for(d); return NEXT(write)(d, b, n); }
    ssize_t pwrite(int d, const void *b, size_t n, off_t o) { wait_for(d); return NEXT(pwrite)(d, b, n, o); }
    ssize_t pwrite64(int d, const void *b, size_t n, off64_t o) { wait_for(d); return NEXT(pwrite64)(d, b, n, o); }
    int fdatasync(int d) { wait_for(d); return NEXT(fdatasync)(d); }
    int fsync(int d) { wait_for(d); return NEXT(fsync)(d); }
    int ftruncate(int d, off_t l) { wait_for(d); return NEXT(ftruncate)(d, l); }
    int ftruncate64(int d, off64_t l) { wait_for(d); return NEXT(ftruncate64)(d, l); }
    """#
}
