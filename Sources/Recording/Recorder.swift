/// Records a process tree.
package struct Recorder {
  package init() {}

  /// Records until the first process (or with `waitForAll` the last descendant) is gone.
  ///
  /// Must be called on the process's only tracing thread; blocks until the recording ends.
  package func record(_ options: RecordOptions) throws -> RecordOutcome {
    throw RecordError.unavailable("recording is under construction")
  }
}
