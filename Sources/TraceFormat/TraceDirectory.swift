/// The directory that holds the traces: `NAME-N` each, and `latest-trace`, a symbolic link to the newest.
package struct TraceDirectory: Sendable {
  package var path: String

  package init(path: String) { self.path = path }

  /// `$RRS_TRACE_DIR`, else `$XDG_DATA_HOME/rrs`, else `~/.local/share/rrs`; taken from this process's environment.
  package init() { preconditionFailure() }

  /// The path of `latest-trace`.
  package var latestLink: String { path + "/latest-trace" }

  /// Makes an empty directory `NAME-N` for a recording of `program` (a path; its last component is NAME) and returns
  /// its path. The trace directory itself is made where it is missing.
  package func create(forProgram program: String) throws(TraceError) -> String { preconditionFailure() }

  /// The path of the trace that a command-line argument means: a path first, then a name in this directory; nil means
  /// `latest-trace`. The result is a directory, and has symbolic links resolved.
  package func resolve(_ argument: String?) throws(TraceError) -> String { preconditionFailure() }

  /// Points `latest-trace` at a trace of this directory. Does nothing for traces elsewhere.
  package func updateLatest(to trace: String) throws(TraceError) { preconditionFailure() }

  /// The trace that `latest-trace` points at, nil where there is none.
  package func latest() -> String? { preconditionFailure() }

  /// The paths of all traces in this directory, sorted by name.
  package func traces() throws(TraceError) -> [String] { preconditionFailure() }
}
