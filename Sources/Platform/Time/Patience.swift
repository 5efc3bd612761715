/// How long what another program holds is waited for: a command that looks at something lets go of it in far less, and who waits
/// for one that never does is not kept for long.
package let patience = Duration.seconds(2)

/// Tries something again for as long as it fails only because another program holds what it needs, and no longer than
/// `patience`. No thread waits meanwhile. A task that is cancelled gives up.
/// - Parameter isHeld: whether a failure is of that kind.
/// - Returns: what the attempt returned that succeeded.
/// - Throws: what the last attempt threw.
package func waiting<Value, Failure: Error>(
  upTo limit: Duration = patience, while isHeld: (Failure) -> Bool,
  isolation: isolated (any Actor)? = #isolation,
  for attempt: () async throws(Failure) -> Value
) async throws(Failure) -> Value {
  let end = Instant.now().advanced(by: limit)
  while true {
    do throws(Failure) {
      return try await attempt()
    } catch {
      guard isHeld(error), Instant.now() < end, !Task.isCancelled else { throw error }
    }
    // Not always the same: whoever holds it may do so in a rhythm.
    try? await Task.sleep(for: .microseconds(.random(in: 2_000...20_000)))
  }
}
