internal import Synchronization

/// The stages a program knows, by name. A value: a program adds its own stages to `FluxGraphCLI`'s standard ones and hands the
/// result to the command line; a test makes one with a single stage.
public struct Catalogue: Sendable {
  /// A stage, described when that is first asked for: a graph uses few of those there are.
  private final class Entry: Sendable {
    let kind: StageKind
    let role: AdapterRole?
    private let describe: @Sendable () -> StageSpecification
    private let described: Mutex<StageSpecification?>

    init(_ specification: StageSpecification) {
      kind = specification.kind
      role = specification.role
      describe = { specification }
      described = Mutex(specification)
    }

    init<S: Stage>(_ type: S.Type, _ role: AdapterRole?) {
      kind = S.kind
      self.role = role
      describe = { StageSpecification(type) }
      described = Mutex(nil)
    }

    var specification: StageSpecification {
      described.withLock { described in
        let specification = described ?? describe()
        described = specification
        return specification
      }
    }
  }

  private var entries: [String: Entry] = [:]
  /// The names in the order the stages were added.
  private var order: [String] = []

  public init() {}

  /// This catalogue and one more stage; a stage of the same name is replaced.
  public func adding<S: Stage>(_ type: S.Type) -> Catalogue {
    let specification = StageSpecification(type)
    var copy = self
    copy.put(Entry(specification), specification.name)
    return copy
  }

  /// This catalogue and one more stage, whose description is not made before it is needed.
  /// - Parameters:
  ///   - name: the one in its description.
  ///   - role: the one in its description.
  package func adding<S: Stage>(
    _ name: String, _ type: S.Type, role: AdapterRole? = nil
  ) -> Catalogue {
    var copy = self
    copy.put(Entry(type, role), name)
    return copy
  }

  /// This catalogue and all stages of another.
  public func adding(_ other: Catalogue) -> Catalogue {
    var copy = self
    for name in other.order { if let entry = other.entries[name] { copy.put(entry, name) } }
    return copy
  }

  private mutating func put(_ entry: Entry, _ name: String) {
    if entries.updateValue(entry, forKey: name) == nil { order.append(name) }
  }

  /// The stage of this name.
  public subscript(name: String) -> StageSpecification? { entries[name]?.specification }

  /// The names of all stages, sorted.
  public var names: [String] { order.sorted() }

  /// All stages, by name.
  public var all: [StageSpecification] { names.compactMap { self[$0] } }

  /// The names of all stages of a group, in the order they were added.
  public func names(of group: StageGroup) -> [String] { order.filter { entries[$0]?.kind.group == group } }

  /// The stage that plays an adapter's role: the first by its name.
  public func adapter(_ role: AdapterRole) -> StageSpecification? {
    names.first { entries[$0]?.role == role }.flatMap { self[$0] }
  }
}
