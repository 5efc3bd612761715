/// The version of the program and of the interface for stage authors.
public enum FluxGraphVersion {
  public static let text = "0.1.0"
}
