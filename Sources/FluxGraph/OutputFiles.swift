internal import Glibc

/// Opens the files a stage writes, and tells which of them it makes.
public struct OutputFiles: Sendable {
  private let making: @Sendable (String) -> Void
  private let refusal: @Sendable (String, OutputFile.Opening) -> StageError?
  private let opening: @Sendable (String) -> Void

  /// - Parameters:
  ///   - making: called, where the file is opened, with the path of each file that is about to be made.
  ///   - opening: called, where the file is opened, with the path of each that is about to be opened.
  ///   - refusal: says why a file must not be opened like this, such as one the graph reads; nil where it may.
  public init(
    making: @escaping @Sendable (String) -> Void = { _ in },
    opening: @escaping @Sendable (String) -> Void = { _ in },
    refusal: @escaping @Sendable (String, OutputFile.Opening) -> StageError? = { _, _ in nil }
  ) {
    self.making = making
    self.refusal = refusal
    self.opening = opening
  }

  /// Opens a file, and the directories above it. Blocks.
  /// - Throws: `StageError`, with a remedy where something is at the path of a `new` file.
  public func open(
    _ path: String, _ opening: OutputFile.Opening, permissions: UInt32 = 0o666
  ) throws(StageError) -> OutputFile {
    self.opening(path)
    if let error = refusal(path, opening) { throw error }
    // Told before: what a program that is killed has made is known then.
    if access(path, F_OK) != 0 { making(path) }
    do throws(FileError) {
      return try OutputFile(path, opening, permissions: permissions)
    } catch {
      if error.code == EEXIST { throw .alreadyThere(path) }
      if error.code == ENXIO { throw StageError(.inputOutput, "nobody reads the pipe \(path)") }
      throw StageError(error)
    }
  }
}

extension StageError {
  /// What says that a file of this name must not be written.
  public static func alreadyThere(_ path: String) -> StageError {
    StageError(
      .inputOutput, "\(path) is already there",
      help: "Add `overwrite` to replace it, or give it another name, such as one with {date} and {clock}.")
  }
}
