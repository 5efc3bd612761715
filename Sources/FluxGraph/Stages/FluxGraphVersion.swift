/// The version of the program and of the interface for stage authors.
public enum FluxGraphVersion {
  /// The version as `fluxgraph version` prints it: major, minor, patch.
  public static let text = "0.1.0"
}
