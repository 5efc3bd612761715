package import FluxGraph

/// A comparison in a predicate and its place.
package struct OperatorSyntax: Sendable, Hashable {
  package var comparison: Predicate.Comparison
  package var span: SourceSpan
}
