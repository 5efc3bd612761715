internal import Glibc

/// Opens the files a stage writes, and tells which of them it makes.
public struct OutputFiles: Sendable {
  private let making: @Sendable (String) -> Void
  private let refusal: @Sendable (String, OutputFile.Opening) -> StageError?
  private let opening: @Sendable (String) -> Void
  private let opened: @Sendable (String, OutputFile.Opening) -> Void
  private let taking: @Sendable (String) -> Bool

  /// - Parameters:
  ///   - making: called, where the file is opened, with the path of each file that is about to be made.
  ///   - opening: called, where the file is opened, with the path of each that is about to be opened.
  ///   - opened: called, where the file is opened, with the path of each that has been.
  ///   - taking: chooses a name for a file of the stage alone; false where another one writes there.
  ///   - refusal: says why a file must not be opened like this, such as one the graph reads; nil where it may.
  public init(
    making: @escaping @Sendable (String) -> Void = { _ in },
    opening: @escaping @Sendable (String) -> Void = { _ in },
    opened: @escaping @Sendable (String, OutputFile.Opening) -> Void = { _, _ in },
    taking: @escaping @Sendable (String) -> Bool = { _ in true },
    refusal: @escaping @Sendable (String, OutputFile.Opening) -> StageError? = { _, _ in nil }
  ) {
    self.making = making
    self.opened = opened
    self.taking = taking
    self.refusal = refusal
    self.opening = opening
  }

  /// Chooses a name for a file that this stage alone writes; `overwrite` does not mean what another stage of the run does. Blocks.
  /// - Returns: false where another stage writes there.
  public func take(_ path: String) -> Bool { taking(path) }

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
      let file = try OutputFile(path, opening, permissions: permissions)
      opened(path, opening)
      return file
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
