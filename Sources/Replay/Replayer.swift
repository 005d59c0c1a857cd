/// Replays a recording from its start.
package struct Replayer {
  package init() {}

  /// Replays to the end, or to where `options` say. Throws `Divergence`, `ReplayError` or an error of the trace.
  package func replay(_ options: ReplayOptions) throws -> ReplayOutcome {
    throw ReplayError.unavailable("replay is under construction")
  }
}
