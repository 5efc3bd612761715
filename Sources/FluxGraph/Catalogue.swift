/// The stages a program knows, by name. A value: a program adds its own stages to `FluxGraphCLI`'s standard ones and hands the
/// result to the command line; a test makes one with a single stage.
public struct Catalogue: Sendable {
  private var specifications: [String: StageSpecification] = [:]

  /// A catalogue without stages.
  public init() {}

  /// This catalogue and one more stage; a stage of the same name is replaced.
  public func adding<S: Stage>(_ type: S.Type) -> Catalogue {
    var copy = self
    let specification = StageSpecification(type)
    copy.specifications[specification.name] = specification
    return copy
  }

  /// This catalogue and all stages of another.
  public func adding(_ other: Catalogue) -> Catalogue {
    var copy = self
    copy.specifications.merge(other.specifications) { _, new in new }
    return copy
  }

  /// The stage of this name.
  public subscript(name: String) -> StageSpecification? { specifications[name] }

  /// All stages, by name.
  public var all: [StageSpecification] {
    specifications.values.sorted { $0.name < $1.name }
  }

  /// The stage that plays an adapter's role.
  public func adapter(_ role: AdapterRole) -> StageSpecification? {
    all.first { $0.role == role }
  }
}
